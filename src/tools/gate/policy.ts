import type { ToolEffect } from "../tool.ts";

export const DECISIONS = ["allow", "ask", "deny"] as const;
export type Decision = (typeof DECISIONS)[number];

/** All patterns of a rule must match; one that is absent matches everything. The last rule that matches decides. */
export type PolicyRule = {
  /** A tool's name, or `server/tool`; `*` stands for any characters. */
  readonly tool?: string;
  /** A path of the workspace; `*` within one name, `**` across folders. Matches when any path of the call does. */
  readonly path?: string;
  /** The words of a command; `*` is any one word, `**` at the end any number of words. */
  readonly command?: string;
  readonly decide: Decision;
  /** Told to the person who is asked and to the model that is refused. */
  readonly why?: string;
};

/** What a person must say yes to. What the sandbox permits is the other axis, and no rule widens it. */
export type Policy = {
  readonly rules: readonly PolicyRule[];
  /** For a command whose words can't be known. */
  readonly unparsed: "ask" | "deny";
};

/** What a policy is asked about. */
export type PolicyQuestion = {
  readonly tool: string;
  readonly server: string;
  readonly effect: ToolEffect;
  readonly paths: readonly string[];
  readonly command?: string;
};

export type Verdict = {
  readonly decision: Decision;
  /** The rule that decided, as a person would write it, or why there was none. */
  readonly because: string;
};
