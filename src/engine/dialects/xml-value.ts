import type { Source } from "./source.ts";
import { skipSpace } from "./white-space.ts";

/** How the tags of one kind of XML-like call look. All answer for the tag that starts at a place. */
export type XmlGrammar = {
  /** The closing tag of the value, without its `>`, such as `</parameter`. */
  readonly close: string;
  /** The start of a tag that opens a value of the same kind, such as `<parameter`. */
  readonly open: string;
  /** Whether the next parameter opens here. */
  readonly opensNext: (at: number) => boolean;
  /** Whether the function, or the call around it, ends here. */
  readonly ends: (at: number) => boolean;
};

export type XmlValue = {
  readonly text: string;
  /** Where reading goes on. */
  readonly end: number;
};

/**
 * Reads the value that starts at `from`. It ends at the closing tag behind which the next parameter opens or
 * the function ends; tags that are balanced within it belong to it. Without such a closing tag it ends at the
 * next parameter or at the end of the function. `undefined`: it is still open when the text ends.
 */
export function readXmlValue(source: Source, from: number, grammar: XmlGrammar): XmlValue | undefined {
  const { text } = source;
  let depth = 0;
  let fallback: number | undefined;
  let last = from;
  for (let at = source.find("<", from); at >= 0; at = source.find("<", at + 1)) {
    if (!source.spend(at - last)) return undefined;
    last = at;
    if (text.startsWith(grammar.close, at)) {
      if (depth > 0) depth--;
      else {
        const end = tagEnd(text, at + grammar.close.length);
        const next = skipSpace(text, end);
        if (next >= text.length || grammar.opensNext(next) || grammar.ends(next))
          return { text: withoutBreaks(text.slice(from, at)), end };
      }
      continue;
    }
    const structural = isStructural(text, at);
    if (structural && fallback === undefined && (grammar.opensNext(at) || grammar.ends(at))) {
      fallback = at;
      if (source.find(grammar.close, at) < 0) break;
    }
    if (!isOpening(text, at, grammar.open)) continue;
    if (structural) depth++;
    else {
      // Within a line of prose an opening tag counts only with its closing tag.
      const close = source.find(grammar.close, at);
      const lineBreak = source.find("\n", at);
      if (close >= 0 && (lineBreak < 0 || close < lineBreak)) depth++;
    }
  }
  return fallback === undefined ? undefined : { text: withoutBreaks(text.slice(from, fallback)), end: fallback };
}

/** XML-like values lose one line break at each end. */
export function withoutBreaks(value: string): string {
  return value.replace(/^\r?\n/, "").replace(/\r?\n$/, "");
}

/** Whether a tag starts its line or stands directly behind another tag. */
export function isStructural(text: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && (text[before] === " " || text[before] === "\t")) before--;
  return before < 0 || text[before] === "\n" || text[before] === ">";
}

function isOpening(text: string, at: number, open: string): boolean {
  return text.startsWith(open, at) && /[\s=>]/.test(text[at + open.length] ?? "");
}

/** Behind the `>` of a tag, where it has one. */
function tagEnd(text: string, at: number): number {
  return text[at] === ">" ? at + 1 : at;
}
