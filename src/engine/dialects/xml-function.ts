import { argumentForm, NO_ARGUMENTS } from "./argument-form.ts";
import type { Attempt, Found } from "./attempt.ts";
import { readJson, skipSurplusClosers } from "./json-reader.ts";
import type { Source } from "./source.ts";
import { unwrapCall } from "./unwrap-call.ts";
import { type Entry, stringValue } from "./value.ts";
import { matchAt, skipSpace } from "./white-space.ts";
import { isStructural, readXmlValue, type XmlGrammar } from "./xml-value.ts";

const OPEN =
  /<?function\s{0,3}=\s{0,3}["'`]?([^>"'`\n<{]{0,120})["'`]?[ \t]{0,8}>?|<?(?:[a-z]{1,20}:)?(function|invoke)\s{1,8}name\s{0,3}=\s{0,3}["']?([^>"'\n<{]{0,120})["']?[^>\n]{0,80}>?/y;
const PARAMETER =
  /<(?:[a-z]{1,20}:)?param(?:eter)?(?:\s{0,3}=\s{0,3}["']?([^>"'\n<]{1,120})["']?[ \t]{0,8}(?:>|(?=\n))|\s{1,8}name\s{0,3}=\s{0,3}["']?([^>"'\n<]{1,120})["']?[^>\n]{0,80}>)/y;
const FUNCTION_END = /<\/?[ \t]?(?:[a-z]{1,20}:)?(?:function|functions|invoke)[ \t]?(>|(?=\s|<|$))/y;
const CALL_END = /<\/(?:[a-z]{1,20}:)?(?:tool_?calls?|function_?calls?)\b/y;
const HALVED_END = /<\/[a-z_]{0,12}$/y;
const MAX_PARAMETERS = 100;

/**
 * `<function=name>` or `<invoke name="…">` with its parameters, or with JSON in their place.
 */
export function readXmlFunction(source: Source, start: number): Found | undefined {
  const { text } = source;
  const open = matchAt(OPEN, text, start);
  if (open === undefined) return undefined;
  const name = (open[1] ?? open[3] ?? "").trim();
  const invoke = open[2] === "invoke";
  const body = skipSpace(text, start + open[0].length);
  const base = { kind: "attempt", start, marked: true, dialect: invoke ? "invoke" : "qwen3-coder-xml", name } as const;
  if (name === "") return one({ ...base, end: body, state: "broken", closed: false, resume: body });
  return text[body] === "{" ? readJsonBody(source, body, base) : readParameters(source, body, base);
}

type Base = Pick<Attempt, "kind" | "start" | "marked" | "dialect"> & { readonly name: string };

function one(attempt: Attempt): Found {
  return { end: attempt.end, items: [attempt] };
}

function readJsonBody(source: Source, body: number, base: Base): Found {
  const { state, value, end } = readJson(source.text, body);
  if (value === undefined || state === "open" || state === "broken")
    return one({ ...base, end, state: state === "open" ? "open" : "broken", closed: false, resume: body + 1 });
  const after = skipSurplusClosers(source.text, end);
  const close = matchAt(FUNCTION_END, source.text, skipSpace(source.text, after));
  const finish = close === undefined ? after : skipSpace(source.text, after) + close[0].length;
  const closed = state === "complete";
  const inner = unwrapCall(source, base.name, argumentForm(value));
  return one({ ...base, end: finish, state: "complete", closed, form: inner.form, ...inner.problem });
}

function readParameters(source: Source, body: number, base: Base): Found {
  const { text } = source;
  const named: Entry[] = [];
  const grammar: XmlGrammar = {
    close: "</parameter",
    open: "<parameter",
    opensNext: (at) => matchAt(PARAMETER, text, at) !== undefined,
    ends: (at) =>
      matchAt(FUNCTION_END, text, at) !== undefined ||
      matchAt(CALL_END, text, at) !== undefined ||
      matchAt(HALVED_END, text, at) !== undefined,
  };
  let at = body;
  for (let count = 0; count < MAX_PARAMETERS; count++) {
    at = skipSpace(text, at);
    const parameter = matchAt(PARAMETER, text, at);
    if (parameter === undefined) return ended(source, at, { ...base, named });
    const from = at + parameter[0].length;
    const value = readXmlValue(source, from, grammar);
    if (value === undefined) return one({ ...base, end: text.length, state: "open", closed: false, resume: at + 1 });
    const restart = restartWithin(source, from, value.end - value.text.length < from ? from : value.end);
    if (restart !== undefined && !text.slice(from, value.end).includes("</parameter"))
      return one({ ...base, end: restart, state: "broken", closed: false, resume: restart });
    named.push([(parameter[1] ?? parameter[2] ?? "").trim(), stringValue(value.text)]);
    at = value.end;
  }
  return one({ ...base, end: at, state: "broken", closed: false, resume: at });
}

/** Where the call is started again within a value that was never closed. */
function restartWithin(source: Source, from: number, to: number): number | undefined {
  for (const mark of ["<tool_call>", "<function="]) {
    const at = source.find(mark, from);
    if (at >= 0 && at < to && isStructural(source.text, at)) return at;
  }
  return undefined;
}

function ended(source: Source, at: number, call: Base & { readonly named: readonly Entry[] }): Found {
  const { text } = source;
  const { named, ...base } = call;
  const form = named.length === 0 ? NO_ARGUMENTS : { named, positional: [], xml: true };
  const close = matchAt(FUNCTION_END, text, at);
  if (close !== undefined) {
    const end = at + close[0].length;
    // A closing tag that was cut off itself does not close.
    const closed = close[1] === ">" || end < text.length;
    const stray = text.startsWith("</parameter", nextTag(text, end));
    return one({ ...base, end, state: "complete", closed, form, ...(stray ? { problem: "ambiguous" } : {}) });
  }
  const outer = matchAt(CALL_END, text, at) ?? matchAt(HALVED_END, text, at);
  if (at >= text.length && named.length === 0)
    return one({ ...base, end: at, state: "open", closed: false, resume: at });
  if (outer !== undefined || at >= text.length || (named.length > 0 && text[at] !== "{"))
    return one({ ...base, end: at, state: "complete", closed: false, form });
  return one({ ...base, end: at, state: "broken", closed: false, resume: at });
}

/** The next tag that stands at the start of a line. */
function nextTag(text: string, from: number): number {
  const at = /(?:^|\n)[ \t]*(?=<)/.exec(text.slice(from, from + 4000));
  return at === null ? text.length : from + at.index + at[0].length;
}
