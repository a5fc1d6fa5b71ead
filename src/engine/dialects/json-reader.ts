import type { Entry, ReadState, Value } from "./value.ts";
import { isSpace, matchAt, skipSpace } from "./white-space.ts";

export type JsonRead = {
  readonly state: ReadState;
  /** What was read, also in part. */
  readonly value: Value | undefined;
  /** Behind the value; when it is broken, where it breaks. */
  readonly end: number;
};

const MAX_DEPTH = 200;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$-]*/y;
const KEY_AHEAD = /["'“”„‘’‚A-Za-z_$]/y;
const LABEL_LINE = /[ \t]*[*_]*(?:observation|thought|action|final answer|tool output)\b[^\n:]{0,12}:/iy;
const GEMMA_QUOTE = '<|"|>';
const LITERALS: Readonly<Record<string, boolean | null>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  null: null,
  None: null,
};
const CLOSERS: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  "“": "”“‟",
  "”": "”",
  "„": "”“‟",
  "‟": "”",
  "‘": "’‘",
  "’": "’",
  "‚": "’‘",
};
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * Reads the JSON value at `start` as small models write it: other quotes, unquoted keys, comments, trailing
 * commas, raw line breaks, missing closers at the end. What can't be read without a guess is `broken`.
 *
 * Pure, linear in what it reads, never deeper than 200 levels.
 */
export function readJson(text: string, start: number): JsonRead {
  const reader = new JsonReader(text, start);
  return reader.read();
}

/** Behind the `}` and `]` that are too many after a value, if any. */
export function skipSurplusClosers(text: string, from: number): number {
  let end = from;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === "}" || char === "]") end = at + 1;
    else if (!isSpace(char)) break;
  }
  return end;
}

/** Whether the place a value stands in ends here: a tag, a fence, a label, the end of the text. */
export function regionEnds(text: string, at: number): boolean {
  if (at >= text.length || text[at] === "<") return true;
  if (text.startsWith("```", at) || text.startsWith("~~~", at) || text.startsWith("[/", at)) return true;
  let lineStart = at;
  while (lineStart > 0 && text[lineStart - 1] !== "\n" && isSpace(text[lineStart - 1])) lineStart--;
  return (lineStart === 0 || text[lineStart - 1] === "\n") && matchAt(LABEL_LINE, text, lineStart) !== undefined;
}

type After = "next" | "closed" | "ended" | "failed";

class JsonReader {
  readonly #text: string;
  #at: number;
  #failure: "open" | "broken" | undefined;
  #implied = false;
  #missingCommas = 0;
  #open: ("{" | "[")[] = [];
  /** Closers up to here are known to run to the end of the region. */
  #endRun = -1;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  read(): JsonRead {
    const value = this.#value();
    const state = this.#failure ?? (this.#implied ? "implied" : "complete");
    return { state, value, end: this.#at };
  }

  #fail(failure: "open" | "broken"): undefined {
    this.#failure ??= failure;
    return undefined;
  }

  /** Skips white space, comments and stray `\n`; tells whether a line break was among them. */
  #skip(): boolean {
    const text = this.#text;
    const from = this.#at;
    for (;;) {
      this.#at = skipSpace(text, this.#at);
      const char = text[this.#at];
      const next = text[this.#at + 1];
      if (char === "\\" && (next === "n" || next === "r" || next === "t")) this.#at += 2;
      else if (char === "#" || (char === "/" && next === "/")) this.#skipTo("\n", 0);
      else if (char === "/" && next === "*") this.#skipTo("*/", 2);
      else break;
    }
    return text.slice(from, this.#at).includes("\n");
  }

  #skipTo(mark: string, length: number): void {
    const end = this.#text.indexOf(mark, this.#at);
    this.#at = end < 0 ? this.#text.length : end + length;
  }

  #value(): Value | undefined {
    this.#skip();
    const char = this.#text[this.#at];
    if (char === undefined) return this.#fail("open");
    if (char === "{") return this.#object();
    if (char === "[") return this.#array();
    if (char in CLOSERS || this.#text.startsWith(GEMMA_QUOTE, this.#at)) return this.#string();
    const number = matchAt(NUMBER, this.#text, this.#at)?.[0];
    if (number !== undefined) {
      this.#at += number.length;
      return { kind: "number", value: Number(number), raw: number };
    }
    const word = matchAt(WORD, this.#text, this.#at)?.[0];
    if (word === undefined) return this.#fail("broken");
    const literal = Object.hasOwn(LITERALS, word) ? LITERALS[word] : undefined;
    if (literal === undefined) return this.#fail(this.#at + word.length === this.#text.length ? "open" : "broken");
    this.#at += word.length;
    return { kind: "literal", value: literal };
  }

  #string(): Value {
    const text = this.#text;
    if (text.startsWith(GEMMA_QUOTE, this.#at)) {
      const from = this.#at + GEMMA_QUOTE.length;
      const end = text.indexOf(GEMMA_QUOTE, from);
      if (end < 0) this.#fail("open");
      this.#at = end < 0 ? text.length : end + GEMMA_QUOTE.length;
      return { kind: "string", value: text.slice(from, end < 0 ? text.length : end) };
    }
    const closers = CLOSERS[text[this.#at] ?? ""] ?? "";
    const parts: string[] = [];
    let at = this.#at + 1;
    let from = at;
    for (; at < text.length; at++) {
      const char = text[at] ?? "";
      if (closers.includes(char)) {
        parts.push(text.slice(from, at));
        this.#at = at + 1;
        return { kind: "string", value: parts.join("") };
      }
      if (char !== "\\") continue;
      const [escaped, length] = readEscape(text, at);
      parts.push(text.slice(from, at), escaped);
      at += length - 1;
      from = at + 1;
    }
    this.#at = text.length;
    this.#fail("open");
    parts.push(text.slice(from));
    return { kind: "string", value: parts.join("") };
  }

  #object(): Value {
    const entries: Entry[] = [];
    if (this.#open.length >= MAX_DEPTH) this.#fail("broken");
    if (this.#failure !== undefined) return { kind: "object", entries, closed: false };
    this.#at++;
    this.#skip();
    if (this.#open.length === 0 && this.#text[this.#at] === "{") return this.#doubled();
    this.#open.push("{");
    let after: After = "next";
    while (after === "next") {
      this.#skip();
      if (this.#text[this.#at] === "}") {
        this.#at++;
        after = "closed";
      } else if (this.#member(entries)) after = this.#afterMember("}");
      else after = "failed";
    }
    this.#open.pop();
    return { kind: "object", entries, closed: after === "closed" };
  }

  /** `{{…}}`: the inner object counts. */
  #doubled(): Value {
    this.#open.push("{");
    const inner = this.#object();
    this.#open.pop();
    if (this.#failure !== undefined) return inner;
    const end = skipSpace(this.#text, this.#at);
    if (this.#text[end] === "}") this.#at = end + 1;
    return inner;
  }

  #member(entries: Entry[]): boolean {
    const key = this.#key();
    if (key === undefined) return false;
    this.#skip();
    if (this.#text[this.#at] !== ":") {
      this.#fail(this.#at >= this.#text.length ? "open" : "broken");
      return false;
    }
    this.#at++;
    const value = this.#value();
    if (value !== undefined) entries.push([key, value]);
    return this.#failure === undefined;
  }

  #key(): string | undefined {
    const char = this.#text[this.#at];
    if (char === undefined) return this.#fail("open");
    if (char in CLOSERS || this.#text.startsWith(GEMMA_QUOTE, this.#at)) {
      const key = this.#string();
      return this.#failure === undefined && key.kind === "string" ? key.value : undefined;
    }
    const word = matchAt(WORD, this.#text, this.#at)?.[0];
    if (word === undefined) return this.#fail("broken");
    this.#at += word.length;
    return word;
  }

  #array(): Value {
    const items: Value[] = [];
    if (this.#open.length >= MAX_DEPTH) this.#fail("broken");
    if (this.#failure !== undefined) return { kind: "array", items, closed: false };
    this.#at++;
    this.#open.push("[");
    let after: After = "next";
    while (after === "next") {
      this.#skip();
      if (this.#text[this.#at] === "]") {
        this.#at++;
        after = "closed";
        break;
      }
      const item = this.#value();
      if (item !== undefined) items.push(item);
      after = this.#failure === undefined ? this.#afterMember("]") : "failed";
    }
    this.#open.pop();
    return { kind: "array", items, closed: after === "closed" };
  }

  #afterMember(closer: "}" | "]"): After {
    for (;;) {
      const newLine = this.#skip();
      const char = this.#text[this.#at];
      if (char === ",") {
        this.#at++;
        return "next";
      }
      if (char === closer) {
        this.#at++;
        return "closed";
      }
      if (char === "}" || char === "]") {
        if (!this.#runsToTheEnd()) return this.#broken();
        this.#implied = true;
        if (this.#open.slice(0, -1).includes(char === "}" ? "{" : "[")) return "ended";
        this.#at++;
        continue;
      }
      if (regionEnds(this.#text, this.#at)) {
        this.#implied = true;
        return "ended";
      }
      if (newLine && this.#missingCommas === 0 && this.#memberAhead(closer)) {
        this.#missingCommas++;
        return "next";
      }
      return this.#broken();
    }
  }

  #broken(): After {
    this.#fail("broken");
    return "failed";
  }

  /** Strings of a list that stand side by side may be meant as one: only objects may lack a comma there. */
  #memberAhead(closer: "}" | "]"): boolean {
    return closer === "}" ? matchAt(KEY_AHEAD, this.#text, this.#at) !== undefined : this.#text[this.#at] === "{";
  }

  /** Whether nothing but closers stands between here and the end of the region. */
  #runsToTheEnd(): boolean {
    if (this.#at < this.#endRun) return true;
    let at = this.#at;
    while (at < this.#text.length && (this.#text[at] === "}" || this.#text[at] === "]" || isSpace(this.#text[at])))
      at++;
    if (!regionEnds(this.#text, at)) return false;
    this.#endRun = at;
    return true;
  }
}

/** What an escape stands for, and how long it is. Escapes that JSON does not know stay as they are. */
function readEscape(text: string, at: number): readonly [string, number] {
  const next = text[at + 1] ?? "";
  if (next === "u") {
    const hex = text.slice(at + 2, at + 6);
    if (/^[\da-fA-F]{4}$/.test(hex)) return [String.fromCharCode(Number.parseInt(hex, 16)), 6];
  }
  const escaped = Object.hasOwn(ESCAPES, next) ? ESCAPES[next] : undefined;
  return escaped === undefined ? [`\\${next}`, next === "" ? 1 : 2] : [escaped, 2];
}
