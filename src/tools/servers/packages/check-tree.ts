import { opendirSync, readlinkSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { setImmediate as nextLoop } from "node:timers/promises";
import { ToolFailure } from "../tool-failure.ts";

const MAX_ENTRIES = 200_000;

/**
 * Counts the files of a folder that nobody writes to any more, and makes sure that it holds nothing but files, folders
 * and links to places within.
 *
 * @throws {ToolFailure} for anything else in it.
 */
export async function checkTree(root: string, signal: AbortSignal): Promise<number> {
  const waiting = [""];
  let files = 0;
  let seen = 0;
  for (let next = 0; next < waiting.length; next++) {
    signal.throwIfAborted();
    if (next % 100 === 0) await nextLoop();
    const folder = waiting[next] ?? "";
    const directory = opendirSync(join(root, folder));
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        const path = join(folder, entry.name);
        if (++seen > MAX_ENTRIES) throw new ToolFailure(`the packages have more than ${MAX_ENTRIES} files`);
        if (entry.isDirectory()) waiting.push(path);
        else if (entry.isFile()) files += 1;
        else if (!entry.isSymbolicLink() || !leadsWithin(path, readlinkSync(join(root, path))))
          throw new ToolFailure(`${path} is a link that leads outside, or no file`);
      }
    } finally {
      directory.closeSync();
    }
  }
  return files;
}

/** Whether a link at `path` stays in the folder that `path` is relative to. Pure. */
function leadsWithin(path: string, goal: string): boolean {
  if (goal.startsWith("/")) return false;
  const end = normalize(join(dirname(path), goal));
  return end !== ".." && !end.startsWith("../");
}
