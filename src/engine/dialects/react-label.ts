import { matchAt } from "./white-space.ts";

export type ReactLabel = {
  readonly kind: "action" | "input" | "tool" | "thought" | "observation" | "output" | "final-answer";
  /** Behind the colon. */
  readonly end: number;
};

const LABEL =
  /[ \t\u00a0\ufeff\0]*(?:(?:[-+]|\d{1,3}[.)])[ \t]+)?[#*_ \t]{0,8}(action[ _-]?input|action|tool[ _-]?input|tool[ _-]?output|tool|observation|final[ _-]?answer|thought)(?:[ \t]*#?\d{1,3})?[ \t]*[*_]{0,3}[ \t]*:[ \t]*(?:[*_]{1,3}(?=[\s]|$))?/iy;

/** The ReAct label that the line at `lineStart` begins with: any case, bold, numbered. */
export function readLabel(text: string, lineStart: number): ReactLabel | undefined {
  const match = matchAt(LABEL, text, lineStart);
  if (match === undefined) return undefined;
  const word = (match[1] ?? "").toLowerCase().replaceAll(/[ _-]/g, "");
  return { kind: KINDS[word] ?? "thought", end: lineStart + match[0].length };
}

const KINDS: Readonly<Record<string, ReactLabel["kind"]>> = {
  action: "action",
  actioninput: "input",
  tool: "tool",
  toolinput: "input",
  tooloutput: "output",
  observation: "observation",
  finalanswer: "final-answer",
  thought: "thought",
};
