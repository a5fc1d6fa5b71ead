import { argumentForm, NO_ARGUMENTS } from "./argument-form.ts";
import type { Attempt, Found } from "./attempt.ts";
import { propertyNamed } from "./check-arguments.ts";
import { readJson } from "./json-reader.ts";
import type { Source } from "./source.ts";
import { type Entry, stringValue } from "./value.ts";
import { matchAt, skipBlanks, skipSpace } from "./white-space.ts";
import { unwrapCall } from "./unwrap-call.ts";
import { readXmlValue } from "./xml-value.ts";

const TAG = /<([A-Za-z][\w-]{0,60})[ \t]{0,4}(\/?)>/y;
const OPEN_TAG = /<?([A-Za-z][\w-]{0,60})[ \t]{0,4}(\/?)>/y;
const GLM_KEY = /<arg_key>\s{0,8}([^<\n]{1,120}?)\s{0,8}<\/arg_key>\s{0,8}<arg_value>/y;
const MAX_PARAMETERS = 100;

/** A tag named as an offered tool, with a tag for each argument. */
export function readTaggedCall(source: Source, start: number): Found | undefined {
  const { text } = source;
  const open = matchAt(OPEN_TAG, text, start);
  const name = open?.[1] ?? "";
  const tool = name === "" ? undefined : source.tool(name);
  if (open === undefined || tool === undefined) return undefined;
  const base = { kind: "attempt", start, marked: false, dialect: "tagged", name } as const;
  let at = skipSpace(text, start + open[0].length);
  const close = `</${name}`;
  if (open[2] === "/") return one({ ...base, end: at, state: "complete", closed: true, form: NO_ARGUMENTS });
  if (text[at] === "{") {
    const { state, value, end } = readJson(text, at);
    if (state === "open" || state === "broken" || value === undefined)
      return one({ ...base, end, state: state === "open" ? "open" : "broken", closed: false, resume: at + 1 });
    const inner = unwrapCall(source, name, argumentForm(value));
    return closedBy(source, end, { ...base, form: inner.form, ...inner.problem });
  }
  const known = (from: number): string | undefined => {
    const tag = matchAt(TAG, text, from);
    return tag !== undefined && tag[2] === "" && propertyNamed(tool, tag[1] ?? "") !== undefined ? tag[1] : undefined;
  };
  const named: Entry[] = [];
  for (let count = 0; count < MAX_PARAMETERS; count++) {
    at = skipSpace(text, at);
    const tag = matchAt(TAG, text, at);
    const key = tag?.[1];
    if (
      tag === undefined ||
      key === undefined ||
      (named.length === 0 && source.find(close, at) < 0 && known(at) === undefined)
    )
      break;
    const value = readXmlValue(source, at + tag[0].length, {
      close: `</${key}`,
      open: `<${key}`,
      opensNext: (from) =>
        known(from) !== undefined || (matchAt(TAG, text, from) !== undefined && text.startsWith("<", from)),
      ends: (from) => text.startsWith(close, from),
    });
    if (value === undefined) return one({ ...base, end: text.length, state: "open", closed: false, resume: at + 1 });
    named.push([key, stringValue(value.text)]);
    at = value.end;
  }
  if (named.length === 0 && !text.startsWith(close, at)) {
    // A mention of the tag, unless something stands between it and its closing tag.
    if (source.find(close, at) < 0) return undefined;
    return one({ ...base, end: source.find(close, at), state: "complete", closed: true, problem: "ambiguous" });
  }
  const form = named.length === 0 ? NO_ARGUMENTS : { named, positional: [], xml: true };
  return closedBy(source, at, { ...base, form });
}

/** `name`, then `<arg_key>` and `<arg_value>` for each argument. */
export function readGlmCall(source: Source, start: number, name: string): Found | undefined {
  const { text } = source;
  const base = { kind: "attempt", start, marked: true, dialect: "glm", name } as const;
  const named: Entry[] = [];
  let at = skipSpace(text, start + name.length);
  for (let count = 0; count < MAX_PARAMETERS; count++) {
    const key = matchAt(GLM_KEY, text, at);
    if (key === undefined) break;
    const value = readXmlValue(source, at + key[0].length, {
      close: "</arg_value",
      open: "<arg_value",
      opensNext: (from) => text.startsWith("<arg_key>", from),
      ends: (from) => text.startsWith("</tool_call", from),
    });
    if (value === undefined) return one({ ...base, end: text.length, state: "open", closed: false, resume: at + 1 });
    named.push([key[1] ?? "", stringValue(value.text)]);
    at = skipSpace(text, value.end);
  }
  if (named.length === 0) return undefined;
  if (text.startsWith("<arg_", at)) return one({ ...base, end: at, state: "broken", closed: false, resume: at });
  // The block has no end of its own: the tag around it ends it.
  const closed = text.startsWith("</tool_call", at);
  return one({ ...base, end: at, state: "complete", closed, form: { named, positional: [], xml: true } });
}

function closedBy(source: Source, from: number, call: Omit<Attempt, "end" | "state" | "closed">): Found {
  const close = `</${call.name ?? ""}`;
  const { text } = source;
  const at = skipSpace(text, from);
  if (text.startsWith(close, at)) {
    const end = at + close.length;
    return one({ ...call, end: text[end] === ">" ? end + 1 : end, state: "complete", closed: text[end] === ">" });
  }
  if (at >= text.length || text[at] === "<" || text[skipBlanks(text, from)] === "\n")
    return one({ ...call, end: from, state: "complete", closed: false });
  return one({ ...call, end: from, state: "broken", closed: false, resume: from });
}

function one(attempt: Attempt): Found {
  return { end: attempt.end, items: [attempt] };
}
