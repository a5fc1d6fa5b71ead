import type { Stats } from "node:fs";
import { lstatSync, readdirSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { messageOf } from "../base/errors.ts";
import type { ProcessView } from "./process-view.ts";
import { isGone, listPids, readIfThere } from "./process-view.ts";

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
 * limit, they are walked for a twentieth of the time at most, after that for a fifth, and when they have lost all of
 * it for a third. Files that are open count too, deleted or out of reach. While there is something that can't be
 * looked into, a folder that nobody may read or files in flight between two sockets, all that the file systems have
 * lost counts. Files deleted and then held only by a memory mapping don't.
 */
export async function openDiskWatch(roots: readonly string[], limitMib: number): Promise<DiskWatch> {
  const owners = new Set(roots.map((root) => statSync(root).uid));
  const { bytes: before } = await measured(roots, new Set(), owners);
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
      if (sinceWalkMs < waitMsFor(lost / (limitMib * MIB), walkMs)) return grown;
      const open: OpenFiles =
        view === undefined ? { bytes: new Map(), inFlight: false } : await openFiles(view, places);
      const trees = await measured(roots, new Set(open.bytes.keys()));
      const seen = trees.bytes + [...open.bytes.values()].reduce((total, bytes) => total + bytes, 0) - before;
      grown = (open.inFlight || trees.unreadable ? Math.max(seen, lost) : seen) / MIB;
      walkedAt = performance.now();
      walkMs = walkedAt - now;
      return grown;
    },
  };
}

function waitMsFor(lostShare: number, walkMs: number): number {
  if (lostShare > 1) return 2 * walkMs;
  return lostShare > 0.5 ? 5 * walkMs : Math.max(WALK_EVERY_MS, 20 * walkMs);
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

/** `unreadable`: whether there is a folder that could not be looked into. */
type Trees = { readonly bytes: number; readonly unreadable: boolean };

/** Bytes of all that lies under `roots`, each inode once and none of `seen`; notes the owners. Follows no link. */
async function measured(roots: readonly string[], seen: Set<string>, owners = new Set<number>()): Promise<Trees> {
  let bytes = 0;
  let entries = 0;
  let unreadable = false;
  // Names are bytes: read as UTF-8, one that is none would come out as another, and its file would not be found.
  const folders = roots.map((root) => Buffer.from(root));
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
      if (messageOf(error).includes("ENAMETOOLONG")) return { bytes: Number.POSITIVE_INFINITY, unreadable };
      if (!isGone(error)) throw error;
      unreadable ||= messageOf(error).includes("EACCES");
    }
  }
  return { bytes, unreadable };
}

/** What names them to bytes, and whether some are in flight, so that no process has them. */
type OpenFiles = { readonly bytes: ReadonlyMap<string, number>; readonly inFlight: boolean };

/** The regular files on `devices` that the processes hold open. */
async function openFiles(view: ProcessView, devices: ReadonlyMap<number, string>): Promise<OpenFiles> {
  const bytes = new Map<string, number>();
  let inFlight = false;
  let entries = 0;
  for (const pid of view.pids) {
    const folder = `${view.procDir}/${pid}/fd`;
    for (const descriptor of listPids(folder)) {
      const file = statIfThere(`${folder}/${descriptor}`);
      if (file?.isFile() === true && devices.has(file.dev)) bytes.set(nameOf(file), file.blocks * 512);
      inFlight ||= file?.isSocket() === true && hasInFlight(`${view.procDir}/${pid}/fdinfo/${descriptor}`);
      if (++entries % ENTRIES_A_SLICE === 0) await setImmediate();
    }
  }
  return { bytes, inFlight };
}

/** Whether somebody sent descriptors by this socket that nobody has taken yet. */
function hasInFlight(infoPath: string): boolean {
  return /^scm_fds:\s*[1-9]/m.test(readIfThere(infoPath) ?? "");
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
