import { z } from "zod";
import { AtosError } from "../../base/errors.ts";
import { type BuildEvent, TOOL_OUTCOMES } from "../../base/events.ts";
import type { JsonObject, JsonValue } from "../../engine/dialects/reading.ts";
import { type EffectGuard, type EffectResult, type Journal, runEffect } from "../../journal/effect.ts";
import { runReading } from "../../journal/run-reading.ts";
import type { WorkspaceFolder } from "../../journal/workspace-folder.ts";
import type { ApprovalQuestion } from "./approval-question.ts";
import type { ApprovalAnswer } from "./ask-person.ts";
import type { GateTool, RawResult } from "./gate-tool.ts";
import type { Observation } from "./observe.ts";
import { policyQuestion } from "./policy-question.ts";
import type { PolicyQuestion, Verdict } from "./policy.ts";
import { heldMark } from "./redaction-mark.ts";

/** What stands between an agent and its tools. One for each run of an agent. */
export type Gate = {
  readonly journal: Journal;
  readonly buildId: string;
  readonly task: string;
  /** Every tool there is, by the name that models call it. */
  readonly tools: ReadonlyMap<string, GateTool>;
  /** The names that this agent may call. */
  readonly allowed: ReadonlySet<string>;
  readonly decide: (question: PolicyQuestion) => Verdict;
  /** Counts the call, and says why it may not be made now, if so. */
  readonly overLimit: (call: { readonly tool: string; readonly argumentChars: number }) => string | undefined;
  /** Asks a person and waits for the answer; the same question again gets the same answer. */
  readonly ask: (question: ApprovalQuestion, signal: AbortSignal) => Promise<ApprovalAnswer>;
  /** What a result is for a model: cleaned, limited, secrets taken out. */
  readonly observe: (raw: RawResult) => Observation;
  /** An error as the audit trail is told of it, cut and without secrets. */
  readonly say: (error: unknown) => string;
  /** A call as a person reads it, cut and without secrets. */
  readonly show: (name: string, value: JsonObject) => string;
  readonly folder: WorkspaceFolder;
  readonly nowMs: () => number;
};

export type GateCall = {
  /** Unique within the build and the same at every replay, such as `code/turn-2/call`. */
  readonly step: string;
  readonly name: string;
  readonly arguments: JsonObject;
};

/** What the model is shown, and how the call ended. Survives JSON. */
const callOutcome = z.object({ outcome: z.enum(TOOL_OUTCOMES), text: z.string() }).readonly();
export type CallOutcome = z.infer<typeof callOutcome>;

/** ATOS's own tools that change nothing. A test compares it with what the tools say of themselves. */
const READING_TOOLS: ReadonlySet<string> = new Set([
  "read_file",
  "list_files",
  "search_files",
  "git_status",
  "git_diff",
  "git_log",
  "search_web",
  "search_docs",
  "call_context7",
  "recall",
]);
/** A sandbox that was killed from outside, or a tool server that died, is worth another attempt. */
const MOST_ATTEMPTS = 3;
const PASSING = new Set(["sandbox/start", "tools/server-gone"]);
const RETRY_MS = 200;

/**
 * The one way to a tool. In this order: there is such a tool, its arguments are valid, this agent may call it, the
 * policy allows it or a person does, it is within the limits; then the ledger, then the tool.
 *
 * What an agent did wrong, what is denied and what fails are outcomes, with words for the model. Every call is a
 * step: it is recorded once, and a replay gets the outcome that was recorded. ATOS's own tools that change nothing
 * are recorded when they have answered; all others are reserved first, and after a crash reconciled by what they
 * change.
 *
 * @throws what keeps a tool from being called at all, after its attempts; the build parks then.
 */
export function callTool(gate: Gate, call: GateCall, signal: AbortSignal): Promise<CallOutcome> {
  const { journal, buildId, task } = gate;
  const tool = gate.tools.get(call.name);
  const calling: Calling = { gate, call, tool, signal, startedMs: gate.nowMs(), because: "" };
  const { step: name } = call;
  const input = { tool: call.name, arguments: call.arguments };
  // Decided by its name alone, so that a replay takes the same steps whatever tools there are by then.
  if (READING_TOOLS.has(call.name)) {
    const reading = { buildId, name, kind: "tool", task, input, schema: callOutcome } as const;
    return runReading(journal, reading, async () => {
      using _held = await gate.folder.hold(signal);
      // After a crash it may not be what the effects before have left.
      await gate.folder.current();
      return (await admit(calling)) ?? (await make(calling, `${buildId}/${name}`));
    });
  }
  const guard = guardOf(calling);
  const shown = gate.show(call.name, call.arguments);
  const asked = { call: shown, input, guard, admit: () => admit(calling), retryAfterMs, say: gate.say, signal };
  return runEffect<CallOutcome>(journal, { buildId, name, kind: "tool", task, ...asked }, (key) => make(calling, key));
}

type Calling = {
  readonly gate: Gate;
  readonly call: GateCall;
  readonly tool: GateTool | undefined;
  readonly signal: AbortSignal;
  readonly startedMs: number;
  /** Why it may be made; empty before that is known. */
  because: string;
};

/** Undefined when the call may be made. */
async function admit(calling: Calling): Promise<EffectResult<CallOutcome> | undefined> {
  const { gate, call, tool, signal } = calling;
  if (tool === undefined || !gate.allowed.has(call.name)) {
    const there = [...gate.allowed].filter((name) => gate.tools.has(name)).join(", ");
    const outcome = tool === undefined ? "invalid" : "denied";
    const because = tool === undefined ? "there is no such tool" : "not one of this agent's tools";
    return ended(calling, { outcome, text: `There is no tool ${call.name} for you. Tools: ${there}.` }, because);
  }
  if (hasOddKey(call.arguments)) {
    return ended(calling, { outcome: "invalid", text: "No argument is named __proto__." }, "wrong arguments");
  }
  const valid = tool.validate(call.arguments);
  if (!valid.ok) return ended(calling, { outcome: "invalid", text: valid.why }, "wrong arguments");
  const mark = tool.effect === "none" ? undefined : heldMark(valid.value);
  if (mark !== undefined) return ended(calling, { outcome: "invalid", text: markText(mark) }, "holds a mark");
  const verdict = gate.decide(policyQuestion({ ...tool, name: call.name }, valid.value));
  if (verdict.decision === "deny") {
    const text = `Not allowed: ${verdict.because}. Do it another way, or say that it can't be done.`;
    return ended(calling, { outcome: "denied", text }, verdict.because);
  }
  const argumentChars = JSON.stringify(call.arguments).length;
  const over = gate.overLimit({ tool: call.name, argumentChars });
  if (over !== undefined) return ended(calling, { outcome: "denied", text: over }, "limit");
  calling.because = verdict.because;
  if (verdict.decision === "allow") return undefined;
  const answer = await gate.ask(approvalOf(calling, { kind: "policy", why: verdict.because }), signal);
  if (answer.decision === "approved") {
    calling.because = `a person said yes: ${verdict.because}`;
    return undefined;
  }
  const reason = answer.reason === undefined ? "" : ` They say: ${answer.reason}.`;
  const why = answer.decision === "expired" ? "Nobody answered in time." : `A person said no.${reason}`;
  return ended(calling, { outcome: "denied", text: `Not allowed. ${why} Do it another way.` }, answer.decision);
}

async function make(calling: Calling, key: string): Promise<EffectResult<CallOutcome>> {
  const { call, tool, signal } = calling;
  if (tool === undefined) throw new Error(`${call.name} was admitted and is no tool`);
  const valid = tool.validate(call.arguments);
  if (!valid.ok) throw new Error(`${call.name} was admitted with arguments that are not valid: ${valid.why}`);
  const raw = await tool.call(valid.value, { signal, idempotencyKey: key });
  return resultOf(calling, raw, calling.because);
}

function resultOf(calling: Calling, raw: RawResult, because: string): EffectResult<CallOutcome> {
  const observed = calling.gate.observe(raw);
  return ended(calling, { outcome: raw.ok ? "ok" : "failed", text: observed.text }, because, observed);
}

function guardOf(calling: Calling): EffectGuard<CallOutcome> {
  const { gate, call, tool } = calling;
  switch (tool?.effect) {
    case undefined:
    case "none":
      return { kind: "repeat" };
    case "workspace":
      return {
        kind: "workspace",
        folder: gate.folder,
        refused: (why) =>
          ended(calling, { outcome: "failed", text: `Undone, nothing of it was kept: ${why}.` }, "workspace rules"),
      };
    case "external":
      return {
        kind: "external",
        reconcile: async (key, attempts) => {
          const valid = tool.validate(call.arguments);
          const context = { signal: calling.signal, idempotencyKey: key };
          const found = valid.ok ? await tool.reconcile?.(valid.value, context) : undefined;
          if (found?.kind === "repeat") return found;
          if (found?.kind === "done") {
            return { kind: "done", outcome: resultOf(calling, found.result, "it had happened before the crash") };
          }
          return inDoubt(calling, attempts, found?.why ?? "this tool can't tell whether a call has happened");
        },
      };
  }
}

/** Only a person can tell whether it happened. Approved: it is made again, once; cut off again, it is asked again. */
async function inDoubt(
  calling: Calling,
  attempts: number,
  why: string,
): Promise<Awaited<ReturnType<ExternalReconcile>>> {
  const question = approvalOf(calling, { kind: "in-doubt", attempts, why });
  const answer = await calling.gate.ask(question, calling.signal);
  if (answer.decision === "approved") return { kind: "repeat" };
  const text = `${calling.call.name} was cut off. It may have happened, and it was not made again.`;
  return { kind: "done", outcome: ended(calling, { outcome: "doubtful", text }, answer.decision) };
}

type ExternalReconcile = Extract<EffectGuard<CallOutcome>, { kind: "external" }>["reconcile"];

function approvalOf(
  { gate, call }: Calling,
  reason: Pick<ApprovalQuestion, "kind" | "attempts" | "why">,
): ApprovalQuestion {
  const { buildId, task } = gate;
  return { buildId, task, step: call.step, tool: call.name, arguments: call.arguments, ...reason };
}

function markText(mark: string): string {
  return `Not done: ${mark} stands where a secret is that you were not shown, and would be put in its place. Change other lines with edit_file, and leave that one as it is.`;
}

// oxlint-disable-next-line max-params -- the last is what only a made call has
function ended(
  { gate, call, startedMs }: Calling,
  result: CallOutcome,
  because: string,
  observed: Pick<Observation, "leftOut" | "redactions"> = { leftOut: 0, redactions: 0 },
): EffectResult<CallOutcome> {
  const event: BuildEvent = {
    type: "tool-called",
    step: call.step,
    task: gate.task,
    tool: call.name,
    call: gate.show(call.name, call.arguments),
    outcome: result.outcome,
    because,
    durationMs: Math.round(gate.nowMs() - startedMs),
    characters: result.text.length,
    leftOut: observed.leftOut,
    redactions: observed.redactions,
  };
  return { result, events: [event] };
}

function retryAfterMs(error: unknown, attempt: number): number | undefined {
  return error instanceof AtosError && PASSING.has(error.code) && attempt < MOST_ATTEMPTS ? RETRY_MS : undefined;
}

/** A key that copies of an object may lose or take for something else. */
function hasOddKey(value: JsonValue): boolean {
  if (value === null || typeof value !== "object") return false;
  return Object.keys(value).includes("__proto__") || Object.values(value).some(hasOddKey);
}
