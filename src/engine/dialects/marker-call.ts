import { type ArgumentForm, argumentForm, NO_ARGUMENTS } from "./argument-form.ts";
import type { Attempt, Found } from "./attempt.ts";
import { fenceEndAt } from "./fence.ts";
import { readJson, skipSurplusClosers } from "./json-reader.ts";
import type { Source } from "./source.ts";
import { unwrapCall } from "./unwrap-call.ts";
import { lineEnd, matchAt, nextLine, skipSpace } from "./white-space.ts";

const BEGIN = /<[|｜]tool[_▁]call[_▁]begin[|｜]>/y;
const SECTION = /<[|｜]tool[_▁]calls(?:[_▁]section)?[_▁]begin[|｜]>/y;
const SEPARATOR = /([^<\n]{0,160})<[|｜](tool[_▁]sep|tool[_▁]call[_▁]argument[_▁]begin)[|｜]>/y;
const CALL_CLOSE = /<[|｜]tool[_▁]call[_▁]end[|｜]>/y;
const GEMMA_NAME = /call:([\w.:/-]{1,120})\s{0,8}(?=\{)/y;
const HARMONY =
  /(?:<\|start\|>[^<\n]{0,40})?(?:<\|channel\|>[^<\n]{0,40}?)?\s{0,4}to=functions\.([\w.-]{1,120})((?:[^<\n]|<\|(?:constrain|channel)\|>){0,80})<\|message\|>/y;

type Base = Pick<Attempt, "kind" | "start" | "marked" | "dialect" | "name">;

/** The markers of DeepSeek and Kimi: begin, name, separator, arguments. */
export function readBeginMarker(source: Source, start: number): Found | undefined {
  const { text } = source;
  let first = start;
  for (let section = matchAt(SECTION, text, first); section !== undefined; section = matchAt(SECTION, text, first))
    first = skipSpace(text, first + section[0].length);
  const begin = matchAt(BEGIN, text, first);
  const nothing = { kind: "attempt", start, marked: true, dialect: "deepseek" } as const;
  if (begin === undefined) return first === start ? undefined : broken(nothing, first);
  const head = skipSpace(text, first + begin[0].length);
  const separator = matchAt(SEPARATOR, text, head);
  if (separator === undefined) return broken({ ...nothing, start: first }, head);
  const kimi = separator[2]?.includes("argument") === true;
  let name = (separator[1] ?? "").trim();
  let body = head + separator[0].length;
  if (kimi) name = name.replace(/:\d{1,6}$/, "");
  else if (name === "function") {
    const brace = source.find("{", body);
    const end = Math.min(lineEnd(text, body), brace < 0 ? text.length : brace);
    name = text.slice(body, Math.min(end, body + 200)).trim();
    body = end;
  }
  return readArguments(source, body, {
    kind: "attempt",
    start: first,
    marked: true,
    dialect: kimi ? "kimi" : "deepseek",
    name,
  });
}

/** `call:name{k:<|"|>v<|"|>}`. */
export function readGemmaCall(source: Source, start: number, marked: boolean): Found | undefined {
  const name = matchAt(GEMMA_NAME, source.text, start);
  if (name === undefined || (!marked && source.tool(name[1] ?? "") === undefined)) return undefined;
  return readArguments(source, start + name[0].length, {
    kind: "attempt",
    start,
    marked,
    dialect: "gemma",
    name: name[1] ?? "",
  });
}

/** `to=functions.name … <|message|>{…}`. */
export function readHarmonyCall(source: Source, start: number): Found | undefined {
  const head = matchAt(HARMONY, source.text, start);
  if (head === undefined) return undefined;
  return readArguments(source, start + head[0].length, {
    kind: "attempt",
    start,
    marked: true,
    dialect: "harmony",
    name: head[1] ?? "",
  });
}

function readArguments(source: Source, from: number, base: Base): Found {
  const { text } = source;
  let body = skipSpace(text, from);
  const fenced = /^`{3,}/.exec(text.slice(body, body + 10))?.[0];
  if (fenced !== undefined) body = skipSpace(text, nextLine(text, body));
  let form: ArgumentForm = NO_ARGUMENTS;
  let end = body;
  let closed = false;
  if (text[body] === "{") {
    const read = readJson(text, body);
    if (read.value === undefined || read.state === "open" || read.state === "broken")
      return broken(base, read.end, read.state === "open" ? "open" : "broken");
    form = argumentForm(read.value);
    closed = read.state === "complete";
    end = skipSurplusClosers(text, read.end);
    const close = skipSpace(text, end);
    if (fenced !== undefined) end = fenceEndAt(text, close, fenced) ?? end;
  } else if (matchAt(CALL_CLOSE, text, body) !== undefined) closed = true;
  else return broken(base, body, body >= text.length ? "open" : "broken");
  const inner = unwrapCall(source, base.name ?? "", form);
  return { end, items: [{ ...base, end, state: "complete", closed, form: inner.form, ...inner.problem }] };
}

function broken(base: Base, end: number, state: "open" | "broken" = "broken"): Found {
  return { end, items: [{ ...base, end, state, closed: false, resume: end }] };
}
