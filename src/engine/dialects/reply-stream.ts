import { readReply } from "./read-reply.ts";
import type { Reading } from "./reading.ts";
import type { ToolDefinition } from "./tool-definition.ts";
import { lineEnd, matchAt } from "./white-space.ts";

/** A piece of a reply that can be shown while the rest is still being written. */
export type ReplyPart = { readonly kind: "reasoning" | "text"; readonly text: string };

const THINK = /<(think|thinking)>|\[(THINK)\]/iy;
/** Names that the tags of calls, quotes and reasoning begin with. */
const TAGS = [
  "tool",
  "function",
  "invoke",
  "think",
  "param",
  "file",
  "example",
  "document",
  "quote",
  "user_data",
  "end_of_turn",
  "start_",
  "arg_",
  "s>",
];
const LABELS = ["action", "tool", "observation", "final", "thought", "file", "user", "human", "system", "assistant"];
const HEAD = /[ \t\u00a0\ufeff\0]*(?:(?:[-+*]|\d{1,3}[.)])[ \t]+)?[#*_` \t]{0,8}/y;
const FIRST_WORDS = /\S+[ \t]+\S+[ \t]/y;
const INLINE_MARK = /to=functions|call:/y;
/** Longer than any path, label or name: what is not decided by then is for the reading at the end. */
const MAX_UNDECIDED = 400;

type Mode = "line" | "prose" | "reasoning" | "held";

/**
 * Follows a reply as it arrives. What may still turn out to be a call is held back; from where a call may begin
 * nothing more is shown, it is for the reading at the end to say what it was. How the reply was cut into chunks
 * has no influence on that reading. The work is linear in the reply, however it is cut.
 */
export class ReplyStream {
  readonly #tools: readonly ToolDefinition[];
  readonly #chunks: string[] = [];
  /** What has arrived, from the last place on where all before was shown or hidden for good. */
  #text = "";
  #at = 0;
  #mode: Mode = "line";
  /** What closes the reasoning that is open. */
  #close = "";

  constructor(tools: readonly ToolDefinition[]) {
    this.#tools = tools;
  }

  /** What can be shown now that `chunk` has arrived. */
  push(chunk: string): readonly ReplyPart[] {
    this.#chunks.push(chunk);
    if (this.#mode !== "held") this.#text = this.#text.slice(this.#at) + chunk;
    this.#at = 0;
    const parts: ReplyPart[] = [];
    for (let part = this.#next(); part !== undefined; part = this.#next()) if (part.text !== "") parts.push(part);
    // Else every further chunk would go over it again.
    if (this.#text.length - this.#at > MAX_UNDECIDED) this.#mode = "held";
    return parts;
  }

  /** One step on; `undefined` when nothing can be said before more has arrived. */
  #next(): ReplyPart | undefined {
    const [from, mode] = [this.#at, this.#mode];
    if (mode === "held") return undefined;
    const text = mode === "reasoning" ? this.#reasoning() : mode === "line" ? this.#line() : this.#prose();
    if (this.#at === from && this.#mode === mode) return undefined;
    return { kind: mode === "reasoning" ? "reasoning" : "text", text };
  }

  /** The reading of the whole reply: what `readReply` says of it. */
  end(finish: "stop" | "length"): Reading {
    return readReply(this.#chunks.join(""), { tools: this.#tools, finish });
  }

  #take(to: number): string {
    const text = this.#text.slice(this.#at, to);
    this.#at = to;
    return text;
  }

  #reasoning(): string {
    const end = this.#text.indexOf(this.#close, this.#at);
    if (end < 0) return this.#take(Math.max(this.#at, this.#text.length - this.#close.length));
    const text = this.#take(end);
    this.#at = end + this.#close.length;
    this.#mode = "line";
    return text;
  }

  /** At the start of a line: it is shown as soon as it can't be a label, a path or a call any more. */
  #line(): string {
    const text = this.#text;
    const start = this.#at;
    const head = matchAt(HEAD, text, start)?.[0] ?? "";
    const first = start + head.length;
    const end = lineEnd(text, start);
    if (head.includes("```")) this.#mode = "held";
    if (first >= text.length || this.#mode === "held") return "";
    if (text[first] === "\n" || text[first] === "\r") return end < text.length ? this.#take(end + 1) : "";
    if ("<[{`~>".includes(text[first] ?? "")) {
      this.#mode = text[first] === "~" || text[first] === ">" ? "held" : "prose";
      return "";
    }
    const line = text.slice(first, Math.min(end, first + 40)).toLowerCase();
    if (LABELS.some((label) => line.startsWith(label))) this.#mode = "held";
    else if (line.length >= 10 || end < text.length || !LABELS.some((label) => label.startsWith(line)))
      this.#startProse(first, end);
    return "";
  }

  #startProse(first: number, end: number): void {
    // A lone word may be a path or the name of a tool; brackets may be a call.
    const words = matchAt(FIRST_WORDS, this.#text, first)?.[0];
    if (words !== undefined && !/[=(]/.test(words)) this.#mode = "prose";
    else if (end < this.#text.length) {
      const line = this.#text.slice(first, end).trim();
      this.#mode = /^\S+$/.test(line.replace(/[.!?]$/, " ")) || /[=(]/.test(line) ? "held" : "prose";
    }
  }

  /** Within a line: up to where a mark may begin. */
  #prose(): string {
    const text = this.#text;
    for (let at = this.#at; at < text.length; at++) {
      const char = text[at] ?? "";
      if (char === "\n") {
        this.#mode = "line";
        return this.#take(at + 1);
      }
      const kind = this.#kindOf(char, at);
      if (kind === "plain") continue;
      if (kind === "code") {
        const close = text.indexOf("`", at + 1);
        const end = lineEnd(text, at);
        if (close >= 0 && close < end && text[at + 1] !== "`") at = close;
        else if (end >= text.length && close < 0) return this.#take(at);
        else return this.#hold(at);
        continue;
      }
      if (kind === "unknown") return this.#take(this.#wordStart(at));
      const think = matchAt(THINK, text, at);
      if (think === undefined) return this.#hold(at);
      const shown = this.#take(at);
      this.#at = at + think[0].length;
      this.#close = think[2] === undefined ? `</${think[1]}>` : "[/THINK]";
      this.#mode = "reasoning";
      return shown;
    }
    return this.#take(this.#wordStart(text.length));
  }

  /** A word may be a name that `[ARGS]` follows: it is shown when it is over. */
  #wordStart(end: number): number {
    const tail = this.#text.slice(Math.max(this.#at, end - 120), end);
    return end - (/[\w.:/-]{1,120}$/.exec(tail)?.[0].length ?? 0);
  }

  #hold(at: number): string {
    const shown = this.#take(this.#text.startsWith("[ARGS]", at) ? this.#wordStart(at) : at);
    this.#mode = "held";
    return shown;
  }

  /** Whether a mark begins at `at`; `unknown` while more of the text is needed to tell. */
  #kindOf(char: string, at: number): "plain" | "mark" | "unknown" | "code" {
    const text = this.#text;
    if (char === "`") return "code";
    if (char === "{") return "mark";
    if (char === "t" || char === "c") {
      if (matchAt(INLINE_MARK, text, at) !== undefined) return "mark";
      const rest = text.slice(at, at + 12);
      const open = at + rest.length >= text.length && ["to=functions", "call:"].some((mark) => mark.startsWith(rest));
      return open ? "unknown" : "plain";
    }
    if (char === "<") return this.#tagKind(at);
    if (char !== "[") return "plain";
    const name = /^\[\s*\/?[\w.]*/.exec(text.slice(at, at + 200))?.[0] ?? "[";
    const next = text[at + name.length];
    if (next === undefined) return "unknown";
    return /^\[\/?(?:TOOL|THINK|ARGS|CALL_ID|INST)/i.test(name) || next === "{" || next === "(" ? "mark" : "plain";
  }

  #tagKind(at: number): "plain" | "mark" | "unknown" {
    const next = this.#text[at + 1];
    if (next === undefined) return "unknown";
    if (next === "|" || next === "｜" || next === "!" || next === "<") return "mark";
    const rest = this.#text
      .slice(at + 1, at + 41)
      .toLowerCase()
      .replace(/^\//, "");
    const names = [...TAGS, ...this.#tools.map(({ name }) => name.toLowerCase())];
    if (names.some((name) => rest.startsWith(name))) return "mark";
    const ends = at + 41 >= this.#text.length && !/[\s>]/.test(rest);
    return ends && (rest === "" || names.some((name) => name.startsWith(rest))) ? "unknown" : "plain";
  }
}
