import { argumentForm } from "./argument-form.ts";
import type { Found } from "./attempt.ts";
import { readJson, skipSurplusClosers } from "./json-reader.ts";
import type { Source } from "./source.ts";
import { unwrapCall } from "./unwrap-call.ts";
import { matchAt } from "./white-space.ts";

const NAME_LINE = /[`*"']{0,3}([A-Za-z_][\w.:/-]{0,120})(?:\(\))?[`*"']{0,3}:?[`*]{0,2}[ \t\r]{0,8}\n\s{0,40}(?=\{)/y;

/** A tool name on a line of its own, followed by an object. */
export function readNamedObject(source: Source, start: number): Found | undefined {
  const { text } = source;
  const head = matchAt(NAME_LINE, text, start);
  const name = head?.[1];
  if (head === undefined || name === undefined || source.tool(name) === undefined) return undefined;
  const base = { kind: "attempt", dialect: "bare-json", start, marked: false, name } as const;
  const body = start + head[0].length;
  const { state, value, end } = readJson(text, body);
  if (value === undefined || state === "open" || state === "broken") {
    const broken = state === "open" ? "open" : "broken";
    return { end, items: [{ ...base, end, state: broken, closed: false, resume: body + 1 }] };
  }
  const inner = unwrapCall(source, name, argumentForm(value));
  const after = skipSurplusClosers(text, end);
  const closed = state === "complete";
  return {
    end: after,
    items: [{ ...base, end: after, state: "complete", closed, form: inner.form, ...inner.problem }],
  };
}
