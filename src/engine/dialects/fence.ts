import type { Source } from "./source.ts";
import { lineEnd, matchAt, nextLine } from "./white-space.ts";

/** A fenced block. */
export type Fence = {
  /** Where its opening line starts. */
  readonly start: number;
  readonly mark: string;
  /** What stands behind the opening marks. */
  readonly info: string;
  /** Where the first line between the fences starts. */
  readonly content: number;
  /** Where the closing line starts; `undefined` when there is none. */
  readonly close: number | undefined;
  readonly end: number;
  /** A fence of the same length opens within it, so that it is not clear which line closes it. */
  readonly nested: boolean;
};

const OPENING = /[ \t\u00a0\ufeff]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(`{3,}|~{3,})([^\n]*)/y;
const MARK_LINE = /[ \t]*(`{3,}|~{3,})[ \t]*([^\n]*)/y;

/** The fenced block whose opening line starts at `lineStart`. */
export function readFence(source: Source, lineStart: number): Fence | undefined {
  const { text } = source;
  const opening = matchAt(OPENING, text, lineStart);
  const mark = opening?.[1] ?? "";
  const info = (opening?.[2] ?? "").trim();
  if (opening === undefined || (mark.startsWith("`") && info.includes("`"))) return undefined;
  const content = nextLine(text, lineStart);
  let nested = false;
  for (let line = content; line < text.length; line = nextLine(text, line)) {
    if (!source.spend(nextLine(text, line) - line)) return undefined;
    const found = matchAt(MARK_LINE, text, line);
    const run = found?.[1] ?? "";
    if (found === undefined || run[0] !== mark[0] || run.length < mark.length) continue;
    const rest = (found[2] ?? "").trim();
    if (rest === "" || rest.startsWith("<")) {
      const end = line + found[0].length - (found[2] ?? "").length;
      return { start: lineStart, mark, info, content, close: line, end, nested };
    }
    // Within a block an info string opens another one; code may hold marks with prose behind them.
    if (/^[\w+#.:/=" -]+$/.test(rest) && run.length === mark.length) nested = true;
  }
  return { start: lineStart, mark, info, content, close: undefined, end: text.length, nested };
}

/** The lines between the fences, each with a line feed. */
export function fenceContent({ text }: Source, { content, close }: Fence): string {
  return text.slice(content, close ?? text.length).replaceAll("\r\n", "\n");
}

/** Behind the closing marks at `at`, or `undefined` when something else stands there. */
export function fenceEndAt(text: string, at: number, mark: string): number | undefined {
  let end = at;
  while (text[end] === mark[0]) end++;
  if (end - at < mark.length) return undefined;
  const rest = text.slice(end, lineEnd(text, end)).trim();
  return rest === "" || /^[<})\];]/.test(rest) ? end : undefined;
}

/** A path in the info string: `ts:src/a.ts`, `path="a.py"` or `title="a.py"`. */
export function pathInInfo(info: string): string | undefined {
  const attribute = /(?:^|[\s{,])(?:path|title)\s*=\s*(?:"([^"]+)"|'([^']+)'|([^\s"'}]+))/.exec(info);
  if (attribute !== null) return (attribute[1] ?? attribute[2] ?? attribute[3])?.trim();
  const [, language = "", path = ""] = /^([A-Za-z][\w+#-]{0,20}):([^\s:"'`]+)$/.exec(info) ?? [];
  return path.startsWith("//") || language === "" || /^(?:diff|patch|https?)$/i.test(language) ? undefined : path;
}
