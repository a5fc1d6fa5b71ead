import type { Attempt, Found } from "./attempt.ts";
import { pathLine } from "./file-path.ts";
import type { Source } from "./source.ts";
import { type Entry, stringValue } from "./value.ts";
import { lineEnd, lineHead, nextLine } from "./white-space.ts";

/** What a search and replace block is a call of. */
export const EDIT_TOOL = "edit_file";

const SEARCH = /^[ \t]{0,3}<{5,9} ?SEARCH>?[ \t\r]*$/;
const DIVIDER = /^={5,9}[ \t\r]*$/;
const REPLACE = /^[ \t]{0,3}>{5,9} ?REPLACE>?[ \t\r]*$/;
const BLOCK_END = /^\s*(?:>{5,9} ?REPLACE>?|`{3,}|~{3,})\s*$/;
const MAX_LOOK_BACK = 4;

export function isSearchLine(line: string): boolean {
  return SEARCH.test(line);
}

/** Whether the line at `lineStart` is a mark of such a block, in order or not. */
export function isEditMark({ text }: Source, lineStart: number): boolean {
  const line = lineHead(text, lineStart);
  return SEARCH.test(line) || REPLACE.test(line);
}

/** A block from its first mark, the line at `lineStart`, on. The path stands on the line before it. */
export function readSearchReplace(source: Source, lineStart: number): Found | undefined {
  const { text } = source;
  if (!source.offers(EDIT_TOOL)) return undefined;
  const path = pathBefore(text, lineStart);
  const start = path?.start ?? lineStart;
  const base = { kind: "attempt", dialect: "search-replace", marked: false, start, name: EDIT_TOOL } as const;
  const broken = (end: number): Found => ({
    end,
    items: [{ ...base, end, state: "broken", closed: false, resume: end }],
  });
  if (!SEARCH.test(lineHead(text, lineStart))) return broken(lineEnd(text, lineStart));
  const parts: string[][] = [[]];
  for (let line = nextLine(text, lineStart); line < text.length; line = nextLine(text, line)) {
    const content = text.slice(line, lineEnd(text, line)).replace(/\r$/, "");
    if (SEARCH.test(content)) return broken(line);
    if (DIVIDER.test(content)) parts.push([]);
    else if (REPLACE.test(content)) {
      const end = Math.min(lineEnd(text, line), text.length);
      return { end, items: [blockOf({ ...base, end, state: "complete", closed: true }, path?.path, parts)] };
    } else parts.at(-1)?.push(content);
  }
  return {
    end: text.length,
    items: [{ ...base, end: text.length, state: "open", closed: false, resume: nextLine(text, lineStart) }],
  };
}

function blockOf(attempt: Attempt, path: string | undefined, parts: readonly (readonly string[])[]): Attempt {
  const [search, replace, ...more] = parts;
  if (search === undefined || replace === undefined)
    return { ...attempt, state: "broken", closed: false, resume: attempt.end };
  const named: Entry[] = path === undefined ? [] : [["path", stringValue(path)]];
  named.push(["search", stringValue(search.join("\n"))], ["replace", stringValue(replace.join("\n"))]);
  const form = { named, positional: [] };
  return more.length > 0 ? { ...attempt, form, problem: "ambiguous" } : { ...attempt, form };
}

/** The path on the line before the block, above the fence if there is one, or that of the block before. */
function pathBefore(text: string, lineStart: number): { readonly path: string; readonly start: number } | undefined {
  let line = lineStart;
  for (let count = 0; count < MAX_LOOK_BACK && line > 0; count++) {
    line = text.lastIndexOf("\n", line - 2) + 1;
    const content = lineHead(text, line);
    if (content.trim() === "") continue;
    const fence = /^\s*(?:`{3,}|~{3,})([^\n]*)$/.exec(content);
    if (fence !== null) {
      const inInfo = /^[\w+#-]{1,20}:(\S+)$/.exec((fence[1] ?? "").trim())?.[1];
      if (inInfo !== undefined) return { path: inInfo, start: line };
      if (BLOCK_END.test(content) && count > 0 && !isOpeningFence(text, line)) return undefined;
      continue;
    }
    const path = pathLine(content);
    return path === undefined ? undefined : { path, start: line };
  }
  return undefined;
}

/** A fence line with no text after it opens a block when the marks follow right behind it. */
function isOpeningFence(text: string, line: number): boolean {
  return SEARCH.test(lineHead(text, nextLine(text, line)));
}
