import type { Answer, Attempt, Found } from "./attempt.ts";
import { type CallReading, readCallObject } from "./call-object.ts";
import { type JsonRead, readJson, skipSurplusClosers } from "./json-reader.ts";
import type { Dialect } from "./reading.ts";
import type { Source } from "./source.ts";
import type { Value } from "./value.ts";
import { matchAt } from "./white-space.ts";

const NAME_AHEAD =
  /[[{\s]{0,20}["'“”]?(?:name|tool|tool_name|function|action|recipient_name)["'“”]?\s{0,4}:\s{0,4}["'“”]?([A-Za-z_][\w.:/-]{0,120})/y;

/** JSON that is no call: where it ends, or where it stops being JSON. */
export type NoCall = { readonly kind: "no-call"; readonly end: number; readonly state: JsonRead["state"] };

/**
 * Reads the calls in the JSON at `start`. With `marked` everything that stands there is a call, if need be a
 * broken one; without it, JSON that is not shaped like a call is none.
 */
export function readJsonCall(
  source: Source,
  start: number,
  options: { readonly dialect: Dialect; readonly marked: boolean },
): Found | NoCall {
  const { marked } = options;
  const { state, value, end } = readJson(source.text, start);
  const none: NoCall = { kind: "no-call", end, state };
  const named = state === "broken" ? nameAhead(source, start) : undefined;
  if (named !== undefined && !marked) return failed(start, end, { ...options, state, name: named });
  if (value === undefined) return marked ? failed(start, end, { ...options, state }) : none;
  const reading = readCallObject(source, value, marked && state !== "open" && state !== "broken");
  if (state === "broken") {
    if (!marked && reading.kind !== "calls" && !isCutName(source, value)) return none;
    return failed(start, end, { ...options, state, reading });
  }
  if (state === "open") {
    const whole = wholeItems(source, value, marked);
    const rest = failed(start, end, { ...options, state, reading: undefined, name: lastName(reading) });
    if (whole !== undefined) return { end, items: [...attempts(whole, start, { ...options, end }), ...rest.items] };
    if (!marked && reading.kind !== "calls" && !isCutName(source, value)) return none;
    return failed(start, end, { ...options, state, reading });
  }
  if (reading.kind === "other") return none;
  const after = skipSurplusClosers(source.text, end);
  return { end: after, items: attempts(reading, start, { ...options, end: after }) };
}

type Where = { readonly dialect: Dialect; readonly marked: boolean; readonly end: number };

function attempts(reading: CallReading, start: number, where: Where): readonly (Attempt | Answer)[] {
  const { dialect, marked, end } = where;
  if (reading.kind === "other") return [];
  if (reading.kind === "answer") return [{ kind: "answer", start, end, text: reading.text, empty: reading.empty }];
  return reading.calls.map(({ name, form, closed, problem }): Attempt => {
    const unparsable = problem === "unparsable";
    return {
      kind: "attempt",
      dialect: reading.openai ? "openai-tool-calls" : dialect,
      start,
      end,
      state: unparsable ? "broken" : "complete",
      closed,
      marked,
      form,
      resume: end,
      ...(name === undefined ? {} : { name }),
      ...(problem === undefined ? {} : { problem }),
    };
  });
}

type Failure = {
  readonly dialect: Dialect;
  readonly marked: boolean;
  readonly state: JsonRead["state"];
  readonly reading?: CallReading | undefined;
  readonly name?: string | undefined;
};

function failed(start: number, end: number, failure: Failure): Found {
  const { dialect, marked, state, reading } = failure;
  const name = failure.name ?? (reading?.kind === "calls" ? reading.calls[0]?.name : undefined);
  const attempt: Attempt = {
    kind: "attempt",
    dialect: reading?.kind === "calls" && reading.openai ? "openai-tool-calls" : dialect,
    start,
    end,
    state: state === "open" ? "open" : "broken",
    closed: false,
    marked,
    resume: start + 1,
    ...(name === undefined ? {} : { name }),
  };
  return { end, items: [attempt] };
}

function lastName(reading: CallReading): string | undefined {
  return reading.kind === "calls" ? reading.calls.at(-1)?.name : undefined;
}

/** The calls of an open list that were closed before the text ended. */
function wholeItems(source: Source, value: Value, marked: boolean): CallReading | undefined {
  const pruned = prune(value);
  if (pruned === undefined) return undefined;
  const reading = readCallObject(source, pruned, marked);
  if (reading.kind !== "calls") return undefined;
  const closed = reading.calls.filter((call) => call.closed && call.problem !== "unparsable");
  return closed.length === 0 ? undefined : { ...reading, calls: closed };
}

/** An open value without the member that is open; of an object nothing is left that could be a call cut short. */
function prune(value: Value): Value | undefined {
  if (value.kind === "array") {
    const items = value.items.map((item) => (isClosed(item) ? item : prune(item))).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : { ...value, items };
  }
  if (value.kind !== "object") return undefined;
  const entries = value.entries.flatMap(([key, item]) => {
    if (item.kind !== "object" && item.kind !== "array") return [];
    const kept = isClosed(item) ? item : prune(item);
    const calls = ["tool_calls", "tool_call", "tool_uses", "function_call", "function", "message"].includes(key);
    return kept === undefined || !calls ? [] : [[key, kept] as const];
  });
  return entries.length === 0 ? undefined : { ...value, entries };
}

function isClosed(value: Value): boolean {
  return value.kind === "object" || value.kind === "array" ? value.closed : true;
}

/** The offered tool that the first member of an object names, whatever is wrong with the rest. */
function nameAhead(source: Source, start: number): string | undefined {
  const name = matchAt(NAME_AHEAD, source.text, start)?.[1];
  return name !== undefined && source.tool(name) !== undefined ? name : undefined;
}

/** An object that ends within the name of an offered tool. */
function isCutName(source: Source, value: Value): boolean {
  if (value.kind === "array") {
    const last = value.items.at(-1);
    return last !== undefined && isCutName(source, last);
  }
  if (value.kind !== "object" || value.entries.length !== 1) return false;
  const [key, name] = value.entries[0] ?? ["", undefined];
  if (!["name", "tool", "tool_name", "function", "action"].includes(key) || name?.kind !== "string") return false;
  return name.value !== "" && source.tools.some((tool) => tool.name.startsWith(name.value));
}
