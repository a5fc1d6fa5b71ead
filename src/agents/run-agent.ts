import { readReply } from "../engine/dialects/read-reply.ts";
import type { JsonObject, Reading } from "../engine/dialects/reading.ts";
import type { ToolDefinition } from "../engine/dialects/tool-definition.ts";
import { showResult, type ToolFormat, toolPrompt } from "../engine/dialects/tool-format.ts";
import { append, type Context, type ContextMessage, heard, type Segment } from "./context.ts";
import { nextAttempt, resampled } from "./next-attempt.ts";
import { afterTurn, openTurns, type Turn, type TurnOptions, type TurnState } from "./turn.ts";

/** A role prompt, tools and sampling, put to a goal. The same for the whole run. */
export type Agent = {
  readonly role: string;
  readonly tools: readonly ToolDefinition[];
  readonly format: ToolFormat;
  readonly options: TurnOptions;
};

export type ToolCall = { readonly name: string; readonly arguments: JsonObject };

/** One turn of an agent, as it is told to whoever records it. */
export type AgentTurn = {
  readonly turn: Turn;
  /** Counted from 1 within the open question. */
  readonly attempt: number;
  readonly reading: Reading;
};

export type AgentDeps = {
  /** One reply of the model. Who gives it leases the model, records the turn and tries again after a passing failure. */
  readonly takeTurn: (
    asked: { readonly state: TurnState; readonly options: TurnOptions },
    signal: AbortSignal,
  ) => Promise<Turn>;
  /**
   * Carries one call out. A failure of the tool is an observation too. What comes back is the next message:
   * the observation and notes that were recalled with it.
   */
  readonly callTool: (call: ToolCall, signal: AbortSignal) => Promise<readonly Segment[]>;
  /** Told of every turn before anything is done with it. */
  readonly record: (turn: AgentTurn) => Promise<void>;
};

export type AgentOutcome =
  | { readonly kind: "done"; readonly text: string }
  | { readonly kind: "out-of-turns"; readonly turns: number }
  /** The last of several replies to one question still could not be read. */
  | { readonly kind: "unreadable"; readonly why: string }
  | { readonly kind: "no-room"; readonly why: string };

/** What an agent is told before anything else: its role, its tools, and how to call them. Made once for many runs. */
export function systemOf({ role, tools, format }: Agent): ContextMessage {
  if (tools.length === 0) return { role: "system", segments: [{ part: "role", text: role }] };
  const prompt = toolPrompt(tools, format);
  return {
    role: "system",
    segments: [
      { part: "role", text: role },
      { part: "tools", text: `\n\n${prompt.tools}` },
      { part: "rules", text: `\n\n${prompt.rules}` },
    ],
  };
}

/** The context that a run begins with; `goal` may hold what is known of it. */
export function openAgent(system: ContextMessage, goal: readonly Segment[]): Context {
  return [system, { role: "user", segments: goal }];
}

/**
 * Reason, act, observe: asks the model, does the one call its reply makes, shows it the result, and so on
 * until a reply makes no call. At most `limits.turns` replies in all.
 *
 * The context is only appended to, but where it no longer fits (see `takeTurn`). A reply that can't be read is
 * told so once and then drawn again (`nextAttempt`). Goes on from any `context` whose last message is the
 * user's: a run that was cut off continues with the one it had.
 */
export async function runAgent(
  deps: AgentDeps,
  start: { readonly agent: Agent; readonly context: Context; readonly limits: { readonly turns: number } },
  signal: AbortSignal,
): Promise<{ readonly outcome: AgentOutcome; readonly context: Context }> {
  const { agent, limits } = start;
  let state = openTurns(start.context);
  let attempt = 1;
  let told = false;
  let sample = 0;
  for (let turns = 0; turns < limits.turns; turns++) {
    const turn = await deps.takeTurn({ state, options: resampled(agent.options, sample) }, signal);
    const reading = readTurn(turn, agent);
    await deps.record({ turn, attempt, reading });
    state = afterTurn(state, turn);
    if (turn.noRoom !== undefined) return { outcome: { kind: "no-room", why: turn.noRoom }, context: state.context };
    if (reading.kind !== "invalid") {
      const context = heard(state.context, turn.text);
      if (reading.kind === "text") return { outcome: { kind: "done", text: reading.text }, context };
      const observed = await deps.callTool({ name: reading.name, arguments: reading.arguments }, signal);
      state = { ...state, context: append(context, { role: "user", segments: shown(observed, agent.format) }) };
      [attempt, told, sample] = [1, false, 0];
      continue;
    }
    const next = nextAttempt(attempt++, told, true);
    if (next === "give-up") return { outcome: { kind: "unreadable", why: reading.message }, context: state.context };
    if (next === "resample") {
      sample++;
      continue;
    }
    const correction: Segment = { part: "correction", text: reading.message };
    state = { ...state, context: append(heard(state.context, turn.text), { role: "user", segments: [correction] }) };
    told = true;
  }
  return { outcome: { kind: "out-of-turns", turns: limits.turns }, context: state.context };
}

/** What a reply of the agent is: text, a call, or not to be read. Pure. */
export function readTurn({ text, finish }: Turn, { tools }: Agent): Reading {
  return readReply(text, { tools, finish: finish === "length" ? "length" : "stop" });
}

function shown(segments: readonly Segment[], format: ToolFormat): readonly Segment[] {
  return segments.map((segment) =>
    segment.part === "observation" ? { ...segment, text: showResult(segment.text, format) } : segment,
  );
}
