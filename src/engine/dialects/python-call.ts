import type { Attempt, Found } from "./attempt.ts";
import { regionEnds } from "./json-reader.ts";
import { isEvaluatedFurther, type PythonRead, readPythonCall } from "./python-reader.ts";
import type { Source } from "./source.ts";
import { lineEnd, matchAt, skipBlanks, skipSpace } from "./white-space.ts";

const LIST = /\[\s{0,40}[A-Za-z_][\w.]{0,120}\s{0,8}\(/y;
const STATEMENT =
  /(?:[A-Za-z_]\w{0,60}[ \t]*(?::[ \t]*\w{1,40}[ \t]*)?=[ \t]*)?(print[ \t]*\([ \t]*)?([A-Za-z_][\w.]{0,120})[ \t]*\(/y;

export type PythonOptions = {
  /** A marker or label says that this is a call. */
  readonly marked: boolean;
};

/** `[f(k=v), …]`. Without a marker it must stand alone on its lines. */
export function readPythonList(source: Source, start: number, { marked }: PythonOptions): Found | undefined {
  const { text } = source;
  if (matchAt(LIST, text, start) === undefined || !source.spend(0)) return undefined;
  const items: Attempt[] = [];
  let at = skipSpace(text, start + 1);
  for (;;) {
    const read = readPythonCall(text, at);
    if (read === undefined) {
      if (!marked && items.every(({ name }) => source.tool(name ?? "") === undefined)) return undefined;
      items.push({ ...attemptOf(read, { start: at, end: at, marked }), resume: at });
      return { end: at, items };
    }
    source.spend(read.end - at);
    items.push(attemptOf(read, { start: at, end: read.end, marked }));
    at = skipSpace(text, read.end);
    if (read.state === "open" || read.state === "broken") break;
    if (text[at] === ",") at = skipSpace(text, at + 1);
    if (text[at] === "]") {
      at++;
      break;
    }
    if (regionEnds(text, at)) break;
  }
  const known = items.some(({ name }) => source.tool(name ?? "") !== undefined);
  const whole = items.every(({ state }) => state === "complete");
  if (!marked && !known && !(whole && items.every((item) => isKeyworded(item)))) return undefined;
  if (!marked && whole && !isLineDone(text, at)) return undefined;
  return { end: at, items };
}

/** `f(k=v)`, also several with semicolons between, `print(…)` around or an assignment in front. Without a marker it must stand alone. */
export function readPythonStatement(source: Source, start: number, options: PythonOptions): Found | undefined {
  const { text } = source;
  const first = readStatement(source, start, options);
  if (first === undefined) return undefined;
  const items = [...first.items];
  let { end } = first;
  for (let next = behindSemicolon(source, end); next !== undefined; next = behindSemicolon(source, end)) {
    const more = readStatement(source, next, options);
    if (more === undefined) return options.marked ? { end, items } : undefined;
    items.push(...more.items);
    ({ end } = more);
  }
  return { end: isLineDone(text, end) ? skipStatementEnd(text, end) : end, items };
}

/** Where a further call of an offered tool starts on the same line. */
function behindSemicolon(source: Source, from: number): number | undefined {
  const { text } = source;
  const at = skipBlanks(text, from);
  if (text[at] !== ";") return undefined;
  const next = skipBlanks(text, at + 1);
  const name = matchAt(STATEMENT, text, next)?.[2];
  return name !== undefined && source.tool(name) !== undefined ? next : undefined;
}

function readStatement(source: Source, start: number, { marked }: PythonOptions): Found | undefined {
  const { text } = source;
  const head = matchAt(STATEMENT, text, start);
  if (head === undefined || !source.spend(0)) return undefined;
  const name = head[2] ?? "";
  const tool = source.tool(name);
  if (tool === undefined && !marked) return readUnknownAlone(source, start);
  if (!marked && /[ \t]\($/.test(head[0])) return undefined;
  const nameAt = start + head[0].lastIndexOf(name);
  const read = readPythonCall(text, nameAt);
  if (read === undefined) return undefined;
  source.spend(read.end - start);
  const attempt = attemptOf(read, { start, end: read.end, marked });
  if (attempt.state !== "complete") return { end: read.end, items: [attempt] };
  let end = read.end;
  if (head[1] !== undefined) {
    const close = skipSpace(text, end);
    if (text[close] === ")") end = close + 1;
    else if (!regionEnds(text, close)) return { end, items: [{ ...attempt, problem: "not-literal" }] };
  }
  if (isLineDone(text, end) || behindSemicolon(source, end) !== undefined) return { end, items: [{ ...attempt, end }] };
  if (isEvaluatedFurther(text, end)) return { end, items: [{ ...attempt, end, problem: "not-literal" }] };
  return marked ? { end, items: [{ ...attempt, end }] } : undefined;
}

/** Code calls functions all the time: one that is not offered counts only when it is the whole turn. */
function readUnknownAlone(source: Source, start: number): Found | undefined {
  const { text } = source;
  if (skipSpace(text, 0) !== start) return undefined;
  const read = readPythonCall(text, start);
  if (read === undefined || read.state !== "complete" || skipSpace(text, read.end) < text.length) return undefined;
  const attempt = attemptOf(read, { start, end: read.end, marked: false });
  return isKeyworded(attempt) ? { end: read.end, items: [attempt] } : undefined;
}

function isKeyworded({ form }: Attempt): boolean {
  return form !== undefined && form.named.length > 0 && form.positional.length === 0;
}

/** Whether only a semicolon, a comment or a tag follows on the line. */
export function isLineDone(text: string, from: number): boolean {
  let at = skipBlanks(text, from);
  if (text[at] === ";") at = skipBlanks(text, at + 1);
  const char = text[at];
  return char === undefined || char === "\n" || char === "#" || char === "<" || text.startsWith("```", at);
}

function skipStatementEnd(text: string, from: number): number {
  let at = skipBlanks(text, from);
  if (text[at] === ";") at = skipBlanks(text, at + 1);
  return text[at] === "#" ? lineEnd(text, at) : at;
}

function attemptOf(
  read: PythonRead | undefined,
  where: { readonly start: number; readonly end: number; readonly marked: boolean },
): Attempt {
  const base = { kind: "attempt", dialect: "pythonic", ...where, resume: where.start + 1 } as const;
  if (read === undefined) return { ...base, state: "broken", closed: false };
  const { state, call } = read;
  const { name, positional, named, closed } = call;
  const whole = state === "complete" || state === "implied";
  return {
    ...base,
    name,
    closed,
    state: whole ? "complete" : state,
    ...(whole ? { form: { named, positional } } : {}),
  };
}
