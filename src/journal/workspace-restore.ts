import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { setImmediate } from "node:timers/promises";
import { objectHash } from "./git-object.ts";
import type { ObjectStore } from "./object-store.ts";
import { MAX_FILE_BYTES, readContent, readTarget } from "./workspace-content.ts";
import {
  isUntouched,
  stampOf,
  type WorkspaceBranch,
  type WorkspaceEntry,
  type WorkspaceLeaf,
} from "./workspace-entry.ts";
import { namesIn, WorkspacePlace } from "./workspace-place.ts";
import { removeFolder } from "./workspace-scratch.ts";

const OPEN_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export type Restore = {
  readonly objects: ObjectStore;
  readonly directory: string;
  /** What was last seen there: a file not touched since need not be read. */
  readonly known: WorkspaceBranch | undefined;
};

type EntryOnDisk = Pick<Stats, "isDirectory" | "isSymbolicLink" | "isFile" | "mode" | "nlink" | "size">;

/** What becomes of an entry on disk where `wanted` should be, or nothing. Pure. */
export function fateOf(stats: EntryOnDisk, wanted: WorkspaceEntry | undefined): "remove" | "enter" | "compare" {
  if (wanted === undefined) return "remove";
  if (wanted.kind === "folder") return stats.isDirectory() ? "enter" : "remove";
  if (wanted.kind === "link") return stats.isSymbolicLink() ? "compare" : "remove";
  // Written to under one name, now or later, a file of several names would change elsewhere too.
  const isOwnFile = stats.isFile() && stats.nlink === 1 && stats.size <= MAX_FILE_BYTES;
  return isOwnFile && (stats.mode & 0o7700) === (wanted.executable ? 0o700 : 0o600) ? "compare" : "remove";
}

/**
 * Makes the folder hold exactly `wanted`, and returns that with what the file system says of it now. What is right
 * already is left alone, so that its times stay. Cut off at any point, it can be done again.
 */
export async function restoreFolder(request: Restore, wanted: WorkspaceBranch): Promise<WorkspaceBranch> {
  using root = WorkspacePlace.root(request.directory);
  const restorer = new Restorer(root);
  const restored = await restorer.prepare({ place: root, names: [], known: request.known }, wanted);
  await restorer.fill(request.objects);
  return restored;
}

type Visited = {
  readonly place: WorkspacePlace;
  /** From the top of the workspace to here. */
  readonly names: readonly string[];
  readonly known: WorkspaceEntry | undefined;
};

type Missing = {
  readonly names: readonly string[];
  readonly entries: Map<string, WorkspaceEntry>;
  readonly name: string;
  readonly leaf: WorkspaceLeaf;
};

class Restorer {
  readonly #root: WorkspacePlace;
  readonly #startedMs = Date.now();
  readonly #missing: Missing[] = [];
  #steps = 0;

  constructor(root: WorkspacePlace) {
    this.#root = root;
  }

  /** Removes what is wrong and makes the folders that are missing. */
  async prepare(visited: Visited, wanted: WorkspaceBranch): Promise<WorkspaceBranch> {
    const entries = new Map<string, WorkspaceEntry>();
    const { place, names } = visited;
    for (const name of namesIn(place.held())) {
      await this.#pause();
      const kept = await this.#keep(visited, name, wanted.entries.get(name));
      if (kept !== undefined) entries.set(name, kept);
    }
    for (const [name, entry] of wanted.entries) {
      if (entries.has(name)) continue;
      if (entry.kind !== "folder") {
        this.#missing.push({ names, entries, name, leaf: entry });
        continue;
      }
      mkdirSync(place.held(name));
      using child = place.enter(name);
      entries.set(name, await this.prepare({ place: child, names: [...names, name], known: undefined }, entry));
    }
    return { ...wanted, entries };
  }

  /** Writes the files and links that are missing. */
  async fill(objects: ObjectStore): Promise<void> {
    let open: { names: readonly string[]; place: WorkspacePlace; close: DisposableStack } | undefined;
    try {
      for (const { names, entries, name, leaf } of this.#missing) {
        const bytes = await objects.blob(leaf.hash);
        if (open?.names !== names) {
          open?.close.dispose();
          open = { names, ...this.#open(names) };
        }
        await this.#pause();
        write(open.place, name, { leaf, bytes });
        const stamp = stampOf(lstatSync(open.place.held(name)), this.#startedMs);
        entries.set(name, { ...leaf, stamp });
      }
    } finally {
      open?.close.dispose();
    }
  }

  async #keep(visited: Visited, name: string, wanted: WorkspaceEntry | undefined): Promise<WorkspaceEntry | undefined> {
    const { place, names } = visited;
    const known = visited.known?.kind === "folder" ? visited.known.entries.get(name) : undefined;
    const stats = lstatSync(place.held(name));
    const fate = fateOf(stats, wanted);
    if (fate === "enter" && wanted?.kind === "folder") {
      if ((stats.mode & 0o700) !== 0o700) place.setMode(name, (stats.mode & 0o7777) | 0o700);
      using child = place.enter(name);
      return await this.prepare({ place: child, names: [...names, name], known }, wanted);
    }
    if (fate === "compare" && wanted !== undefined && wanted.kind !== "folder") {
      const kept = await this.#compare({ place, names, known }, { name, stats, wanted });
      if (kept !== undefined) return kept;
    }
    if (stats.isDirectory()) await removeFolder(this.#root, place, name);
    else unlinkSync(place.held(name));
    return undefined;
  }

  /** The leaf with its stamp when that on disk is the same. */
  async #compare({ place, known }: Visited, { name, stats, wanted }: Compared): Promise<WorkspaceLeaf | undefined> {
    if (isUntouched(wanted.stamp, stats)) return wanted;
    if (known !== undefined && known.kind !== "folder" && isUntouched(known.stamp, stats))
      return known.hash === wanted.hash ? { ...known, ...wanted } : undefined;
    const content = wanted.kind === "link" ? { bytes: readTarget(place, name), stats } : await readContent(place, name);
    if (content === undefined || objectHash("blob", content.bytes) !== wanted.hash) return undefined;
    return { ...wanted, stamp: stampOf(content.stats, this.#startedMs) };
  }

  #open(names: readonly string[]): { place: WorkspacePlace; close: DisposableStack } {
    const close = new DisposableStack();
    const place = names.reduce((folder, name) => close.use(folder.enter(name)), this.#root);
    return { place, close };
  }

  /** The event loop gets its turn now and then. */
  async #pause(): Promise<void> {
    if (++this.#steps % 256 === 0) await setImmediate();
  }
}

type Compared = { readonly name: string; readonly stats: Stats; readonly wanted: WorkspaceLeaf };

function write(place: WorkspacePlace, name: string, { leaf, bytes }: { leaf: WorkspaceLeaf; bytes: Buffer }): void {
  if (leaf.kind === "link") return symlinkSync(bytes, place.held(name));
  const file = openSync(place.held(name), OPEN_NEW, leaf.executable ? 0o777 : 0o666);
  try {
    writeFileSync(file, bytes);
  } finally {
    closeSync(file);
  }
}
