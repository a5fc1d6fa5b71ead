import type { Attempt, Found } from "./attempt.ts";
import { type Fence, fenceContent, pathInInfo, readFence } from "./fence.ts";
import { labelledPath } from "./file-path.ts";
import { isSearchLine } from "./search-replace.ts";
import type { Source } from "./source.ts";
import { stringValue } from "./value.ts";
import { lineEnd, lineHead, matchAt, nextLine, skipSpace } from "./white-space.ts";
import { withoutBreaks } from "./xml-value.ts";

const FILE_TAG =
  /<file\s{1,8}path\s{0,3}=\s{0,3}(?:"([^"\n<]{1,255})"|'([^'\n<]{1,255})'|([^\s"'<>]{1,255}))[^>\n]{0,80}>/y;

/** What a file block is a call of. */
export const FILE_TOOL = "write_file";

/** A label with a path, then a fenced block with the content. */
export function readFileBlock(source: Source, lineStart: number): Found | undefined {
  const { text } = source;
  if (!source.offers(FILE_TOOL)) return undefined;
  const path = labelledPath(lineHead(text, lineStart));
  if (path === undefined) return undefined;
  let line = nextLine(text, lineStart);
  while (line < text.length && text.slice(line, lineEnd(text, line)).trim() === "") line = nextLine(text, line);
  const fence = readFence(source, line);
  if (fence === undefined) return undefined;
  return blockOf(source, lineStart, { fence, path });
}

/** A fenced block with a path in its info string. */
export function readInfoBlock(source: Source, fence: Fence): Found | undefined {
  const path = pathInInfo(fence.info);
  return path === undefined || !source.offers(FILE_TOOL) ? undefined : blockOf(source, fence.start, { fence, path });
}

function blockOf(
  source: Source,
  start: number,
  { fence, path }: { readonly fence: Fence; readonly path: string },
): Found {
  const base = {
    kind: "attempt",
    dialect: "file-block",
    marked: false,
    start,
    end: fence.end,
    name: FILE_TOOL,
  } as const;
  if (fence.close === undefined)
    return {
      end: fence.end,
      items: [
        {
          ...base,
          state: fence.nested ? "complete" : "open",
          closed: false,
          resume: fence.content,
          ...(fence.nested ? { problem: "ambiguous" } : {}),
        },
      ],
    };
  const content = fenceContent(source, fence);
  const form = {
    named: [["path", stringValue(path)] as const, ["content", stringValue(content)] as const],
    positional: [],
  };
  // An edit within a file block names two tools.
  const edit = content.split("\n", 3).some((line) => isSearchLine(line));
  const problem = fence.nested || edit ? { problem: "ambiguous" as const } : {};
  return { end: fence.end, items: [{ ...base, state: "complete", closed: true, form, ...problem }] };
}

/** `<file path="…">` with the content between the tags. */
export function readFileTag(source: Source, start: number): Found | undefined {
  const { text } = source;
  const open = matchAt(FILE_TAG, text, start);
  if (open === undefined || !source.offers(FILE_TOOL)) return undefined;
  const path = (open[1] ?? open[2] ?? open[3] ?? "").trim();
  const from = start + open[0].length;
  const base = { kind: "attempt", dialect: "file-block", marked: false, start, name: FILE_TOOL } as const;
  let depth = 0;
  for (let at = source.find("<", from); at >= 0; at = source.find("<", at + 1)) {
    if (!source.spend(8)) break;
    if (/^<file[\s>]/.test(text.slice(at, at + 6))) depth++;
    if (!text.startsWith("</file>", at)) continue;
    if (depth-- > 0) continue;
    const content = withoutBreaks(text.slice(from, at)).replaceAll("\r\n", "\n");
    const form = {
      named: [["path", stringValue(path)] as const, ["content", stringValue(content)] as const],
      positional: [],
    };
    const end = at + "</file>".length;
    const attempt: Attempt = { ...base, end, state: "complete", closed: true, form };
    return { end, items: [isUnclear(source, content, end) ? { ...attempt, problem: "ambiguous" } : attempt] };
  }
  return { end: text.length, items: [{ ...base, end: text.length, state: "open", closed: false, resume: from }] };
}

/** A second closing tag leaves open where the file ends; a fence as the whole content, what belongs to it. */
function isUnclear(source: Source, content: string, end: number): boolean {
  const close = source.find("</file>", end);
  const open = source.find("<file", end);
  if (close >= 0 && (open < 0 || open > close)) return true;
  return /^\s*(?:```|~~~)/.test(content) && /(?:```|~~~)\s*$/.test(content);
}

/**
 * Whether fences behind a block leave open where it ended: one too many, or, in a document that may hold fences
 * itself, text that goes on right behind the closing fence.
 */
export function isFileEndUnclear(source: Source, attempt: Attempt): boolean {
  const { text } = source;
  let inside: string | undefined;
  let marks = 0;
  let bare = false;
  for (let line = nextLine(text, attempt.end); line < text.length; line = nextLine(text, line)) {
    const content = lineHead(text, line);
    if (inside === undefined && labelledPath(content) !== undefined) return false;
    const [, mark = "", rest = ""] = /^\s*(`{3,}|~{3,})(.*)$/.exec(content) ?? [];
    if (mark === "") continue;
    marks++;
    if (inside === undefined) {
      inside = mark;
      bare ||= rest.trim() === "";
      if (pathInInfo(rest.trim()) !== undefined) return false;
    } else if (mark.startsWith(inside) && rest.trim() === "") inside = undefined;
  }
  if (inside !== undefined && bare) return true;
  const path = attempt.form?.named.find(([key]) => key === "path")?.[1];
  const document = path?.kind === "string" && /\.(?:md|markdown|mdx|txt|rst)$/i.test(path.value);
  const next = nextLine(text, attempt.end);
  return document && marks > 0 && bare && skipSpace(text, next) === next;
}
