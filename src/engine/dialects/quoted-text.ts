import { loneReasoningEnd } from "./reasoning.ts";
import type { Source } from "./source.ts";
import { matchAt } from "./white-space.ts";

const ELEMENT = /<(example|document|quote|user_data|file_content|tool_response|tool_result)(?:\s[^>\n]{0,200})?>/iy;
const CALL_LINE = /\n[ \t]*(?:<[a-z|｜]|\[TOOL|[{[]|```|~~~|[*_]{0,3}(?:action|tool)\b)/i;
const TICKS = /`+/y;

/** Behind the inline code at `at`; behind the backticks when nothing closes them within the paragraph. */
export function skipInlineCode(source: Source, at: number): number {
  const { text } = source;
  const ticks = matchAt(TICKS, text, at)?.[0] ?? "`";
  const from = at + ticks.length;
  for (let close = source.find("`", from); close >= 0 && source.spend(1); close = source.find("`", close)) {
    if (source.paragraphEnd(from) < close) break;
    const run = matchAt(TICKS, text, close)?.[0] ?? "`";
    close += run.length;
    if (run.length === ticks.length) return source.spend(close - from) && isOneText(text, from, close) ? close : from;
  }
  return from;
}

/** A backtick in prose is closed by none behind a line that begins like a call, unless its own line ends with it. */
function isOneText(text: string, from: number, to: number): boolean {
  return text[from] === "\n" || !CALL_LINE.test(text.slice(from, to));
}

/**
 * The name of the quoting element that opens at `at`, and where it ends. Elements within it count; so does a closing
 * tag too many: what is quoted may hold one to get out of the quote. An element that never closes quotes the rest.
 */
export function readQuotedElement(
  source: Source,
  at: number,
): { readonly name: string; readonly end: number } | undefined {
  const { text } = source;
  const open = matchAt(ELEMENT, text, at);
  const name = open?.[1];
  if (open === undefined || name === undefined) return undefined;
  const content = at + open[0].length;
  if (open[0].endsWith("/>")) return { name: name.toLowerCase(), end: content };
  let depth = 1;
  let end: number | undefined;
  for (let from = content; ; ) {
    const close = source.find(`</${name}`, from);
    if (close < 0) break;
    const inner = source.find(`<${name}`, from);
    if (inner >= 0 && inner < close) {
      if (end !== undefined) break;
      if (/[\s>]/.test(text[inner + name.length + 1] ?? "")) depth++;
      from = inner + 1;
      continue;
    }
    depth--;
    from = close + name.length + 2;
    if (depth <= 0) end = text[from] === ">" ? from + 1 : from;
  }
  return { name: name.toLowerCase(), end: end ?? unclosedEnd(source, content) };
}

/** Behind the HTML comment at `at`. */
export function skipComment(source: Source, at: number): number {
  const end = source.find("-->", at + 4);
  return end < 0 ? unclosedEnd(source, at) : end + 3;
}

/** Quoted text that is never closed goes on to the end; but the end of reasoning ends it. */
export function unclosedEnd(source: Source, from: number): number {
  const close = source.find("</think", from);
  return close >= 0 && loneReasoningEnd(source.text, close) !== undefined ? close : source.text.length;
}
