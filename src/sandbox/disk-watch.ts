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

/** Measures how much folders have grown together since the watch was opened. */
export type DiskWatch = {
  /** MiB grown; Infinity when the tree got too deep to be measured. */
  growthMib(view: ProcessView | undefined): Promise<number>;
  /** Whom the folders, and all in them, belonged to when the watch was opened. */
  readonly owners: ReadonlySet<number>;
};

/**
 * Opens a watch on `roots`, none in another, that tells growth up to `limitMib`.
 *
 * Walking a tree is dear (3 ms for 1,000 files), so while the file systems that hold them have not lost half the
 * limit, they are walked for a twentieth of the time at most, and after that for a fifth. Files that are open count
 * too, deleted or out of reach; files deleted and then held only by a memory mapping don't.
 */
export async function openDiskWatch(roots: readonly string[], limitMib: number): Promise<DiskWatch> {
  const owners = new Set(roots.map((root) => statSync(root).uid));
  const before = await treesBytes(roots, new Set(), owners);
  const places = new Map(roots.map((root) => [statSync(root).dev, root]));
  const takenBefore = await takenBytes([...places.values()]);
  let grown = 0;
  let walkedAt = performance.now();
  let walkMs = 0;

  return {
    owners,
    async growthMib(view) {
      const now = performance.now();
      const lost = (await takenBytes([...places.values()])) - takenBefore;
      const sinceWalkMs = now - walkedAt;
      const waitMs = lost > (limitMib / 2) * MIB ? 5 * walkMs : Math.max(WALK_EVERY_MS, 20 * walkMs);
      if (sinceWalkMs < waitMs) return grown;
      const open = view === undefined ? new Map<string, number>() : await openFileBytes(view, places);
      const trees = await treesBytes(roots, new Set(open.keys()));
      grown = (trees + [...open.values()].reduce((total, bytes) => total + bytes, 0) - before) / MIB;
      walkedAt = performance.now();
      walkMs = walkedAt - now;
      return grown;
    },
  };
}

/** What the file systems that hold `roots` have given away, as a negative number: for differences. */
async function takenBytes(roots: readonly string[]): Promise<number> {
  let taken = 0;
  for (const root of roots) {
    const { bfree, bsize, ffree } = await statfs(root);
    taken -= bfree * bsize + ffree * ENTRY_BYTES;
  }
  return taken;
}

async function treesBytes(roots: readonly string[], seen: Set<string>, owners = new Set<number>()): Promise<number> {
  let bytes = 0;
  for (const root of roots) bytes += await treeBytes(root, seen, owners);
  return bytes;
}

/** Bytes of all that lies under `root`, each inode once and none of `seen`; notes the owners. Follows no link. */
async function treeBytes(root: string, seen: Set<string>, owners: Set<number>): Promise<number> {
  let bytes = 0;
  let entries = 0;
  // Names are bytes: read as UTF-8, one that is none would come out as another, and its file would not be found.
  const folders = [Buffer.from(root)];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true, encoding: "buffer" })) {
        const path = Buffer.concat([folder, SLASH, entry.name]);
        if (entry.isDirectory()) folders.push(path);
        const found = lstatIfThere(path);
        if (found !== undefined) owners.add(found.uid);
        bytes += ENTRY_BYTES + inodeBytes(found, seen);
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

/** The regular files on `devices` that the processes hold open: what names them to bytes. */
async function openFileBytes(view: ProcessView, devices: ReadonlyMap<number, string>): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  let entries = 0;
  for (const pid of view.pids) {
    const folder = `${view.procDir}/${pid}/fd`;
    for (const descriptor of listPids(folder)) {
      const file = statIfThere(`${folder}/${descriptor}`);
      if (file?.isFile() === true && devices.has(file.dev)) found.set(nameOf(file), file.blocks * 512);
      if (++entries % ENTRIES_A_SLICE === 0) await setImmediate();
    }
  }
  return found;
}

function inodeBytes(file: Stats | undefined, seen: Set<string>): number {
  if (file === undefined || seen.has(nameOf(file))) return 0;
  if (file.nlink > 1 && file.isFile()) seen.add(nameOf(file));
  return file.blocks * 512;
}

/** An inode's number is its file system's own. */
function nameOf({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
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
