import { randomUUID } from "node:crypto";
import { lstatSync, renameSync, rmdirSync, type Stats, unlinkSync, writeFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { objectHash } from "./git-object.ts";
import { encodeTree } from "./tree-lines.ts";
import { MAX_FILE_BYTES, readContent, readTarget } from "./workspace-content.ts";
import { isUntouched, stampOf, type WorkspaceBranch, type WorkspaceEntry } from "./workspace-entry.ts";
import { nameProblem } from "./workspace-name.ts";
import type { ObjectBatch } from "./workspace-objects.ts";
import { namesIn, textOf, WorkspacePlace } from "./workspace-place.ts";
import { isScratch, removeFolder, SCRATCH } from "./workspace-scratch.ts";
import { treeLines } from "./workspace-tree.ts";

export type Scan =
  | { readonly kind: "scanned"; readonly folder: WorkspaceBranch }
  | { readonly kind: "refused"; readonly why: string };

const MAX_DEPTH = 100;
const MAX_PATH_BYTES = 3000;
const MAX_ENTRIES = 1_000_000;
/** The quota of a workspace. What one command may add is limited while it runs. */
const MAX_BYTES = 2 * 1024 * 1024 * 1024;
/** The event loop gets its turn after so many entries. */
const ENTRIES_A_SLICE = 256;

/** What the file system says when something is not ours, or is changed while it is read. */
const UNREADABLE: ReadonlyMap<unknown, string> = new Map([
  ["EACCES", "can't be read by this user"],
  ["EPERM", "belongs to another user"],
  ["ENAMETOOLONG", "has a path that is too long"],
  ["ENOENT", "was changed while it was recorded"],
  ["ENOTDIR", "was changed while it was recorded"],
  ["ELOOP", "was changed while it was recorded"],
]);

type Visited = { readonly place: WorkspacePlace; readonly path: string; readonly depth: number };

/**
 * Reads the state of a folder and puts what is not in the repository yet into `batch`.
 *
 * Only what was touched since `known` is read. What a snapshot can't hold is put straight on the way, so that the
 * folder on disk and a restored one behave alike: special files are removed, the owner may read and write everything,
 * a file with several names becomes several files.
 */
export async function scanFolder(
  { directory, maxBytes = MAX_BYTES }: { readonly directory: string; readonly maxBytes?: number | undefined },
  known: WorkspaceBranch | undefined,
  batch: ObjectBatch,
): Promise<Scan> {
  using root = WorkspacePlace.root(directory);
  return new Scanner(root, batch, maxBytes).run(known);
}

class Scanner {
  readonly #root: WorkspacePlace;
  readonly #batch: ObjectBatch;
  readonly #startedMs = Date.now();
  readonly #maxBytes: number;
  #entries = 0;
  #bytes = 0;
  #at = "";
  #refusal: string | undefined;

  constructor(root: WorkspacePlace, batch: ObjectBatch, maxBytes: number) {
    this.#root = root;
    this.#batch = batch;
    this.#maxBytes = maxBytes;
  }

  async run(known: WorkspaceBranch | undefined): Promise<Scan> {
    try {
      const folder = await this.#folder({ place: this.#root, path: "", depth: 0 }, known);
      if (this.#refusal === undefined) return { kind: "scanned", folder };
    } catch (error) {
      const why = error instanceof Error && "code" in error ? UNREADABLE.get(error.code) : undefined;
      if (why === undefined) throw error;
      this.#refuse(why);
    }
    return { kind: "refused", why: this.#refusal ?? "" };
  }

  async #folder(visited: Visited, known: WorkspaceBranch | undefined): Promise<WorkspaceBranch> {
    const { place, path, depth } = visited;
    const entries = new Map<string, WorkspaceEntry>();
    let same = true;
    for (const name of namesIn(place.seen())) {
      this.#at = path + name;
      if (++this.#entries % ENTRIES_A_SLICE === 0) await setImmediate();
      if (this.#entries > MAX_ENTRIES) this.#refuse(`is one of more than ${MAX_ENTRIES} entries`);
      const before = known?.entries.get(name);
      const stats = lstatSync(place.seen(name));
      const untouched = before !== undefined && before.kind !== "folder" && isUntouched(before.stamp, stats);
      const entry = untouched ? before : await this.#read({ visited, name, stats, before });
      if (stats.isFile()) this.#bytes += stats.size;
      if (this.#refusal === undefined && this.#bytes > this.#maxBytes)
        this.#refuse(`makes the workspace larger than ${this.#maxBytes / 1024 / 1024} MiB`);
      if (this.#refusal !== undefined) break;
      if (entry === undefined) continue;
      entries.set(name, entry);
      if (entry !== before) same = false;
    }
    if (same && known?.entries.size === entries.size) return known;
    const lines = treeLines(entries);
    if (this.#refusal !== undefined || (lines.length === 0 && depth > 0)) return { kind: "folder", entries };
    const bytes = encodeTree(lines);
    const tree = objectHash("tree", bytes);
    if (tree !== known?.tree) await this.#batch.add("tree", bytes);
    return { kind: "folder", entries, tree };
  }

  /** The entry as it is now; undefined when it was removed, or refused. */
  async #read(entry: Found): Promise<WorkspaceEntry | undefined> {
    const { visited, name, stats } = entry;
    if (visited.depth === 0 && isScratch(name)) return this.#remove(entry);
    if (stats.isDirectory()) return this.#readFolder(entry);
    if (!stats.isFile() && !stats.isSymbolicLink()) return this.#remove(entry);
    const kind = stats.isFile() ? "file" : "link";
    const problem = nameProblem(textOf(name), kind);
    if (problem !== undefined) return this.#refuse(problem);
    if (kind === "file") return this.#readFile(entry);
    const hash = await this.#record(entry, readTarget(visited.place, name));
    return { kind, hash, executable: false, stamp: stampOf(stats, this.#startedMs) };
  }

  async #readFolder(entry: Found): Promise<WorkspaceBranch | undefined> {
    const { visited, name, stats, before } = entry;
    if ((stats.mode & 0o700) !== 0o700) visited.place.setMode(name, (stats.mode & 0o7777) | 0o700);
    using place = visited.place.enter(name);
    const problem = nameProblem(textOf(name), "folder");
    if (problem !== undefined) {
      // What a sandbox that was killed leaves: the place where it had hidden such a folder.
      if (namesIn(place.held()).length > 0) return this.#refuse(problem);
      rmdirSync(visited.place.held(name));
      return undefined;
    }
    const path = `${visited.path}${name}/`;
    if (visited.depth >= MAX_DEPTH) return this.#refuse(`is deeper than ${MAX_DEPTH} folders`);
    if (path.length > MAX_PATH_BYTES) return this.#refuse(`has a path of more than ${MAX_PATH_BYTES} bytes`);
    return this.#folder({ place, path, depth: visited.depth + 1 }, before?.kind === "folder" ? before : undefined);
  }

  async #readFile(entry: Found): Promise<WorkspaceEntry | undefined> {
    const { visited, name, stats } = entry;
    if (stats.size > MAX_FILE_BYTES) return this.#refuse(`has more than ${MAX_FILE_BYTES / 1024 / 1024} MiB`);
    // The bits beyond the owner's stay as they are; those that lend somebody's rights go.
    const mode = (stats.mode & 0o777) | 0o600;
    if (mode !== (stats.mode & 0o7777)) visited.place.setMode(name, mode);
    const content = await readContent(visited.place, name);
    if (content === undefined) return this.#refuse("was changed while it was recorded");
    const hash = await this.#record(entry, content.bytes);
    const own = content.stats.nlink === 1 ? content.stats : this.#part(entry, content.bytes);
    return { kind: "file", hash, executable: (mode & 0o100) !== 0, stamp: stampOf(own, this.#startedMs) };
  }

  /** Makes a file of its own of one that has other names, in the workspace or out of it. */
  #part({ visited: { place }, name, stats }: Found, bytes: Buffer): Stats {
    const copy = SCRATCH + randomUUID();
    writeFileSync(this.#root.held(copy), bytes, { flag: "wx", mode: 0o600 });
    this.#root.setMode(copy, (stats.mode & 0o777) | 0o600);
    renameSync(this.#root.held(copy), place.held(name));
    return lstatSync(place.held(name));
  }

  async #record({ before }: Found, bytes: Buffer): Promise<string> {
    const hash = objectHash("blob", bytes);
    const isKnown = before !== undefined && before.kind !== "folder" && before.hash === hash;
    return isKnown ? hash : this.#batch.add("blob", bytes);
  }

  async #remove({ visited: { place }, name, stats }: Found): Promise<undefined> {
    if (stats.isDirectory()) await removeFolder(this.#root, place, name);
    else unlinkSync(place.held(name));
  }

  #refuse(why: string): undefined {
    this.#refusal ??= `${JSON.stringify(textOf(this.#at))} ${why}`;
  }
}

type Found = {
  readonly visited: Visited;
  readonly name: string;
  readonly stats: Stats;
  readonly before: WorkspaceEntry | undefined;
};
