import { adapt, type Attempt, type Found, isWhole } from "./attempt.ts";
import { fenceEndAt } from "./fence.ts";
import { readJsonCall } from "./json-call.ts";
import { readBeginMarker, readGemmaCall, readHarmonyCall } from "./marker-call.ts";
import { readMistralName } from "./mistral-call.ts";
import { readPythonList, readPythonStatement } from "./python-call.ts";
import { readReactAction } from "./react-action.ts";
import type { Dialect } from "./reading.ts";
import type { Source } from "./source.ts";
import { readGlmCall, readTaggedCall } from "./tagged-call.ts";
import { matchAt, nextLine, skipSpace } from "./white-space.ts";
import { readXmlFunction } from "./xml-function.ts";

const OPEN =
  /<\|?((?:tool|function)[_-]?calls?)(?:[ \t][^>\n{[]{0,80})?\|?>|<\|?((?:tool|function)[_-]?calls?)(?=\s|\{|\[|$)|\[(TOOL_CALLS?)\]|<(?:\|(python_tag|tool_calls?_start)\||start_function_call)>|<([a-z_]{6,15})>(?=\s{0,20}[{[])/iy;
const CLOSE =
  /<\/\|?[a-z_-]{4,16}\|?>|<(?:tool|function)_?calls?\|>|\[\/TOOL_CALLS?\]|<\|(?:\/?tool_call|tool_call_end|tool_calls_section_end)\|>|<[|｜]tool[_▁]calls?[_▁]end[|｜]>/iy;
const GLM_NAME = /[A-Za-z_][\w.:/-]{0,120}(?=\s{0,8}<arg_key>)/y;
const NAME_BEFORE_BODY = /["'`]?[A-Za-z_][\w.:/-]{0,120}["'`]?(?:\[CALL_ID\][^[\n]{0,80})?(?:\[ARGS\])?\s{0,8}[{[]/y;
const CALL_SUFFIX = /\.call$/;
const MAX_MARKERS = 8;

/** The call behind one of the markers that always introduce one; whatever stands there is a call, if need be a broken one. */
export function readMarkedCall(source: Source, start: number): Found | undefined {
  const first = readMarker(source, start);
  if (first === undefined) return undefined;
  const { dialect } = first;
  let at = first.end;
  for (let count = 0; count < MAX_MARKERS; count++) {
    at = skipSpace(source.text, at);
    const again = readMarker(source, at);
    if (again === undefined) break;
    at = again.end;
  }
  const body = readBody(source, at, dialect);
  if (body === undefined) return nothing(source, start, { at, dialect });
  const found = adapt(body, { start, marked: true });
  const end = isWhole(found) ? skipClosers(source.text, found.end) : found.end;
  return { ...found, end };
}

type Marker = { readonly dialect: Dialect; readonly end: number };

function readMarker(source: Source, at: number): Marker | undefined {
  const open = matchAt(OPEN, source.text, at);
  if (open === undefined) return undefined;
  const end = at + open[0].length;
  if (open[3] !== undefined) return { dialect: "mistral", end };
  if (open[4] !== undefined) return { dialect: open[4].toLowerCase() === "python_tag" ? "llama3" : "pythonic", end };
  const misspelt = open[5];
  if (misspelt !== undefined && (source.tool(misspelt) !== undefined || !isMisspelt(misspelt.toLowerCase())))
    return undefined;
  return { dialect: "hermes-xml", end };
}

function isMisspelt(tag: string): boolean {
  return isAlmost(tag, "tool_call") || isAlmost(tag, "function_call");
}

/** Whether two words differ in at most two letters: left out, doubled, swapped or changed. */
function isAlmost(written: string, meant: string): boolean {
  if (Math.abs(written.length - meant.length) > 2) return false;
  let row = Array.from({ length: meant.length + 1 }, (_, index) => index);
  for (let line = 1; line <= written.length; line++) {
    const next = [line];
    for (let column = 1; column <= meant.length; column++) {
      const same = written[line - 1] === meant[column - 1] ? 0 : 1;
      const change = (row[column - 1] ?? 0) + same;
      next.push(Math.min(change, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return (row[meant.length] ?? 9) <= 2;
}

function readBody(source: Source, at: number, dialect: Dialect): Found | undefined {
  const { text } = source;
  const fence = /^(`{3,}|~{3,})[^\n{[<]{0,40}/.exec(text.slice(at, at + 60));
  if (fence !== null) {
    const mark = fence[1] ?? "```";
    const inline = text[at + fence[0].length];
    const inner = inline === "\n" ? nextLine(text, at) : at + fence[0].length;
    const found = readBody(source, skipSpace(text, inner), dialect);
    if (found === undefined || !isWhole(found)) return found;
    return { ...found, end: fenceEndAt(text, skipSpace(text, found.end), mark) ?? found.end };
  }
  const one = readOne(source, at, dialect);
  if (one === undefined || !isWhole(one) || (dialect !== "mistral" && dialect !== "llama3")) return one;
  return withMore(source, one, dialect);
}

/** `name{…}name{…}` and `f(…); g(…)`: what follows right behind a call of these dialects is another one. */
function withMore(source: Source, first: Found, dialect: Dialect): Found {
  const { text } = source;
  const items = [...first.items];
  let { end } = first;
  for (;;) {
    let at = skipSpace(text, end);
    const separated = text[at] === ";" || text[at] === ",";
    if (separated) at = skipSpace(text, at + 1);
    const named = dialect === "mistral" && matchAt(NAME_BEFORE_BODY, text, at) !== undefined;
    const more = dialect === "llama3" && (separated || text[at] === "{");
    const next = named ? readMistralName(source, at) : more ? readOne(source, at, dialect) : undefined;
    if (next === undefined || !isWhole(next) || next.end <= at) return { end, items };
    items.push(...next.items);
    ({ end } = next);
  }
}

function readOne(source: Source, at: number, dialect: Dialect): Found | undefined {
  const { text } = source;
  const char = text[at];
  if (char === undefined) return undefined;
  if (char === "[" || char === "{") {
    const list = char === "[" ? readPythonList(source, at, { marked: true }) : undefined;
    if (list !== undefined) return list;
    const read = readJsonCall(source, at, { dialect, marked: true });
    return "items" in read ? read : undefined;
  }
  if (char === "<")
    return (
      readXmlFunction(source, at) ??
      readTaggedCall(source, at) ??
      readBeginMarker(source, at) ??
      readHarmonyCall(source, at)
    );
  const glm = matchAt(GLM_NAME, text, at)?.[0];
  if (glm !== undefined) return readGlmCall(source, at, glm);
  const named = readGemmaCall(source, at, true) ?? readHarmonyCall(source, at) ?? readReactAction(source, at);
  if (named !== undefined) return named;
  const statement = readPythonStatement(source, at, { marked: true });
  if (statement !== undefined) return dialect === "llama3" ? withoutCallSuffix(statement) : statement;
  if (dialect === "mistral" || matchAt(NAME_BEFORE_BODY, text, at) !== undefined) {
    const call = readMistralName(source, at);
    return call === undefined ? undefined : adapt(call, { dialect });
  }
  return undefined;
}

/** Llama writes `tool.call(…)`. */
function withoutCallSuffix(found: Found): Found {
  const rename = (attempt: Attempt): Attempt =>
    attempt.name === undefined
      ? attempt
      : { ...attempt, dialect: "llama3", name: attempt.name.replace(CALL_SUFFIX, "") };
  return { end: found.end, items: found.items.map((item) => (item.kind === "attempt" ? rename(item) : item)) };
}

function nothing(
  source: Source,
  start: number,
  { at, dialect }: { readonly at: number; readonly dialect: Dialect },
): Found {
  const { text } = source;
  const attempt: Attempt = {
    kind: "attempt",
    dialect,
    start,
    end: at,
    state: at >= text.length ? "open" : "broken",
    closed: false,
    marked: true,
    bare: true,
    resume: at,
  };
  return { end: at, items: [attempt] };
}

/** Behind the closing tags that follow a call. */
export function skipClosers(text: string, from: number): number {
  let end = from;
  for (let count = 0; count < MAX_MARKERS; count++) {
    const at = skipSpace(text, end);
    const close = matchAt(CLOSE, text, at);
    if (close === undefined || isQuoteClose(close[0])) return end;
    end = at + close[0].length;
  }
  return end;
}

function isQuoteClose(tag: string): boolean {
  return /^<\/(?:think|example|document|quote)/i.test(tag);
}
