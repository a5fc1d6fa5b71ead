import { type ArgumentForm, argumentForm, NO_ARGUMENTS, wholeJson } from "./argument-form.ts";
import type { Why } from "./reading.ts";
import type { Source } from "./source.ts";
import { type Entry, isNull, type ObjectValue, plainValue, type Value } from "./value.ts";

/** What an object or list stands for: calls, an answer, or nothing to do with calls. */
export type CallReading =
  | { readonly kind: "calls"; readonly calls: readonly WrittenCall[]; readonly openai: boolean }
  | { readonly kind: "answer"; readonly text: string; readonly empty: boolean }
  | { readonly kind: "other" };
export type WrittenCall = {
  readonly name: string | undefined;
  readonly form: ArgumentForm;
  readonly closed: boolean;
  readonly problem?: Why;
};

export const NAME_KEYS = ["name", "tool", "tool_name", "function", "action", "recipient_name"];
export const ARGUMENT_KEYS = ["arguments", "parameters", "args", "params", "input", "tool_input", "action_input"];
const CALL_LISTS = ["tool_calls", "tool_call", "tool_uses", "function_call"];
/** Keys of an envelope: never arguments, unless the tool has an argument of that name. */
const ENVELOPE = new Set(["id", "type", "call_id", "tool_call_id", "index", "role", "status_code"]);
const OTHER: CallReading = { kind: "other" };
const MAX_NESTING = 8;

/**
 * Finds the calls in a JSON or Python value. `marked`: a marker said that this is a call, so that what is
 * none is a call gone wrong. Without a marker only what is shaped like a call is one; the rest is an answer.
 */
export function readCallObject(source: Source, value: Value, marked: boolean): CallReading {
  return readNested(source, value, { marked, nesting: 0 });
}

type Place = { readonly marked: boolean; readonly nesting: number };

function readNested(source: Source, value: Value, place: Place): CallReading {
  const { marked, nesting } = place;
  if (nesting > MAX_NESTING) return OTHER;
  if (value.kind === "array") return readList(source, value.items, place);
  if (value.kind !== "object") return marked ? wrong() : OTHER;
  const listed = readCallLists(source, value, nesting);
  if (listed !== undefined) return listed;
  const answer = finalAnswer(source, value);
  if (answer !== undefined) return { kind: "answer", text: answer, empty: false };
  const call = readCall(source, value, marked) ?? readNamedByKey(source, value);
  if (call !== undefined) return { kind: "calls", calls: [call].flat(), openai: false };
  return marked ? wrong(value.closed) : OTHER;
}

function wrong(closed = true): CallReading {
  return {
    kind: "calls",
    calls: [{ name: undefined, form: NO_ARGUMENTS, closed, problem: "unparsable" }],
    openai: false,
  };
}

function readList(source: Source, items: readonly Value[], { marked, nesting }: Place): CallReading {
  if (items.length === 0) return marked ? { kind: "answer", text: "", empty: true } : OTHER;
  const calls: WrittenCall[] = [];
  let openai = false;
  let found = false;
  for (const item of items) {
    const inner = item.kind === "object" ? readNested(source, item, { marked, nesting: nesting + 1 }) : OTHER;
    if (inner.kind === "answer") return inner;
    if (inner.kind === "calls") {
      found = true;
      openai ||= inner.openai;
      calls.push(...inner.calls);
    } else calls.push({ name: undefined, form: NO_ARGUMENTS, closed: true, problem: "unparsable" });
  }
  return found || marked ? { kind: "calls", calls, openai } : OTHER;
}

/** The calls under `tool_calls` and its like, also within an assistant message. */
function readCallLists(source: Source, object: ObjectValue, nesting: number): CallReading | undefined {
  const lists = object.entries.filter(([key, value]) => CALL_LISTS.includes(key) && isCallList(value));
  const content = textOf(object.entries.find(([key]) => key === "content")?.[1]);
  if (lists.length === 0) {
    if (object.entries.some(([key, value]) => CALL_LISTS.includes(key) && isNull(value)) && content !== undefined)
      return { kind: "answer", text: content, empty: content === "" };
    const inner = object.entries.find(([key]) => key === "message" || key === "choices")?.[1];
    if (inner === undefined) return undefined;
    const first = inner.kind === "array" ? inner.items[0] : inner;
    return first?.kind === "object" && nesting < MAX_NESTING ? readCallLists(source, first, nesting + 1) : undefined;
  }
  const readings = lists.map(([, value]) => readItems(source, value)).filter((calls) => calls.length > 0);
  const [calls, ...others] = readings;
  if (calls === undefined) return { kind: "answer", text: content ?? "", empty: (content ?? "") === "" };
  const agree = others.every((other) => JSON.stringify(other.map(settled)) === JSON.stringify(calls.map(settled)));
  if (agree) return { kind: "calls", calls, openai: true };
  const [first] = calls;
  return {
    kind: "calls",
    calls: first === undefined ? [] : [{ ...first, problem: "ambiguous" }],
    openai: true,
  };
}

function isCallList(value: Value): boolean {
  return value.kind === "array" || value.kind === "object";
}

function textOf(value: Value | undefined): string | undefined {
  return value?.kind === "string" ? value.value : value !== undefined && isNull(value) ? "" : undefined;
}

function readItems(source: Source, value: Value): readonly WrittenCall[] {
  const items = value.kind === "array" ? value.items : [value];
  return items.flatMap((item) => {
    const reading = item.kind === "object" ? (readCall(source, item, true) ?? readNamedByKey(source, item)) : undefined;
    return reading ?? [{ name: undefined, form: NO_ARGUMENTS, closed: true, problem: "unparsable" as const }];
  });
}

/** What has to be equal for two calls to agree. */
export function settled({ name, form, problem }: Pick<WrittenCall, "name" | "form" | "problem">): unknown {
  const named = form.named
    .map(([key, value]) => [key, plainValue(value) ?? null] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  return [name, problem ?? form.problem ?? null, named, form.positional.map((value) => plainValue(value) ?? null)];
}

/** A call with a name key, or `undefined` when the object is not shaped like one. */
function readCall(source: Source, object: ObjectValue, marked: boolean): WrittenCall | undefined {
  const names = object.entries.filter(([key, value]) => NAME_KEYS.includes(key) && value.kind === "string");
  const nested = object.entries.find(
    ([key, value]) => (key === "function" || key === "tool" || key === "action") && isNamedObject(value),
  )?.[1];
  if (nested?.kind === "object") {
    const call = readCall(source, nested, marked);
    if (call === undefined) return undefined;
    const differs = names.some(([, value]) => !sameName(source, stringOf(value), call.name));
    return differs ? { ...call, problem: "ambiguous" } : call;
  }
  const [first, ...more] = names;
  if (first === undefined) return undefined;
  const [nameKey, nameValue] = first;
  const name = stringOf(nameValue) ?? "";
  const offered = names.some(([, value]) => source.tool(stringOf(value) ?? "") !== undefined);
  const given = object.entries.filter(([key, value]) => ARGUMENT_KEYS.includes(key) && !isNull(value));
  if (!marked && !offered && !given.some(([, value]) => isObjectLike(value))) return undefined;
  const { closed } = object;
  if (more.some(([, value]) => !sameName(source, stringOf(value), name)))
    return { name, form: NO_ARGUMENTS, closed, problem: "ambiguous" };
  const [only, ...others] = given;
  if (only === undefined) return { name, form: restAsArguments(source, object, [nameKey, nameValue]), closed };
  const form = argumentForm(only[1]);
  const agree = others.every(([, value]) => JSON.stringify(plainValue(value)) === JSON.stringify(plainValue(only[1])));
  return agree ? { name, form, closed } : { name, form, closed, problem: "ambiguous" };
}

function stringOf(value: Value): string | undefined {
  return value.kind === "string" ? value.value : undefined;
}

function isNamedObject(value: Value): boolean {
  return (
    value.kind === "object" && value.entries.some(([key, inner]) => NAME_KEYS.includes(key) && inner.kind === "string")
  );
}

/** An object, or the text of one. */
function isObjectLike(value: Value): boolean {
  return value.kind === "object" || (value.kind === "string" && wholeJson(value.value)?.kind === "object");
}

function sameName(source: Source, one: string | undefined, other: string | undefined): boolean {
  if (one === other) return true;
  const tool = source.tool(one ?? "");
  return tool !== undefined && tool === source.tool(other ?? "");
}

/** Without an arguments key the remaining keys are the arguments. */
function restAsArguments(source: Source, object: ObjectValue, [nameKey, nameValue]: Entry): ArgumentForm {
  const tool = source.tool(stringOf(nameValue) ?? "");
  const properties = tool?.parameters.properties ?? {};
  const known = new Set(
    Object.entries(properties).flatMap(([key, property]) => [key, ...(property["x-aliases"] ?? [])]),
  );
  const named = object.entries.filter(([key, value]) => {
    if (known.has(key)) return key !== nameKey || value !== nameValue;
    return !NAME_KEYS.includes(key) && !ARGUMENT_KEYS.includes(key) && !ENVELOPE.has(key);
  });
  return { named, positional: [] };
}

/** `{"read_file": {…arguments}}`. */
function readNamedByKey(source: Source, object: ObjectValue): readonly WrittenCall[] | undefined {
  const named = object.entries.filter(([key, value]) => value.kind === "object" && source.tool(key) !== undefined);
  const others = object.entries.filter((entry) => !named.includes(entry));
  if (others.some(([key]) => !ENVELOPE.has(key) && !isCommentary(key))) return undefined;
  const [first, ...more] = named;
  if (first === undefined) return undefined;
  const [name, value] = first;
  const closed = object.closed || (value.kind === "object" && value.closed);
  const call: WrittenCall = { name, form: argumentForm(value), closed };
  return more.length === 0 ? [call] : [{ ...call, problem: "ambiguous" }];
}

function isCommentary(key: string): boolean {
  return ["thought", "thoughts", "reason", "reasoning", "explanation", "comment", "purpose"].includes(key);
}

/** `{"action": "Final Answer", "action_input": …}`. */
function finalAnswer(source: Source, object: ObjectValue): string | undefined {
  const named = object.entries.some(
    ([key, value]) =>
      NAME_KEYS.includes(key) &&
      value.kind === "string" &&
      /^\s*final[ _-]?answer\s*$/i.test(value.value) &&
      source.tool(value.value) === undefined,
  );
  if (!named) return undefined;
  const input = object.entries.find(([key]) => ARGUMENT_KEYS.includes(key))?.[1];
  if (input === undefined) return "";
  return input.kind === "string" ? input.value : JSON.stringify(plainValue(input) ?? null);
}
