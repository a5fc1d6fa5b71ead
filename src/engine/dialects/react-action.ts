import { type ArgumentForm, argumentForm, NO_ARGUMENTS, textForm } from "./argument-form.ts";
import { adapt, type Attempt, attemptsOf, type Found } from "./attempt.ts";
import { ARGUMENT_KEYS } from "./call-object.ts";
import { propertyNamed } from "./check-arguments.ts";
import { fenceContent, readFence } from "./fence.ts";
import { readJsonCall } from "./json-call.ts";
import { readJson, skipSurplusClosers } from "./json-reader.ts";
import { readMistralName } from "./mistral-call.ts";
import { isLineDone, readPythonList, readPythonStatement } from "./python-call.ts";
import { readLabel } from "./react-label.ts";
import type { Why } from "./reading.ts";
import type { Source } from "./source.ts";
import { unwrapCall } from "./unwrap-call.ts";
import type { ReadState } from "./value.ts";
import { lineEnd, matchAt, nextLine, skipBlanks, skipSpace, trimSpace } from "./white-space.ts";

const CALL_STYLE = /["'`*]{0,3}[A-Za-z_][\w.]{0,120}\(/y;
const BRACKET_STYLE = /["'`*]{0,3}([A-Za-z_][\w.:/-]{0,120})[ \t]?\[/y;
const INLINE_INPUT = /[\s,;]+[*_]{0,3}(?:action|tool)[ _-]?input[*_]{0,3}[ \t]*:[*_]{0,3}/i;
const END_MARK = /<\|[a-z_]{2,30}\|>|<\/s>|<end_of_turn>/;
const MARKER = /^<\|?(?:tool_?calls?|function|invoke|python_tag)\b/i;
const KEY_VALUE = /^["'`]?([A-Za-z_]\w{0,40})["'`]?\s{0,4}[:=]/;

/** `Action:` and `Action Input:`, or `Tool:` and `Tool Input:`, from the line at `lineStart` on. */
export function readReactAction(source: Source, lineStart: number): Found | undefined {
  const { text } = source;
  const label = readLabel(text, lineStart);
  if (label === undefined || !source.spend(0)) return undefined;
  const failed = (end: number): Found =>
    one({
      kind: "attempt",
      dialect: "react-action",
      marked: true,
      start: lineStart,
      end,
      state: "broken",
      closed: false,
      resume: end,
    });
  if (label.kind === "input") return failed(label.end);
  if (label.kind !== "action" && label.kind !== "tool") return undefined;
  let at = skipBlanks(text, label.end);
  if (at >= text.length || text[at] === "\n") {
    const next = skipSpace(text, at);
    if (next >= text.length || readLabel(text, startOfLine(text, next)) !== undefined)
      return label.kind === "tool" ? undefined : failed(at);
    at = next;
  }
  if (text[at] === "<") return undefined;
  const value = readActionValue(source, at);
  if (value !== undefined) return adapt(value, { start: lineStart, dialect: "react-action", marked: true });
  const found = readNameAndInput(source, lineStart, at);
  return label.kind === "tool" && !isKnownOrFed(source, found) ? undefined : found;
}

/** `Tool:` is also a word of prose: it counts when the tool is offered, or an input follows. */
function isKnownOrFed(source: Source, found: Found): boolean {
  return attemptsOf(found).some(({ name, inputless }) => inputless !== true || source.tool(name ?? "") !== undefined);
}

/** A whole call behind the label: JSON, fenced JSON, `f(k=v)`, `f[text]`. */
function readActionValue(source: Source, at: number): Found | undefined {
  const { text } = source;
  const options = { dialect: "react-action", marked: true } as const;
  if (text[at] === "[") {
    const list = readPythonList(source, at, options);
    if (list !== undefined) return list;
  }
  if (text[at] === "{" || text[at] === "[") return asFound(readJsonCall(source, at, options));
  if (text.startsWith("```", at) || text.startsWith("~~~", at)) {
    const fence = readFence(source, startOfLine(text, at));
    const body = fence === undefined ? at : skipSpace(text, fence.content);
    if (fence === undefined || (text[body] !== "{" && text[body] !== "[")) return undefined;
    const call = asFound(readJsonCall(source, body, options));
    return call === undefined
      ? undefined
      : { ...call, end: Math.max(call.end, fence.close === undefined ? call.end : fence.end) };
  }
  if (matchAt(CALL_STYLE, text, at) !== undefined) {
    const call = readPythonStatement(source, at, options);
    if (call === undefined) return undefined;
    const bare = attemptsOf(call).every(({ form }) => form?.named.length === 0 && form.positional.length === 0);
    const next = readLabel(text, startOfLine(text, skipSpace(text, call.end)));
    if (bare && next?.kind === "input") return undefined;
    const done = isLineDone(text, call.end) || /^[*`"'.]+\s*$/.test(text.slice(call.end, lineEnd(text, call.end)));
    return done || attemptsOf(call).some(({ state }) => state !== "complete") ? call : withProblem(call, "ambiguous");
  }
  return readBracketStyle(source, at);
}

function readBracketStyle(source: Source, at: number): Found | undefined {
  const { text } = source;
  const head = matchAt(BRACKET_STYLE, text, at);
  if (head === undefined) return undefined;
  const open = at + head[0].length;
  if (text.startsWith("ARGS]", open) || text.startsWith("CALL_ID]", open)) return readMistralName(source, at);
  const end = lineEnd(text, open);
  const inside = text.slice(open, end).lastIndexOf("]");
  const close = inside < 0 ? -1 : open + inside;
  const base = { kind: "attempt", dialect: "react-action", marked: true, start: at, name: head[1] ?? "" } as const;
  if (close < open) {
    const state = end >= text.length ? "open" : "broken";
    return one({ ...base, end, state, closed: false, resume: end });
  }
  const form = textForm(trimSpace(text.slice(open, close)));
  const done = /^[\s*`.]*$/.test(text.slice(close + 1, end).replace(END_MARK, ""));
  return one({
    ...base,
    end: close + 1,
    state: "complete",
    closed: true,
    form,
    ...(done ? {} : { problem: "ambiguous" }),
  });
}

function readNameAndInput(source: Source, start: number, at: number): Found {
  const { text } = source;
  const end = lineEnd(text, at);
  source.spend(end - at);
  const line = text.slice(at, end);
  const inline = INLINE_INPUT.exec(line);
  const brace = line.indexOf("{");
  const stop = END_MARK.exec(line)?.index ?? line.length;
  const cut = Math.min(inline?.index ?? line.length, brace < 0 ? line.length : brace, stop);
  const name = trimSpace(line.slice(0, cut)).replaceAll(/^\*+|\*+$/g, "");
  const base = { kind: "attempt", dialect: "react-action", marked: true, start, name } as const;
  const next = skipSpace(text, end);
  const label = readLabel(text, startOfLine(text, next));
  let from: number | undefined;
  if (inline !== null && inline.index === cut) from = at + inline.index + inline[0].length;
  else if (brace >= 0 && brace === cut) from = at + brace;
  else if (label?.kind === "input" && stop === line.length) from = label.end;
  else if (text[next] === "{" && stop === line.length) from = next;
  if (from === undefined) {
    const tool = source.tool(name);
    const key = KEY_VALUE.exec(text.slice(next, next + 60))?.[1];
    const named =
      key !== undefined && (isInputWord(key) || (tool !== undefined && propertyNamed(tool, key) !== undefined));
    const state = end >= text.length && stop === line.length ? "unclosed" : "complete";
    const problem = named && stop === line.length ? { problem: "ambiguous" as const } : {};
    return finalAnswer(source, {
      ...base,
      end: at + cut,
      state: "complete",
      closed: state === "complete",
      form: NO_ARGUMENTS,
      inputless: true,
      ...problem,
    });
  }
  const input = readInput(source, from);
  const whole = input.state === "complete" || input.state === "implied";
  if (!whole)
    return one({
      ...base,
      end: input.end,
      state: input.state === "open" ? "open" : "broken",
      closed: false,
      resume: from,
    });
  const inner = unwrapCall(source, name, input.form);
  const problem = input.problem === undefined ? inner.problem : { problem: input.problem };
  const closed = input.state === "complete" && input.closed !== false;
  return finalAnswer(source, { ...base, end: input.end, state: "complete", closed, form: inner.form, ...problem });
}

/** `Action: Final Answer` ends the turn, as `Final Answer:` does. */
function finalAnswer(source: Source, attempt: Attempt): Found {
  if (!/^final[ _-]?answer$/i.test(attempt.name ?? "") || source.tool(attempt.name ?? "") !== undefined)
    return one(attempt);
  const [value] = attempt.form?.positional ?? [];
  const text = value?.kind === "string" ? value.value : "";
  return { end: attempt.end, items: [{ kind: "answer", start: attempt.start, end: attempt.end, text }] };
}

function isInputWord(key: string): boolean {
  return ARGUMENT_KEYS.includes(key.toLowerCase());
}

type Input = {
  readonly form: ArgumentForm;
  readonly end: number;
  readonly state: ReadState;
  readonly closed?: boolean;
  readonly problem?: Why;
};

function readInput(source: Source, from: number): Input {
  const { text } = source;
  const sameLine = skipBlanks(text, from);
  const at = skipSpace(text, sameLine);
  const none: Input = { form: NO_ARGUMENTS, end: sameLine, state: "complete", closed: sameLine < text.length };
  if (at >= text.length) return { ...none, closed: false };
  const char = text[at] ?? "";
  if (at !== sameLine && readLabel(text, startOfLine(text, at)) !== undefined) return none;
  if (char === "{" || char === "[") {
    const { state, value, end } = readJson(text, at);
    return { form: argumentForm(value), end: skipSurplusClosers(text, end), state, closed: state === "complete" };
  }
  if (text.startsWith("```", at) || text.startsWith("~~~", at)) return readFencedInput(source, at);
  // An empty line behind the label: what follows is prose.
  if (at !== sameLine && text.slice(sameLine, at).split("\n").length > 2) return none;
  if (char === '"' || char === "'" || char === "“") {
    const { state, value, end } = readJson(text, at);
    if (state === "complete" && value?.kind === "string" && isLineDone(text, end))
      return { form: textForm(value.value), end, state, closed: true };
  }
  return readPlainInput(source, at);
}

function readFencedInput(source: Source, at: number): Input {
  const { text } = source;
  const fence = readFence(source, startOfLine(text, at));
  if (fence === undefined) return readPlainInput(source, at);
  const body = skipSpace(text, fence.content);
  if (text[body] === "{" || text[body] === "[") {
    const { state, value, end } = readJson(text, body);
    const after = skipSurplusClosers(text, end);
    const close = skipSpace(text, after);
    const mark = text.startsWith(fence.mark, close) ? close + fence.mark.length : after;
    return { form: argumentForm(value), end: mark, state, closed: state === "complete" };
  }
  if (fence.close === undefined) return { form: NO_ARGUMENTS, end: text.length, state: "open" };
  const form = textForm(trimSpace(fenceContent(source, fence)));
  return { form, end: fence.end, state: "complete", closed: true, ...(fence.nested ? { problem: "ambiguous" } : {}) };
}

/** One plain value: the rest of the line. Where more lines follow without a gap it is not clear where it ends. */
function readPlainInput(source: Source, at: number): Input {
  const { text } = source;
  const end = lineEnd(text, at);
  const line = text.slice(at, end);
  const stop = END_MARK.exec(line);
  const value = trimSpace(stop === null ? line : line.slice(0, stop.index));
  const next = nextLine(text, at);
  const follows = stop === null && next < text.length && trimSpace(text.slice(next, lineEnd(text, next))) !== "";
  const ended =
    !follows || readLabel(text, next) !== undefined || /^\s*(?:<|```|~~~)/.test(text.slice(next, next + 20));
  const key = KEY_VALUE.exec(value)?.[1];
  const isPair = key !== undefined && source.tools.some((tool) => propertyNamed(tool, key) !== undefined);
  const call = /^([A-Za-z_][\w.]*)\(.*\)$/.exec(value)?.[1];
  const unclear = !ended || MARKER.test(value) || isPair || (call !== undefined && source.tool(call) !== undefined);
  return {
    form: textForm(value),
    end: stop === null ? end : at + stop.index,
    state: "complete",
    closed: stop !== null || end < text.length,
    ...(unclear ? { problem: "ambiguous" } : {}),
  };
}

function asFound(read: ReturnType<typeof readJsonCall>): Found | undefined {
  return "items" in read ? read : undefined;
}

function withProblem(found: Found, problem: Why): Found {
  return { end: found.end, items: found.items.map((item) => (item.kind === "attempt" ? { ...item, problem } : item)) };
}

function startOfLine(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

function one(attempt: Attempt): Found {
  return { end: attempt.end, items: [attempt] };
}
