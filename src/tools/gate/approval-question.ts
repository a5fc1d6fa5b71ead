import { createHash } from "node:crypto";
import { z } from "zod";
import type { JsonObject } from "../../engine/dialects/reading.ts";
import { redactValues, showUnseen } from "./call-text.ts";
import type { Redactor } from "./redact.ts";
import { parseCommand } from "./shell-words.ts";

/** What a person is asked. */
export type ApprovalQuestion = {
  readonly buildId: string;
  readonly task: string;
  /** Unique within the build and the same at every replay. */
  readonly step: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** `in-doubt`: the call was cut off, and nobody knows whether it happened; approved, it is made again. */
  readonly kind: "policy" | "in-doubt";
  /** Of a call in doubt: how often it was begun. Each time it is cut off is a question of its own. */
  readonly attempts?: number;
  readonly why: string;
};

/** What is shown of a question, whole. It is what the answer is bound to. */
export const shownSchema = z.strictObject({
  kind: z.enum(["policy", "in-doubt"]),
  task: z.string(),
  tool: z.string(),
  /** Secrets are taken out, and nothing else. */
  arguments: z.record(z.string(), z.unknown()),
  /** What a command comes to, one line for each program it runs; empty when it can't be known or is none. */
  commands: z.array(z.string()),
  why: z.string(),
  /** Of the arguments as they are, with the secrets. */
  argumentsSha256: z.string(),
});
export type ShownQuestion = z.infer<typeof shownSchema>;

export type BoundQuestion = { readonly callId: string; readonly shown: ShownQuestion; readonly hash: string };

const MAX_COMMANDS = 50;

/** What is shown of a question, and the hash that binds its answer to that and to this one call. Pure. */
export function bindQuestion(question: ApprovalQuestion, redactor: Redactor): BoundQuestion {
  const { buildId, step, task, tool, kind, why } = question;
  const attempt = question.attempts === undefined ? "" : `/${question.attempts}`;
  const callId = `${buildId}/${step}/${kind}${attempt}`;
  const command = question.arguments["command"];
  const shown: ShownQuestion = {
    kind,
    task,
    tool,
    arguments: { ...redactValues(question.arguments, redactor) },
    commands: typeof command === "string" ? commandLines(command).map((line) => redactor(line).text) : [],
    why: redactor(why).text,
    argumentsSha256: sha256(canonicalJson(question.arguments)),
  };
  return { callId, shown, hash: questionHash(callId, shown) };
}

/** Binds what is shown of a question, as JSON, to what is asked about. Pure. */
export function questionHash(callId: string, shown: unknown): string {
  return sha256(`${callId}\n${canonicalJson(shown)}`);
}

function commandLines(command: string): string[] {
  const parsed = parseCommand(command);
  if (parsed.kind === "unparsed") return [];
  return parsed.commands
    .slice(0, MAX_COMMANDS)
    .map(({ words, redirections }) =>
      showUnseen(
        [
          ...words.map(({ text, dynamic }) =>
            dynamic ? `${text}…` : /^[\w./:@%+=,-]+$/.test(text) ? text : JSON.stringify(text),
          ),
          ...redirections.map(
            ({ mode, path }) => `${mode === "read" ? "<" : ">"} ${path.text}${path.dynamic ? "…" : ""}`,
          ),
        ].join(" "),
      ),
    );
}

/** The same text for the same value, in whatever order its keys are. */
function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`).join(",")}}`;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
