import type { WorkspaceFile } from "../journal/workspaces.ts";
import { pathProblem } from "../base/safe-path.ts";
import { type Read, withoutReasoning } from "./read.ts";

const MAX_FILES = 20;
const LABEL = /^[\s>#*]*(?:FILE|File|Filename)\s*:\s*[*`]*\s*([^*`]+?)\s*[*`]*\s*:?\s*$/;
const OPENING = /^(`{3,}|~{3,})\s*([^`]*)$/;

/**
 * Reads the files a reply holds: a `FILE: path` line, then a fenced block, as often as there are
 * files. Code stays out of JSON this way, which small models get right more often.
 *
 * Pure. A block that never closes was cut off and makes the reply unreadable; so do two blocks
 * for one path and a path that leaves the workspace. Prose around the blocks is ignored.
 */
export function readFileBlocks(reply: string): Read<readonly WorkspaceFile[]> {
  const lines = withoutReasoning(reply).split("\n");
  const files: WorkspaceFile[] = [];
  let label: string | undefined;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const labelled = LABEL.exec(line);
    if (labelled !== null) {
      label = labelled[1];
      continue;
    }
    const opening = OPENING.exec(line.trim());
    if (opening === null) {
      // A label counts only for the block that follows it, with nothing but blank lines between.
      if (line.trim() !== "") label = undefined;
      continue;
    }
    const close = closingLine(lines, index + 1, opening[1] ?? "```");
    if (close === undefined)
      return { ok: false, why: "a fenced block is not closed; the reply was cut off or lacks its closing fence" };
    const path = label ?? pathInInfo(opening[2] ?? "");
    label = undefined;
    if (path !== undefined)
      files.push({
        path,
        content: lines
          .slice(index + 1, close)
          .map((text) => `${text}\n`)
          .join(""),
      });
    index = close;
  }
  return checkFiles(files);
}

function closingLine(lines: readonly string[], from: number, fence: string): number | undefined {
  for (let index = from; index < lines.length; index++) {
    const line = (lines[index] ?? "").trim();
    if (line.length >= fence.length && line === fence.charAt(0).repeat(line.length)) return index;
  }
  return undefined;
}

/** A path in the info string: `ts:src/a.ts`, `path="a.py"` or `title="a.py"`. */
function pathInInfo(info: string): string | undefined {
  return /(?:path|title)="([^"]+)"/.exec(info)?.[1] ?? /^\w+:(\S+)$/.exec(info.trim())?.[1];
}

function checkFiles(files: readonly WorkspaceFile[]): Read<readonly WorkspaceFile[]> {
  if (files.length === 0)
    return { ok: false, why: "no file was found; write a line FILE: path, then the whole file in a fenced block" };
  if (files.length > MAX_FILES)
    return { ok: false, why: `${files.length} files are more than ${MAX_FILES} in one reply` };
  const seen = new Set<string>();
  for (const { path } of files) {
    const problem = pathProblem(path);
    if (problem !== undefined) return { ok: false, why: `${JSON.stringify(path.slice(0, 80))}: ${problem}` };
    if (seen.has(path)) return { ok: false, why: `${path} is written twice` };
    seen.add(path);
  }
  return { ok: true, value: files };
}

/** A file as it is shown to a model, in the very form it is asked to answer in. */
export function showFile(file: WorkspaceFile, fenceTag: string): string {
  const longest = Math.max(2, ...[...file.content.matchAll(/^`{3,}/gm)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return `FILE: ${file.path}\n${fence}${fenceTag}\n${file.content}${file.content.endsWith("\n") ? "" : "\n"}${fence}`;
}
