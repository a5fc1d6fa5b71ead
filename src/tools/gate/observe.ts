import type { JsonObject, JsonValue } from "../../engine/dialects/reading.ts";
import { visibleText, withoutMarks } from "./clean-text.ts";
import type { RawResult } from "./gate-tool.ts";
import { redactNamed, type Redactor } from "./redact.ts";

/** A tool's result as a model may be shown it: data, and nothing that acts. */
export type Observation = RawResult & {
  /** Characters of the text, and of the values, that are not shown. */
  readonly leftOut: number;
  /** Secrets that were taken out. */
  readonly redactions: number;
};

export type ObserveOptions = { readonly limitChars: number; readonly redactor: Redactor };

const MAX_DEPTH = 32;
/** Of the limit, the part of the beginning; the end of an output tells more often how it ended. */
const HEAD = 0.5;

/**
 * Makes data of what a tool said: what can't be seen is taken out, then secrets, then the marks of chat formats are
 * made plain text, and what is above the limit is left out of the middle. Pure; linear in the length.
 *
 * The text, with the note of what is left out, and the values of `structured` together keep to the limit each.
 */
export function observe(raw: RawResult, options: ObserveOptions): Observation {
  const { text, count } = clean(raw.text, options.redactor);
  const shown = cutMiddle(text, options.limitChars);
  if (raw.structured === undefined) return { ok: raw.ok, text: shown.text, leftOut: shown.leftOut, redactions: count };
  const cleaner = new ValueCleaner(options);
  const structured = cleaner.object(raw.structured, 0);
  return {
    ok: raw.ok,
    text: shown.text,
    structured,
    leftOut: shown.leftOut + cleaner.leftOut,
    redactions: count + cleaner.redactions,
  };
}

/** Keeps the beginning and the end of a text that is too long, and says how much is left out between. Pure. */
export function cutMiddle(text: string, limitChars: number): { readonly text: string; readonly leftOut: number } {
  if (text.length <= limitChars) return { text, leftOut: 0 };
  const room = Math.max(0, limitChars - note(text.length).length);
  let head = Math.ceil(room * HEAD);
  let tail = text.length - (room - head);
  if (isPair(text, head)) head--;
  if (isPair(text, tail)) tail++;
  const leftOut = tail - head;
  return { text: `${text.slice(0, head)}${note(leftOut)}${text.slice(tail)}`, leftOut };
}

function note(leftOut: number): string {
  return `\n[… ${leftOut} characters left out …]\n`;
}

/** Whether the character at `at` is the second half of one. */
function isPair(text: string, at: number): boolean {
  const [before, after] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}

function clean(text: string, redactor: Redactor): { readonly text: string; readonly count: number } {
  const redacted = redactor(visibleText(text));
  return { text: withoutMarks(redacted.text), count: redacted.count };
}

/** Cleans values one by one; when their characters are used up the rest is left out. */
class ValueCleaner {
  leftOut = 0;
  redactions = 0;
  readonly #redactor: Redactor;
  #room: number;

  constructor({ limitChars, redactor }: ObserveOptions) {
    this.#redactor = redactor;
    this.#room = limitChars;
  }

  object(value: JsonObject, depth: number): JsonObject {
    const entries = Object.entries(value).flatMap(([name, each]) => {
      const key = this.#text(name);
      if (key === undefined) return this.#drop(each);
      const named = typeof each === "string" ? redactNamed(name, each) : { text: each, count: 0 };
      this.redactions += named.count;
      const cleaned = this.#value(named.text, depth + 1);
      return cleaned === undefined ? [] : [[key, cleaned] as const];
    });
    return Object.fromEntries(entries);
  }

  #value(value: JsonValue, depth: number): JsonValue | undefined {
    if (typeof value === "string") return this.#text(value);
    if (value === null || typeof value !== "object") {
      if ((this.#room -= String(value).length) >= 0) return value;
      this.leftOut += String(value).length;
      return undefined;
    }
    if (depth > MAX_DEPTH) return "[… too deep …]";
    if (!isList(value)) return this.object(value, depth);
    return value.flatMap((each) => {
      const cleaned = this.#value(each, depth + 1);
      return cleaned === undefined ? [] : [cleaned];
    });
  }

  #text(value: string): string | undefined {
    if (this.#room <= 0 && value !== "") {
      this.leftOut += value.length;
      return undefined;
    }
    const { text, count } = clean(value, this.#redactor);
    const shown = cutMiddle(text, this.#room);
    this.redactions += count;
    this.leftOut += shown.leftOut;
    this.#room -= shown.text.length;
    return shown.text;
  }

  #drop(value: JsonValue): [] {
    this.leftOut += typeof value === "string" ? value.length : 0;
    return [];
  }
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
