import { readJson, skipSurplusClosers } from "./json-reader.ts";
import type { Why } from "./reading.ts";
import { type Entry, isNull, stringValue, type Value } from "./value.ts";
import { skipSpace, trimSpace } from "./white-space.ts";

/** The arguments of a call as they were written, before they are held against the tool. */
export type ArgumentForm = {
  readonly named: readonly Entry[];
  readonly positional: readonly Value[];
  /** Values are the text between tags: white space around those that are not verbatim does not count. */
  readonly xml?: boolean;
  readonly problem?: Why;
};

export const NO_ARGUMENTS: ArgumentForm = { named: [], positional: [] };
const MAX_ENCODINGS = 3;

/** The arguments that the value of an `arguments` key, or the text of an input, stands for. */
export function argumentForm(value: Value | undefined, encodings = 0): ArgumentForm {
  if (value === undefined || isNull(value)) return NO_ARGUMENTS;
  if (value.kind === "object") return { named: value.entries, positional: [] };
  if (value.kind === "expression") return { ...NO_ARGUMENTS, problem: "not-literal" };
  if (value.kind === "array" && value.items.length === 0) return NO_ARGUMENTS;
  if (value.kind !== "string") return { ...NO_ARGUMENTS, problem: "ambiguous" };
  return textForm(value.value, encodings);
}

/** A string in place of an object: JSON when it starts like JSON, else one plain value. */
export function textForm(text: string, encodings = 0): ArgumentForm {
  const plain = trimSpace(text);
  if (plain === "" || plain === "None" || plain === "null") return NO_ARGUMENTS;
  if (encodings > MAX_ENCODINGS) return { ...NO_ARGUMENTS, problem: "unparsable" };
  if (plain.startsWith("{") || plain.startsWith("[")) {
    const inner = wholeJson(plain);
    return inner === undefined ? { ...NO_ARGUMENTS, problem: "unparsable" } : argumentForm(inner, encodings + 1);
  }
  if (/^["'“‘`]/.test(plain)) {
    const quoted = plain.startsWith("`") ? undefined : wholeJson(plain);
    if (quoted?.kind === "string") return textForm(quoted.value, encodings + 1);
    if (/^`[^`]+`$/.test(plain)) return { named: [], positional: [stringValue(plain.slice(1, -1))] };
  }
  return { named: [], positional: [stringValue(text)] };
}

/** The JSON value that is the whole of a text; missing closers at the end are supplied. */
export function wholeJson(text: string): Value | undefined {
  const { state, value, end } = readJson(text, skipSpace(text, 0));
  if (state === "open" || state === "broken") return undefined;
  return skipSpace(text, skipSurplusClosers(text, end)) >= text.length ? value : undefined;
}
