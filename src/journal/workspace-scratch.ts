import { randomUUID } from "node:crypto";
import { lstatSync, mkdirSync, renameSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { namesIn, type WorkspacePlace } from "./workspace-place.ts";

/** What ATOS makes for a moment at the top of a workspace. One that a crash left is removed by the next that looks. */
export const SCRATCH = ".atos-scratch-";

export function isScratch(name: string): boolean {
  return name.startsWith(SCRATCH);
}

/**
 * Removes a folder and all that is in it, however deep; follows no link.
 *
 * Each folder found is moved up beside the first before it is looked into, so no path gets longer and one folder is
 * open at a time.
 */
export async function removeFolder(root: WorkspacePlace, place: WorkspacePlace, name: string): Promise<void> {
  const scratch = SCRATCH + randomUUID();
  mkdirSync(root.held(scratch), { mode: 0o700 });
  using heap = root.enter(scratch);
  let moved = 0;
  let entries = 0;
  const move = (from: WorkspacePlace, child: string, stats: Stats) => {
    // The owner needs leave to write to a folder to move it, for its `..` changes.
    if ((stats.mode & 0o700) !== 0o700) from.setMode(child, 0o700);
    renameSync(from.held(child), heap.held(String(moved++)));
  };
  move(place, name, lstatSync(place.held(name)));
  for (let done = 0; done < moved; done++) {
    using folder = heap.enter(String(done));
    for (const child of namesIn(folder.held())) {
      if (++entries % 256 === 0) await setImmediate();
      const stats = lstatSync(folder.held(child));
      if (stats.isDirectory()) move(folder, child, stats);
      else unlinkSync(folder.held(child));
    }
    rmdirSync(heap.held(String(done)));
  }
  rmdirSync(root.held(scratch));
}
