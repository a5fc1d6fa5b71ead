import { chmodSync, lstatSync, mkdirSync, realpathSync } from "node:fs";
import { AtosError, messageOf } from "../base/errors.ts";
import { orAborted } from "../base/or-aborted.ts";
import type { ObjectStore } from "./object-store.ts";
import type { WorkspaceBranch } from "./workspace-entry.ts";
import { ObjectBatch } from "./workspace-objects.ts";
import { restoreFolder } from "./workspace-restore.ts";
import { scanFolder } from "./workspace-scan.ts";
import { encodeEmptyFolders, readSnapshot, snapshotParts, snapshotTree } from "./workspace-tree.ts";

/** `refused`: the folder holds what no snapshot can; `why` names it, and is for whoever put it there. */
export type Snapshot =
  | { readonly kind: "taken"; readonly snapshot: string }
  | { readonly kind: "refused"; readonly why: string };

/**
 * A workspace on disk and its snapshots: trees `{ files, empty }` in the bare repository, one hash for the files,
 * their executable bits, links and empty folders.
 *
 * One process owns a folder, and no command runs in it meanwhile. What is asked of it at once is done in turn.
 */
export class WorkspaceFolder {
  readonly directory: string;
  readonly #objects: ObjectStore;
  readonly #maxBytes: number | undefined;
  /** As last read or written. It may be out of date: the stamps tell for each file. */
  #seen: { readonly snapshot: string; readonly folder: WorkspaceBranch } | undefined;
  #known: string | undefined;
  #expected: string | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #held: Promise<void> = Promise.resolve();

  /** @internal By `Workspaces.openFolder`. */
  constructor(objects: ObjectStore, directory: string, maxBytes?: number) {
    this.#objects = objects;
    this.#maxBytes = maxBytes;
    try {
      mkdirSync(directory, { recursive: true });
      this.directory = realpathSync(directory);
    } catch (cause) {
      throw failure(directory, cause);
    }
  }

  /** Records the whole state of the folder; it is on disk, in the repository, when this settles. */
  snapshot(): Promise<Snapshot> {
    return this.#inTurn(() => this.#snapshot());
  }

  /** Makes the folder exactly what `snapshot` says, whatever is there, and removes everything else. */
  restore(snapshot: string): Promise<void> {
    return this.#inTurn(() => this.#restore(snapshot));
  }

  /**
   * Waits until nobody else holds the folder, and holds it until disposed: from the state an effect found to the state
   * it leaves, nothing else may change it.
   */
  async hold(signal: AbortSignal): Promise<Disposable> {
    const before = this.#held;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = before.then(() => promise);
    try {
      await orAborted(before, signal);
    } catch (error) {
      resolve();
      throw error;
    }
    return { [Symbol.dispose]: resolve };
  }

  /** Says which snapshot the folder should be at, without looking: what a replay knows. */
  expect(snapshot: string): void {
    this.#expected = snapshot;
  }

  /**
   * Brings the folder to the expected snapshot unless this process put or found it there since the last call.
   *
   * Called before something may change the folder, which is therefore no longer known to be there afterwards.
   */
  settle(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#expected !== undefined && this.#expected !== this.#known) await this.#restore(this.#expected);
      this.#known = undefined;
    });
  }

  /** The snapshot that the folder is at: the one it is known or brought to be at, else a new one. */
  current(): Promise<Snapshot> {
    return this.#inTurn(async () => {
      if (this.#expected === undefined) return this.#snapshot();
      if (this.#expected !== this.#known) await this.#restore(this.#expected);
      return { kind: "taken", snapshot: this.#expected };
    });
  }

  /**
   * The tree of its state as it is now.
   *
   * @throws {AtosError} `journal/workspace` when that can't be kept.
   */
  async tree(): Promise<string> {
    const current = await this.current();
    if (current.kind === "taken") return current.snapshot;
    throw new AtosError(
      "journal/workspace",
      `The workspace ${this.directory} can't be recorded: ${current.why}. Take that out of it first.`,
    );
  }

  /** The plain git tree of a snapshot's files, as a commit names it. */
  async filesOf(snapshot: string): Promise<string> {
    return (await snapshotParts(this.#objects, snapshot)).files;
  }

  async #snapshot(): Promise<Snapshot> {
    this.#known = undefined;
    this.#openUp();
    const batch = new ObjectBatch(this.#objects);
    const scan = await scanFolder({ directory: this.directory, maxBytes: this.#maxBytes }, this.#seen?.folder, batch);
    if (scan.kind === "refused") return scan;
    if (this.#seen?.folder !== scan.folder) {
      const files = scan.folder.tree ?? (await batch.add("tree", Buffer.alloc(0)));
      const empty = await batch.add("blob", encodeEmptyFolders(scan.folder));
      const snapshot = await batch.add("tree", snapshotTree(files, empty));
      await batch.flush();
      this.#seen = { snapshot, folder: scan.folder };
    }
    const { snapshot } = this.#seen;
    this.#known = snapshot;
    this.#expected = snapshot;
    return { kind: "taken", snapshot };
  }

  async #restore(snapshot: string): Promise<void> {
    this.#known = undefined;
    const seen = this.#seen;
    const wanted = seen?.snapshot === snapshot ? seen.folder : await readSnapshot(this.#objects, snapshot);
    this.#openUp();
    const request = { objects: this.#objects, directory: this.directory, known: seen?.folder };
    this.#seen = { snapshot, folder: await restoreFolder(request, wanted) };
    this.#known = snapshot;
    this.#expected = snapshot;
  }

  #openUp(): void {
    mkdirSync(this.directory, { recursive: true });
    const { mode } = lstatSync(this.directory);
    if ((mode & 0o700) !== 0o700) chmodSync(this.directory, (mode & 0o7777) | 0o700);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work).catch((cause: unknown) => {
      throw cause instanceof AtosError ? cause : failure(this.directory, cause);
    });
    this.#last = done;
    return done;
  }
}

function failure(directory: string, cause: unknown): AtosError {
  return new AtosError(
    "journal/workspace-failed",
    `The workspace ${directory} could not be read or written: ${messageOf(cause)}. See that its disk has room, and that it and all in it belong to this user.`,
    { cause },
  );
}
