import { argumentForm, NO_ARGUMENTS } from "./argument-form.ts";
import type { Attempt, Found } from "./attempt.ts";
import { readJson, skipSurplusClosers } from "./json-reader.ts";
import type { Source } from "./source.ts";
import { unwrapCall } from "./unwrap-call.ts";
import { matchAt, skipSpace } from "./white-space.ts";

const NAMED = /([^\n{[<]{1,160}?)[ \t]{0,8}(?:\[CALL_ID\]([^[\n]{0,80}))?(\[ARGS\])?\s{0,8}(?=[{[\n<]|$)/y;
const IDENTIFIER_BEFORE = /[\w.:/-]{1,120}$/;

/** `name{…}`, `name[ARGS]{…}` or a lone name, behind the mistral marker. */
export function readMistralName(source: Source, start: number): Found | undefined {
  const { text } = source;
  const head = matchAt(NAMED, text, start);
  const name = head?.[1]?.trim() ?? "";
  if (head === undefined || !/^[\w"'`]/.test(name)) return undefined;
  const body = start + head[0].length;
  const base = { kind: "attempt", start, marked: true, dialect: "mistral", name } as const;
  if (text[body] === "{") return readArguments(source, body, base);
  if (head[3] !== undefined || head[2] !== undefined)
    return one({ ...base, end: body, state: body >= text.length ? "open" : "broken", closed: false, resume: body });
  return one({ ...base, end: body, state: "complete", closed: false, form: NO_ARGUMENTS });
}

/** `name[ARGS]{…}` without a marker; `at` is where `[ARGS]` stands. */
export function readUnmarkedArguments(source: Source, at: number): Found | undefined {
  const { text } = source;
  const name = IDENTIFIER_BEFORE.exec(text.slice(Math.max(0, at - 120), at))?.[0];
  const body = skipSpace(text, at + "[ARGS]".length);
  if (name === undefined || text[body] !== "{") return undefined;
  return readArguments(source, body, {
    kind: "attempt",
    start: at - name.length,
    marked: false,
    dialect: "mistral",
    name,
  });
}

type Base = Pick<Attempt, "kind" | "start" | "marked" | "dialect"> & { readonly name: string };

function readArguments(source: Source, body: number, base: Base): Found {
  const { state, value, end } = readJson(source.text, body);
  if (value === undefined || state === "open" || state === "broken")
    return one({ ...base, end, state: state === "open" ? "open" : "broken", closed: false, resume: body + 1 });
  const inner = unwrapCall(source, base.name, argumentForm(value));
  const after = skipSurplusClosers(source.text, end);
  return one({
    ...base,
    end: after,
    state: "complete",
    closed: state === "complete",
    form: inner.form,
    ...inner.problem,
  });
}

function one(attempt: Attempt): Found {
  return { end: attempt.end, items: [attempt] };
}
