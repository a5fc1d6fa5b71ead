import type { Stats } from "node:fs";
import { lstatSync, readdirSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import type { ProcessView } from "./process-view.ts";
import { isGone, listPids } from "./process-view.ts";

/** Beside its blocks: the inode and the directory entry. So a flood of empty files ends as well. */
const ENTRY_BYTES = 1024;
/** The event loop gets its turn after so many files. */
const ENTRIES_A_SLICE = 256;
/** However the file system as a whole fares, for another may be giving back what this one takes. */
const WALK_EVERY_MS = 250;
const MIB = 1024 * 1024;
const SLASH = Buffer.from("/");

/** Measures how much a workspace has grown since the watch was opened. */
export type DiskWatch = {
  /** MiB grown; Infinity when the tree got too deep to be measured. */
  growthMib(view: ProcessView | undefined): Promise<number>;
};

/**
 * Opens a watch on `root` that tells growth up to `limitMib`.
 *
 * Walking a tree is dear (3 ms for 1,000 files), so while the file system that holds it has not lost half the limit,
 * it is walked for a twentieth of the time at most, and after that for a fifth. Files that are open count too,
 * deleted or out of reach; files deleted and then held only by a memory mapping don't.
 */
export async function openDiskWatch(root: string, limitMib: number): Promise<DiskWatch> {
  const before = await treeBytes(root, new Set());
  const deviceBefore = await statfs(root);
  const device = statSync(root).dev;
  let grown = 0;
  let walkedAt = performance.now();
  let walkMs = 0;

  return {
    async growthMib(view) {
      const now = performance.now();
      const state = await statfs(root);
      const lost = (deviceBefore.bfree - state.bfree) * state.bsize + (deviceBefore.ffree - state.ffree) * ENTRY_BYTES;
      const sinceWalkMs = now - walkedAt;
      const waitMs = lost > (limitMib / 2) * MIB ? 5 * walkMs : Math.max(WALK_EVERY_MS, 20 * walkMs);
      if (sinceWalkMs < waitMs) return grown;
      const open = view === undefined ? new Map<number, number>() : await openFileBytes(view, device);
      const tree = await treeBytes(root, new Set(open.keys()));
      grown = (tree + [...open.values()].reduce((total, bytes) => total + bytes, 0) - before) / MIB;
      walkedAt = performance.now();
      walkMs = walkedAt - now;
      return grown;
    },
  };
}

/** Bytes of all that lies under `root`, each inode once and none of `seen`. Follows no link. */
async function treeBytes(root: string, seen: Set<number>): Promise<number> {
  let bytes = 0;
  let entries = 0;
  // Names are bytes: read as UTF-8, one that is none would come out as another, and its file would not be found.
  const folders = [Buffer.from(root)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true, encoding: "buffer" })) {
        const path = Buffer.concat([folder, SLASH, entry.name]);
        if (entry.isDirectory()) folders.push(path);
        bytes += ENTRY_BYTES + inodeBytes(lstatIfThere(path), seen);
        if (++entries % ENTRIES_A_SLICE === 0) await setImmediate();
      }
    } catch (error) {
      // Only a command that hides from the count nests folders deeper than a path can name.
      if (messageOf(error).includes("ENAMETOOLONG")) return Number.POSITIVE_INFINITY;
      if (!isGone(error)) throw error;
    }
  }
  return bytes;
}

/** The regular files on `device` that the processes hold open: inode to bytes. */
async function openFileBytes(view: ProcessView, device: number): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  let entries = 0;
  for (const pid of view.pids) {
    const folder = `${view.procDir}/${pid}/fd`;
    for (const descriptor of listPids(folder)) {
      const file = statIfThere(`${folder}/${descriptor}`);
      if (file?.isFile() === true && file.dev === device) found.set(file.ino, file.blocks * 512);
      if (++entries % ENTRIES_A_SLICE === 0) await setImmediate();
    }
  }
  return found;
}

function inodeBytes(file: Stats | undefined, seen: Set<number>): number {
  if (file === undefined || seen.has(file.ino)) return 0;
  if (file.nlink > 1 && file.isFile()) seen.add(file.ino);
  return file.blocks * 512;
}

function lstatIfThere(path: Buffer): Stats | undefined {
  return ifThere(() => lstatSync(path));
}

function statIfThere(path: string): Stats | undefined {
  return ifThere(() => statSync(path));
}

function ifThere(read: () => Stats): Stats | undefined {
  try {
    return read();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
