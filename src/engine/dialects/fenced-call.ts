import { adapt, type Answer, type Attempt, type Found, isWhole } from "./attempt.ts";
import { type Fence, fenceEndAt } from "./fence.ts";
import { readFileTag } from "./file-block.ts";
import { pathLine } from "./file-path.ts";
import { readJsonCall } from "./json-call.ts";
import { readMarkedCall, skipClosers } from "./marked-call.ts";
import { readBeginMarker, readGemmaCall, readHarmonyCall } from "./marker-call.ts";
import { readNamedObject } from "./named-object.ts";
import { readPythonList, readPythonStatement } from "./python-call.ts";
import { readReactAction } from "./react-action.ts";
import { readLabel } from "./react-label.ts";
import { endsTurn } from "./reasoning.ts";
import { EDIT_TOOL, isEditMark, readSearchReplace } from "./search-replace.ts";
import type { Source } from "./source.ts";
import { readTaggedCall } from "./tagged-call.ts";
import { lineEnd, lineHead, nextLine, skipSpace } from "./white-space.ts";
import { readXmlFunction } from "./xml-function.ts";

const PYTHON = /^(?:|python\d?|py|tool_code|tool_calls?|text|txt|plaintext)$/i;
const TOOL_CODE = /^tool_code\b/i;
const MAX_CALLS = 1000;

/** The calls in a fenced block, when they are all it holds. The first that can't be read ends the reading. */
export function readFencedCalls(source: Source, fence: Fence): Found | undefined {
  const { text } = source;
  const items: (Attempt | Answer)[] = [];
  let at = skipBetween(source, fence.content, fence);
  for (let count = 0; count < MAX_CALLS; count++) {
    const end = items.length === 0 ? undefined : endOf(source, at, fence);
    if (end !== undefined) return { end, items };
    const found = readOne(source, at, fence);
    if (found === undefined || found.items.length === 0)
      return at < text.length && items.length === 0 ? notLiteral(fence) : undefined;
    items.push(...found.items);
    if (!isWhole(found)) return { end: found.end, items };
    if (found.end <= at) return undefined;
    at = skipBetween(source, skipClosers(text, found.end), fence);
  }
  return undefined;
}

/** Where the block ends, when it ends at `at`. */
function endOf({ text }: Source, at: number, { close, mark }: Fence): number | undefined {
  const end = fenceEndAt(text, at, mark);
  if (end !== undefined) return end;
  if (at >= text.length || endsTurn(text, at)) return at;
  if (close !== undefined) return undefined;
  const label = readLabel(text, text.lastIndexOf("\n", at - 1) + 1);
  return label?.kind === "observation" || label?.kind === "output" ? at : undefined;
}

/** Skips white space, separators and, in Python, comments. */
function skipBetween({ text }: Source, from: number, { info }: Fence): number {
  let at = skipSpace(text, from);
  for (;;) {
    const comment = text[at] === "#" && PYTHON.test(info) && !/^(?:text|txt|plaintext)?$/.test(info);
    if (comment) at = skipSpace(text, lineEnd(text, at));
    else if (text[at] === ";" || text[at] === ",") at = skipSpace(text, at + 1);
    else if (isThought(text, at)) at = skipSpace(text, lineEnd(text, at));
    else return at;
  }
}

/** A thought belongs to the action behind it. */
function isThought(text: string, at: number): boolean {
  return readLabel(text, text.lastIndexOf("\n", at - 1) + 1)?.kind === "thought";
}

/** A `tool_code` fence is meant as a call whatever it holds. */
function notLiteral({ info, start, end, close }: Fence): Found | undefined {
  if (!TOOL_CODE.test(info)) return undefined;
  const closed = close !== undefined;
  const base = { kind: "attempt", dialect: "pythonic", start, end, closed, marked: false } as const;
  return { end, items: [{ ...base, state: closed ? "complete" : "open", resume: end, problem: "not-literal" }] };
}

function readOne(source: Source, at: number, { info }: Fence): Found | undefined {
  const { text } = source;
  const lineStart = text.lastIndexOf("\n", at - 1) + 1;
  const edit = [lineStart, nextLine(text, lineStart)].find((line) => isEditMark(source, line));
  if (edit !== undefined && source.offers(EDIT_TOOL)) {
    const path = pathLine(lineHead(text, lineStart));
    return edit === lineStart || path !== undefined ? readSearchReplace(source, edit) : undefined;
  }
  const python = PYTHON.test(info);
  const char = text[at];
  if (char === "{" || char === "[") {
    const list = char === "[" && python ? readPythonList(source, at, { marked: false }) : undefined;
    if (list !== undefined) return list;
    const marked = char === "[" ? readMarkedCall(source, at) : undefined;
    if (marked !== undefined) return unmarked(marked);
    const json = readJsonCall(source, at, { dialect: "fenced-json", marked: false });
    return "items" in json ? json : undefined;
  }
  if (char === "<") {
    const call =
      readFileTag(source, at) ??
      readHarmonyCall(source, at) ??
      readMarkedCall(source, at) ??
      readXmlFunction(source, at) ??
      readBeginMarker(source, at) ??
      readTaggedCall(source, at);
    return call === undefined ? undefined : unmarked(call);
  }
  const action = readReactAction(source, lineStart);
  if (action !== undefined) return unmarked(action);
  const named = readGemmaCall(source, at, false) ?? readNamedObject(source, at);
  if (named !== undefined) return named;
  if (!python) return undefined;
  const statement = readPythonStatement(source, at, { marked: TOOL_CODE.test(info) });
  return statement === undefined ? undefined : unmarked(statement);
}

/** Sample cues apply to all that stands in a fence. */
function unmarked(found: Found): Found {
  return adapt(found, { marked: false });
}
