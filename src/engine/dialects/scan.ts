// oxlint-disable max-lines -- one pass over the text, with one method for each kind of place; it need not be chopped
import { type Attempt, type Found, isWhole } from "./attempt.ts";
import { type Fence, pathInInfo, readFence } from "./fence.ts";
import { FILE_TOOL, isFileEndUnclear, readFileBlock, readFileTag, readInfoBlock } from "./file-block.ts";
import { labelledPath } from "./file-path.ts";
import { readFencedCalls } from "./fenced-call.ts";
import { readJsonCall } from "./json-call.ts";
import { readGemmaCall, readBeginMarker, readHarmonyCall } from "./marker-call.ts";
import { readMarkedCall, skipClosers } from "./marked-call.ts";
import { readUnmarkedArguments } from "./mistral-call.ts";
import { readNamedObject } from "./named-object.ts";
import { readPythonList, readPythonStatement } from "./python-call.ts";
import { readQuotedElement, skipComment, skipInlineCode, unclosedEnd } from "./quoted-text.ts";
import { readReactAction } from "./react-action.ts";
import { readLabel } from "./react-label.ts";
import { endsTurn, holdsTurnEnd, loneReasoningEnd, readReasoning } from "./reasoning.ts";
import { EDIT_TOOL, isEditMark, readSearchReplace } from "./search-replace.ts";
import type { Source } from "./source.ts";
import { readGlmCall, readTaggedCall } from "./tagged-call.ts";
import { lineEnd, lineHead, matchAt, nextLine, skipBlanks, trimSpace } from "./white-space.ts";
import { readXmlFunction } from "./xml-function.ts";
import { isStructural } from "./xml-value.ts";

/** What stands in a turn, in order. What lies between is prose. */
export type Finding = {
  readonly kind: "calls" | "result" | "role" | "speaker" | "final-answer" | "fence" | "quote";
  readonly start: number;
  readonly end: number;
  readonly found?: Found;
  readonly fence?: Fence;
};
/** Text that is not part of the answer. */
export type Hidden = { readonly start: number; readonly end: number; readonly reasoning: string };
export type Scan = {
  readonly findings: readonly Finding[];
  readonly hidden: readonly Hidden[];
  /** Where the turn ends. */
  readonly end: number;
};

const HEADER =
  /(?:<\|begin_of_text\|>|<s>|<bos>|\s){0,8}(?:<\|start_header_id\|>[^<\n]{0,40}<\|end_header_id\|>|<\|im_start\|>[ \t]*assistant\b|<start_of_turn>[ \t]*model\b|<\|assistant\|>|<s>|<bos>|<\|begin_of_text\|>)/y;
const ROLE =
  /<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|\[\/?INST\]|<[|｜](?:user|assistant|system|tool|observation|ipython)[|｜]>|<\|start\|>(?!assistant)/iy;
const HARMONY_HEAD =
  /(?:<\|start\|>assistant)?<\|channel\|>(?:final|commentary)[^<\n]{0,40}<\|message\|>|<\|(?:end|call|message)\|>|<\|start\|>assistant/y;
const SPEAKER = /[ \t]*[#*]{0,4}[ \t]*(?:user|human|system|assistant|tool)[ \t]?\**:/iy;
const RESULTS = /\[\/?TOOL_RESULTS?\]|<[|｜]tool[_▁]outputs?[_▁]begin[|｜]>|<\|tool_response\|?>/y;
const JSON_HEAD = /\{\s{0,40}(?:["'“][^"'”\n]{0,80}["'”]|[A-Za-z_]\w{0,40})\s{0,8}:/y;
const MARKERS = [
  "<tool_call>",
  "<function=",
  "[TOOL_CALLS]",
  "<|python_tag|>",
  "</think>",
  "<|im_end|>",
  "<|eot_id|>",
  "<|eom_id|>",
  "<|endoftext|>",
  "<|end_of_turn|>",
  "</s>",
  "\nAction:",
  "\n```",
];
const RESTARTS = ["\n", ...MARKERS];
const HALVED_FUNCTION = /function=|(?:function|invoke)[ \t]+name[ \t]?=[ \t]?["']/y;
const HALVED_TAG = /[A-Za-z][\w-]{1,60}>(?=\s{0,20}<)/y;
const CONFLICT = /^<{5,9}(?: \S|\r?$)/;
/** What only stands within a call. */
const STRAY = /<(?:[a-z]{1,20}:)?(parameter)(?:=|\s{1,4}name\s?=\s?["'][^"'>\n]{0,80}["']>)|<(arg_key|arg_value)>/y;
const MAX_BEGINNINGS = 8;
/** How many calls may be started in vain; then nothing more is looked for. */
const MAX_FAILURES = 32;

/**
 * Goes over a turn once from its beginning to its end. At each place it asks which construct begins there
 * and goes on behind it, so that nothing inside a value is looked at.
 *
 * Pure, linear in the length of the text.
 */
export function scanReply(source: Source): Scan {
  return new Scanner(source).run();
}

class Scanner {
  readonly #source: Source;
  readonly #text: string;
  #findings: Finding[] = [];
  #hidden: Hidden[] = [];
  /** Where the last finding ends. */
  #behind = 0;
  /** How many calls could not be read. */
  #failures = 0;
  /** Whether anything but headers and reasoning has been seen. */
  #isBegun = false;
  /** A mark of the turn's end stood in quoted text: that is shown, but no call behind it counts. */
  #isOver = false;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
  }

  run(): Scan {
    const text = this.#text;
    let at = this.#skipHeader(0);
    let lineStart = true;
    let begun = 0;
    while (at < text.length) {
      if (endsTurn(text, at)) return this.#scan(at);
      const next: number = (lineStart ? this.#atLine(at) : undefined) ?? this.#atChar(at) ?? at + 1;
      this.#isBegun ||= this.#hidden.at(-1)?.end !== next && trimSpace(text.slice(at, next)) !== "";
      // Behind reasoning and headers the answer begins; a line begins a few times at most.
      if (text[next - 1] === "\n") begun = 0;
      else if (this.#hidden.at(-1)?.end === next) begun++;
      lineStart = text[next - 1] === "\n" || (begun <= MAX_BEGINNINGS && this.#hidden.at(-1)?.end === next);
      at = next;
    }
    return this.#scan(text.length);
  }

  #scan(end: number): Scan {
    return { findings: this.#findings, hidden: this.#hidden, end };
  }

  /** Chat headers at the beginning, or behind the reasoning. */
  #skipHeader(from: number): number {
    let at = from;
    for (let header = matchAt(HEADER, this.#text, at); header !== undefined; header = matchAt(HEADER, this.#text, at))
      at = this.#hide(at, at + header[0].length);
    return at;
  }

  #hide(start: number, end: number, reasoning = ""): number {
    this.#hidden.push({ start, end, reasoning });
    return end;
  }

  #find(finding: Finding): number {
    if (!this.#isOver) this.#findings.push(finding);
    this.#behind = finding.end;
    return finding.end;
  }

  #quote(start: number, end: number, kind: "quote" | "result" = "quote"): number {
    this.#find({ kind, start, end });
    this.#endWithin(start, end);
    return end;
  }

  #endWithin(start: number, end: number): number {
    this.#isOver ||= holdsTurnEnd(this.#text.slice(start, end));
    return end;
  }

  /** Notes calls, and tells where to go on: behind them, or where a broken one may have been started again. */
  #take(found: Found | undefined): number | undefined {
    if (found === undefined) return undefined;
    const start = this.#startOf(found, this.#text.length);
    const last = found.items.at(-1);
    const end = isWhole(found) ? skipClosers(this.#text, found.end) : found.end;
    this.#find({ kind: "calls", start, end, found });
    if (last?.kind !== "attempt" || last.state === "complete") return end;
    if (++this.#failures > MAX_FAILURES) return this.#text.length;
    if (last.state === "open")
      return this.#goOn(unclosedEnd(this.#source, found.end >= this.#text.length ? start : found.end));
    return this.#goOn(this.#restart(last, found.end));
  }

  #startOf({ items }: Found, start: number): number {
    return Math.max(
      this.#behind,
      items.reduce((least, item) => Math.min(least, item.start), start),
    );
  }

  /** A broken call may be started again on a later line or at a marker. */
  #restart({ start, resume = start + 1 }: Attempt, end: number): number {
    const from = Math.max(resume, start + 1);
    if (from >= end) return end;
    let next = end;
    for (const mark of RESTARTS) {
      const at = this.#source.find(mark, from);
      if (at >= 0) next = Math.min(next, mark === "\n" ? at + 1 : at);
    }
    return next;
  }

  #goOn(at: number): number {
    this.#behind = Math.min(this.#behind, at);
    return at;
  }

  /** What only begins at the start of a line. */
  #atLine(at: number): number | undefined {
    const source = this.#source;
    const text = this.#text;
    const end = lineEnd(text, at);
    const first = skipBlanks(text, at);
    if (first >= end) return end < text.length ? end + 1 : end;
    if (isEditMark(source, at)) return this.#edit(at);
    if (text.startsWith("<<<<<", at) && CONFLICT.test(lineHead(text, at))) return this.#conflict(at);
    if (text[first] === ">") return this.#quote(at, end);
    const fence = readFence(source, at);
    if (fence !== undefined) return this.#fence(fence);
    return this.#label(at, first) ?? this.#block(at) ?? this.#alone(first);
  }

  /** The two sides of a merge conflict are text. */
  #conflict(at: number): number | undefined {
    const end = this.#source.find("\n>>>>>", at);
    return end < 0 ? undefined : this.#quote(at, nextLine(this.#text, end + 1));
  }

  #edit(at: number): number {
    const source = this.#source;
    if (source.offers(EDIT_TOOL)) return this.#take(readSearchReplace(source, at)) ?? nextLine(this.#text, at);
    return this.#quote(at, editEnd(source, at));
  }

  #label(at: number, first: number): number | undefined {
    const source = this.#source;
    const text = this.#text;
    const label = readLabel(text, at);
    if (label?.kind === "final-answer") return this.#find({ kind: "final-answer", start: first, end: label.end });
    if (label?.kind === "observation" || label?.kind === "output")
      return this.#find({ kind: "result", start: first, end: label.end });
    if (label !== undefined && label.kind !== "thought") {
      const action = this.#take(readReactAction(source, at));
      if (action !== undefined) return action;
    }
    const speaker = matchAt(SPEAKER, text, at);
    return speaker === undefined
      ? undefined
      : this.#find({ kind: "speaker", start: first, end: at + speaker[0].length });
  }

  #fence(fence: Fence): number | undefined {
    const source = this.#source;
    if (/^tool_(?:output|response|result)s?\b/i.test(fence.info))
      return this.#find({ kind: "result", start: fence.start, end: this.#fenceEnd(fence) });
    const file = readInfoBlock(source, fence);
    if (file !== undefined) return this.#file(file);
    const isFile = pathInInfo(fence.info) !== undefined && !source.offers(FILE_TOOL);
    const calls = isFile ? undefined : readFencedCalls(source, fence);
    if (calls === undefined) {
      this.#find({ kind: "fence", start: fence.start, end: this.#fenceEnd(fence), fence });
      return this.#endWithin(fence.start, this.#fenceEnd(fence));
    }
    // The path of an edit may stand above the fence.
    const start = this.#startOf(calls, fence.start);
    if (isWhole(calls)) return this.#find({ kind: "calls", start, end: calls.end, found: calls, fence });
    const end = Math.max(this.#fenceEnd(fence), calls.end);
    this.#find({ kind: "calls", start, end, found: calls, fence });
    if (++this.#failures > MAX_FAILURES) return this.#text.length;
    return this.#goOn(fence.close === undefined ? unclosedEnd(source, fence.content) : end);
  }

  #fenceEnd(fence: Fence): number {
    return fence.close === undefined ? unclosedEnd(this.#source, fence.content) : fence.end;
  }

  /** A label with a path and a fenced block. Where writing is not offered it is text, and so is what it holds. */
  #block(at: number): number | undefined {
    const source = this.#source;
    const file = readFileBlock(source, at);
    if (file !== undefined) return this.#file(file);
    if (source.offers(FILE_TOOL)) return undefined;
    const text = this.#text;
    if (labelledPath(lineHead(text, at)) === undefined) return undefined;
    let line = nextLine(text, at);
    while (line < text.length && text.slice(line, lineEnd(text, line)).trim() === "") line = nextLine(text, line);
    const fence = readFence(source, line);
    return fence === undefined ? undefined : this.#find({ kind: "fence", start: at, end: this.#fenceEnd(fence) });
  }

  #file(found: Found): number | undefined {
    const [first, ...more] = found.items;
    if (first?.kind !== "attempt" || more.length > 0 || first.state !== "complete") return this.#take(found);
    return this.#take(
      isFileEndUnclear(this.#source, first) ? { ...found, items: [{ ...first, problem: "ambiguous" }] } : found,
    );
  }

  /** Calls without a marker that stand alone on their lines. */
  #alone(first: number): number | undefined {
    const source = this.#source;
    const text = this.#text;
    if (text[first] === "[") return this.#take(readPythonList(source, first, { marked: false }));
    if (matchAt(HALVED_TAG, text, first) !== undefined) return this.#take(readTaggedCall(source, first));
    if (matchAt(HALVED_FUNCTION, text, first) !== undefined) return this.#take(readXmlFunction(source, first));
    return this.#take(readNamedObject(source, first) ?? readPythonStatement(source, first, { marked: false }));
  }

  /** What may begin anywhere. */
  #atChar(at: number): number | undefined {
    const source = this.#source;
    const text = this.#text;
    switch (text[at] ?? "") {
      case "`":
        return this.#endWithin(at, skipInlineCode(source, at));
      case "<":
        return this.#tag(at);
      case "[":
        return this.#bracket(at);
      case "{":
        return this.#json(at);
      case "t":
        return text.startsWith("to=functions.", at) ? this.#take(readHarmonyCall(source, at)) : undefined;
      case "c":
        return text.startsWith("call:", at) ? this.#take(readGemmaCall(source, at, false)) : undefined;
      default:
        return undefined;
    }
  }

  #tag(at: number): number | undefined {
    const source = this.#source;
    const text = this.#text;
    if (text.startsWith("<!--", at)) return this.#quote(at, skipComment(source, at));
    const reasoning = this.#reasoning(at);
    if (reasoning !== undefined) return reasoning;
    const element = readQuotedElement(source, at);
    if (element !== undefined) {
      const result = element.name.startsWith("tool_") && (this.#findings.length > 0 || isStructural(text, at));
      return this.#quote(at, element.end, result ? "result" : "quote");
    }
    if (/^<file[\s>]/.test(text.slice(at, at + 6))) {
      const file = readFileTag(source, at);
      if (file !== undefined) return this.#take(file);
      const end = source.find("</file>", at);
      if (end >= 0) return this.#quote(at, end);
    }
    const call =
      readHarmonyCall(source, at) ??
      readMarkedCall(source, at) ??
      readXmlFunction(source, at) ??
      readBeginMarker(source, at) ??
      readTaggedCall(source, at);
    if (call !== undefined) return this.#take(call);
    const stray = this.#stray(at);
    if (stray !== undefined) return stray;
    const results = this.#results(at);
    if (results !== undefined) return results;
    const head = matchAt(HARMONY_HEAD, text, at);
    if (head !== undefined) return this.#hide(at, at + head[0].length);
    const role = matchAt(ROLE, text, at);
    return role === undefined ? undefined : this.#find({ kind: "role", start: at, end: at + role[0].length });
  }

  /** A part of a call whose beginning is missing. */
  #stray(at: number): number | undefined {
    const source = this.#source;
    const text = this.#text;
    const part = matchAt(STRAY, text, at);
    if (part === undefined || !isStructural(text, at)) return undefined;
    const before =
      part[2] === "arg_key"
        ? /(?:^|\n)[ \t]*([\w.:/-]{1,120})\s{0,4}$/.exec(text.slice(this.#behind, at).slice(-130))
        : null;
    const name = before?.[1];
    if (name !== undefined && source.tool(name) !== undefined) {
      const glm = readGlmCall(source, text.lastIndexOf(name, at - 1), name);
      if (glm !== undefined) return this.#take(glm);
    }
    const end = at + part[0].length;
    const attempt = { kind: "attempt", dialect: "tagged", start: at, end, state: "broken", closed: false } as const;
    return this.#take({ end, items: [{ ...attempt, marked: true, resume: end, name: part[1] ?? part[2] ?? "" }] });
  }

  #reasoning(at: number): number | undefined {
    const text = this.#text;
    const end = loneReasoningEnd(text, at);
    if (end !== undefined) {
      this.#findings = [];
      this.#hidden = [{ start: 0, end, reasoning: text.slice(0, at) }];
      this.#isOver = false;
      this.#isBegun = false;
      this.#behind = end;
      return this.#skipHeader(end);
    }
    const block = readReasoning(this.#source, at);
    if (block === undefined) return undefined;
    if (block.open) {
      // A block of another kind may end what this one began.
      const close = unclosedEnd(this.#source, block.from);
      if (close < text.length) return close;
    }
    this.#hide(at, block.end, text.slice(block.from, block.to));
    return this.#isBegun ? block.end : this.#skipHeader(block.end);
  }

  /** A mark in front of an invented result; in a sentence, with no call before it, it is a word. */
  #results(at: number): number | undefined {
    const mark = matchAt(RESULTS, this.#text, at);
    if (mark === undefined || (this.#findings.length === 0 && !isStructural(this.#text, at))) return undefined;
    return this.#find({ kind: "result", start: at, end: at + mark[0].length });
  }

  #bracket(at: number): number | undefined {
    const source = this.#source;
    const text = this.#text;
    const reasoning = this.#reasoning(at);
    if (reasoning !== undefined) return reasoning;
    const results = this.#results(at);
    if (results !== undefined) return results;
    const role = matchAt(ROLE, text, at);
    if (role !== undefined) return this.#find({ kind: "role", start: at, end: at + role[0].length });
    const marked = this.#take(readMarkedCall(source, at));
    if (marked !== undefined) return marked;
    if (text.startsWith("[ARGS]", at)) return this.#take(readUnmarkedArguments(source, at));
    return this.#json(at);
  }

  #json(at: number): number | undefined {
    const text = this.#text;
    if (!this.#source.spend(0)) return undefined;
    const read = readJsonCall(this.#source, at, { dialect: "bare-json", marked: false });
    if ("items" in read) {
      // In quotes it is quoted.
      if (isInQuotes(text, at, read.end)) return read.end;
      return this.#take(read);
    }
    this.#source.spend(read.end - at);
    const isObject = matchAt(JSON_HEAD, text, at) !== undefined;
    if (read.state === "open") return isObject ? unclosedEnd(this.#source, at) : at + 1;
    if (read.state !== "broken" || !isObject) return Math.max(at + 1, read.end);
    return this.#behindBroken(Math.max(at + 1, read.end));
  }

  /** What follows in the paragraph belongs to the broken object too, up to a marker. */
  #behindBroken(from: number): number {
    let next = this.#text.length;
    for (const mark of ["\n\n", ...MARKERS]) {
      const at = this.#source.find(mark, from);
      if (at >= 0) next = Math.min(next, at);
    }
    return next;
  }
}

function isInQuotes(text: string, start: number, end: number): boolean {
  const before = text[start - 1] ?? "";
  const after = text[end] ?? "";
  return before !== "" && after !== "" && /["'“”‘’]/.test(before) && /["'“”‘’]/.test(after);
}

/** Behind a block with marks, its last mark included. */
function editEnd(source: Source, at: number): number {
  const { text } = source;
  const end = source.find("REPLACE", at);
  return end < 0 ? text.length : lineEnd(text, end);
}
