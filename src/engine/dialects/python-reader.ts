import { regionEnds } from "./json-reader.ts";
import type { Entry, ReadState, Value } from "./value.ts";
import { isSpace, lineEnd, matchAt, skipSpace } from "./white-space.ts";

export type PythonCall = {
  readonly name: string;
  readonly positional: readonly Value[];
  readonly named: readonly Entry[];
  /** Whether its own parenthesis is closed. */
  readonly closed: boolean;
};
export type PythonRead = { readonly state: ReadState; readonly call: PythonCall; readonly end: number };

const MAX_DEPTH = 100;
const NAME = /[A-Za-z_][\w.]*/y;
const KEYWORD = /([A-Za-z_]\w*)\s*=(?!=)/y;
const NUMBER = /[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y;
const STRING_START = /([A-Za-z]{0,2})("""|'''|"|')/y;
const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "",
  "\\": "\\",
  "'": "'",
  '"': '"',
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
const LITERALS: Readonly<Record<string, boolean | null>> = {
  True: true,
  true: true,
  False: false,
  false: false,
  None: null,
  null: null,
};
const EXPRESSION: Value = { kind: "expression" };

/**
 * Reads the Python call whose name starts at `start`. Only literals have a value; what would have to be
 * evaluated is an `expression`. A missing parenthesis at the end is supplied.
 *
 * Pure, linear in what it reads.
 */
export function readPythonCall(text: string, start: number): PythonRead | undefined {
  const name = matchAt(NAME, text, start)?.[0];
  if (name === undefined) return undefined;
  const open = skipSpace(text, start + name.length);
  return text[open] === "(" ? new PythonReader(text, open).call(name) : undefined;
}

/** Reads one Python literal that is the whole of `text`, such as a list in an XML value. */
export function readPythonLiteral(text: string): Value | undefined {
  const reader = new PythonReader(text, 0);
  return reader.whole();
}

class PythonReader {
  readonly #text: string;
  #at: number;
  #depth = 0;
  #failure: "open" | "broken" | undefined;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  whole(): Value | undefined {
    const value = this.#value(",");
    this.#skip();
    return this.#failure === undefined && this.#at >= this.#text.length ? value : undefined;
  }

  call(name: string): PythonRead {
    const positional: Value[] = [];
    const named: Entry[] = [];
    this.#at++;
    for (;;) {
      this.#skip();
      if (this.#text[this.#at] === ")") {
        this.#at++;
        return { state: "complete", call: { name, positional, named, closed: true }, end: this.#at };
      }
      if (this.#at >= this.#text.length) this.#failure = "open";
      else this.#argument(positional, named);
      const call: PythonCall = { name, positional, named, closed: false };
      if (this.#failure !== undefined) return { state: this.#failure, call, end: this.#at };
      this.#skip();
      if (this.#text[this.#at] === ",") this.#at++;
      else if (this.#text[this.#at] !== ")") {
        const implied = this.#text[this.#at] === "]" || regionEnds(this.#text, this.#at);
        return { state: implied ? "implied" : "broken", call, end: this.#at };
      }
    }
  }

  #argument(positional: Value[], named: Entry[]): void {
    if (this.#text.startsWith("**", this.#at)) {
      this.#at += 2;
      this.#skip();
      const value = this.#value(",)");
      if (value.kind === "object") named.push(...value.entries);
      else named.push(["**", EXPRESSION]);
      return;
    }
    const keyword = matchAt(KEYWORD, this.#text, this.#at);
    if (keyword === undefined) {
      positional.push(this.#value(",)"));
      return;
    }
    this.#at += keyword[0].length;
    this.#skip();
    if (this.#at >= this.#text.length) this.#failure = "open";
    else named.push([keyword[1] ?? "", this.#value(",)")]);
  }

  #skip(): void {
    for (;;) {
      this.#at = skipSpace(this.#text, this.#at);
      if (this.#text[this.#at] !== "#") return;
      this.#at = lineEnd(this.#text, this.#at);
    }
  }

  /** A literal; or, where more follows than a literal, an expression up to one of `ends`. */
  #value(ends: string): Value {
    if (this.#depth >= MAX_DEPTH) this.#failure = "broken";
    if (this.#failure !== undefined) return EXPRESSION;
    this.#depth++;
    const start = this.#at;
    const value = this.#literal();
    this.#depth--;
    if (this.#failure !== undefined) return value ?? EXPRESSION;
    if (value !== undefined) {
      this.#skip();
      const char = this.#text[this.#at];
      if (char === undefined || ends.includes(char) || char === "]" || regionEnds(this.#text, this.#at)) return value;
    } else this.#at = start;
    this.#skipExpression();
    return EXPRESSION;
  }

  #literal(): Value | undefined {
    const text = this.#text;
    const char = text[this.#at];
    if (char === "[") return this.#list("]");
    if (char === "(") return this.#list(")");
    if (char === "{") return this.#braces();
    if (matchAt(STRING_START, text, this.#at) !== undefined) return this.#strings();
    const number = matchAt(NUMBER, text, this.#at)?.[0];
    if (number !== undefined) {
      this.#at += number.length;
      const raw = number.replaceAll("_", "");
      return { kind: "number", value: Number(raw), raw };
    }
    const word = matchAt(NAME, text, this.#at)?.[0] ?? "";
    const literal = Object.hasOwn(LITERALS, word) ? LITERALS[word] : undefined;
    if (literal === undefined) return undefined;
    this.#at += word.length;
    return { kind: "literal", value: literal };
  }

  /** A list or tuple. A parenthesis around one value is that value. */
  #list(closer: "]" | ")"): Value | undefined {
    const items: Value[] = [];
    let commas = 0;
    this.#at++;
    for (;;) {
      this.#skip();
      const char = this.#text[this.#at];
      if (char === undefined) this.#failure = "open";
      if (this.#failure !== undefined) return { kind: "array", items, closed: false };
      if (char === closer) {
        this.#at++;
        const [only] = items;
        if (closer === ")" && commas === 0 && only !== undefined) return only;
        return { kind: "array", items, closed: true };
      }
      if (char === ",") {
        this.#at++;
        commas++;
        continue;
      }
      if (items.length > commas) return undefined;
      items.push(this.#value(`,${closer}`));
    }
  }

  #braces(): Value | undefined {
    const entries: Entry[] = [];
    this.#at++;
    for (;;) {
      this.#skip();
      const char = this.#text[this.#at];
      if (char === undefined) this.#failure = "open";
      if (this.#failure !== undefined) return { kind: "object", entries, closed: false };
      if (char === "}") {
        this.#at++;
        return { kind: "object", entries, closed: true };
      }
      const key = this.#value(":,}");
      if (this.#failure !== undefined) continue;
      this.#skip();
      if (this.#text[this.#at] !== ":" || key.kind !== "string") return undefined;
      this.#at++;
      this.#skip();
      entries.push([key.value, this.#value(",}")]);
      this.#skip();
      if (this.#text[this.#at] === ",") this.#at++;
      else if (this.#text[this.#at] !== "}" && this.#at < this.#text.length && this.#failure === undefined)
        return undefined;
    }
  }

  /** Adjacent strings are one. */
  #strings(): Value | undefined {
    const parts: string[] = [];
    let literal = true;
    for (;;) {
      const start = matchAt(STRING_START, this.#text, this.#at);
      if (start === undefined) break;
      const prefix = (start[1] ?? "").toLowerCase();
      if (!["", "r", "u"].includes(prefix)) literal = false;
      this.#at += start[0].length;
      parts.push(this.#stringRest(start[2] ?? '"', prefix.includes("r")));
      if (this.#failure !== undefined) break;
      this.#skip();
    }
    return literal ? { kind: "string", value: parts.join("") } : EXPRESSION;
  }

  #stringRest(quote: string, raw: boolean): string {
    const text = this.#text;
    const parts: string[] = [];
    let from = this.#at;
    for (let at = from; at < text.length; at++) {
      const char = text[at];
      if (char === quote[0] && text.startsWith(quote, at)) {
        parts.push(text.slice(from, at));
        this.#at = at + quote.length;
        return parts.join("");
      }
      if (char === "\n" && quote.length === 1) {
        this.#failure = "broken";
        this.#at = at;
        return parts.join("");
      }
      if (char !== "\\") continue;
      if (!raw) {
        const [escaped, length] = readEscape(text, at);
        parts.push(text.slice(from, at), escaped);
        from = at + length;
        at = from - 1;
      } else at++;
    }
    this.#failure = "open";
    this.#at = text.length;
    return parts.join("");
  }

  /** Skips to the comma or closer that ends an expression. */
  #skipExpression(): void {
    const text = this.#text;
    let depth = 0;
    while (this.#at < text.length) {
      const char = text[this.#at] ?? "";
      if (char === '"' || char === "'") {
        this.#strings();
        if (this.#failure !== undefined) return;
        continue;
      }
      if ("([{".includes(char)) depth++;
      else if (")]}".includes(char)) {
        if (depth === 0) return;
        depth--;
      } else if (char === "," && depth === 0) return;
      this.#at++;
    }
    this.#failure = "open";
  }
}

function readEscape(text: string, at: number): readonly [string, number] {
  const next = text[at + 1] ?? "";
  const simple = Object.hasOwn(ESCAPES, next) ? ESCAPES[next] : undefined;
  if (simple !== undefined) return [simple, 2];
  const octal = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4))?.[0];
  if (octal !== undefined) return [String.fromCodePoint(Number.parseInt(octal, 8)), 1 + octal.length];
  const length = { x: 2, u: 4, U: 8 }[next];
  const hex = length === undefined ? "" : text.slice(at + 2, at + 2 + length);
  const code = hex.length === length && /^[\da-fA-F]+$/.test(hex) ? Number.parseInt(hex, 16) : undefined;
  if (code !== undefined && code <= 0x10ffff) return [String.fromCodePoint(code), 2 + hex.length];
  return [`\\${next}`, next === "" ? 1 : 2];
}

/** Whether a parenthesis, operator or dot follows that makes a call part of an expression. */
export function isEvaluatedFurther(text: string, end: number): boolean {
  const rest = text.slice(end, end + 3);
  return /^(?:\.[A-Za-z_]|\[|\(| ?[+*/%] ?\S)/.test(rest) && !isSpace(rest[2]);
}
