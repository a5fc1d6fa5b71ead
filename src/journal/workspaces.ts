import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AtosError, messageOf } from "../base/errors.ts";
import { pathProblem } from "../base/safe-path.ts";
import { encodeCommit } from "./encode-commit.ts";
import { type FetchedCommit, fetchCommit } from "./fetch-commit.ts";
import { type FileContent, readContentOf } from "./file-content.ts";
import { git } from "./git.ts";
import { type GitObject, objectHash } from "./git-object.ts";
import { MERGE_PREFIX } from "./merge-text.ts";
import { type MergeRequest, type MergeSides, mergeTrees } from "./merge-trees.ts";
import { ObjectStore } from "./object-store.ts";
import { treeChanges } from "./tree-changes.ts";
import { editTree, type TreeLeaf } from "./tree-edit.ts";
import { EMPTY_TREE, MODE, type TreeLine } from "./tree-lines.ts";
import { findInTree, walkTree } from "./tree-walk.ts";
import { WorkspaceFolder } from "./workspace-folder.ts";
import { textOf } from "./workspace-place.ts";
import { restoreFolder } from "./workspace-restore.ts";
import { readBranch } from "./workspace-tree.ts";
import { writeReference } from "./write-reference.ts";

/** A text file of a workspace; `path` is relative, with forward slashes. */
export type WorkspaceFile = { readonly path: string; readonly content: string };

/** What a tree holds at a path. Text is a {@link WorkspaceFile} that can be written back as it is. */
export type TreeFile = { readonly path: string } & FileContent;

export type WorkspaceEdits = {
  readonly write?: readonly WorkspaceFile[];
  /** Goes before anything is written: files, and folders with all that is in them. What is not there is left out. */
  readonly remove?: readonly string[];
};

export type PathChange = { readonly path: string; readonly kind: "added" | "changed" | "removed" };

/** What a path holds as it was and on both sides; undefined where it is not there, or a folder is. */
export type MergeConflict = {
  readonly path: string;
  readonly base: FileContent | undefined;
  readonly ours: FileContent | undefined;
  readonly theirs: FileContent | undefined;
};

export type Merge =
  | { readonly kind: "merged"; readonly tree: string }
  /** `tree` has all that could be merged, and what `ours` has at the `paths` of the conflicts. */
  | {
      readonly kind: "conflict";
      readonly tree: string;
      readonly paths: readonly string[];
      readonly conflicts: readonly MergeConflict[];
    };

export type CommitRequest = {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** An input, not the clock: the same build makes the same commits. */
  readonly at: Date;
};

/** Paths that only ATOS itself writes. */
const RESERVED: ReadonlySet<string> = new Set([".atos/receipt.json", ".atos/pull-request.md"]);
/** What a newer git might choose otherwise for a new repository; older ones don't look. */
const FORMAT = { GIT_DEFAULT_HASH: "sha1", GIT_DEFAULT_REF_FORMAT: "files" };

/**
 * The trees of all builds, in one bare repository that no agent's code ever sees. A tree is named by its hash or by
 * that of its commit.
 *
 * Every operation is a function from hashes to hashes: writing the same files on the same tree
 * gives the same tree, so a step cut off by a crash is simply done again. What a returned hash names is on disk. Only
 * `open`, `diff`, `fetchFrom` and the merge of a text that both sides changed start git.
 *
 * @throws `journal/bad-snapshot` when what a hash names is missing or damaged, `journal/bad-repository` when it is
 * nothing that a workspace can hold, `journal/workspace-failed` when the disk fails.
 */
export class Workspaces {
  readonly #objects: ObjectStore;
  readonly #isOwn: boolean;

  private constructor(repository: string, isOwn: boolean) {
    this.#objects = new ObjectStore(repository);
    this.#isOwn = isOwn;
  }

  /** The repository at `directory`, made if it is not there. */
  static async open(directory: string): Promise<Workspaces> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await git(directory, ["init", "--bare", "--quiet", "--template=", "--initial-branch=main"], { env: FORMAT });
    // Byte-identical in and out, whatever .gitattributes an agent writes.
    await mkdir(join(directory, "info"), { recursive: true });
    await writeFile(join(directory, "info", "attributes"), "* -text -filter -ident -working-tree-encoding\n");
    // What a crash left half-written; all in use belongs to this process, which begins here.
    for (const [folder, prefix] of [
      [".", "index-"],
      [".", MERGE_PREFIX],
      ["objects", "tmp_"],
      ["objects/pack", "tmp_"],
    ] as const)
      for (const name of await readdir(join(directory, folder)))
        if (name.startsWith(prefix)) await rm(join(directory, folder, name), { force: true });
    return new Workspaces(directory, true);
  }

  /** The repository of another process, to look at: nothing is cleaned up, and branches stay where they are. */
  static look(directory: string): Workspaces {
    return new Workspaces(directory, false);
  }

  get repository(): string {
    return this.#objects.repository;
  }

  /** The tree that has `files` written over `base` (default: nothing). */
  write(files: readonly WorkspaceFile[], base: string = EMPTY_TREE): Promise<string> {
    return this.change(base, { write: files });
  }

  /**
   * The tree that `edits` make of `base`. A file written over stays executable, a link becomes a file.
   *
   * @throws `journal/bad-path` for a path that can't be in a workspace, or would be both a file and a folder.
   */
  change(base: string, { write = [], remove = [] }: WorkspaceEdits): Promise<string> {
    return this.#withDisk(async () => {
      for (const path of [...write.map((file) => file.path), ...remove]) {
        const problem = RESERVED.has(path) ? undefined : pathProblem(path);
        if (problem !== undefined)
          throw new AtosError("journal/bad-path", `${JSON.stringify(path)} can't be a file of a workspace: ${problem}`);
      }
      const leaves = new Map<string, TreeLeaf>();
      const blobs = new Map<string, GitObject>();
      for (const { path, content } of write) {
        const bytes = Buffer.from(content);
        const hash = objectHash("blob", bytes);
        blobs.set(hash, { type: "blob", bytes });
        leaves.set(bytesOf(path), { hash });
      }
      const root = await this.#objects.rootOf(base);
      const { tree, made } = await editTree(this.#readTree, root, { write: leaves, remove: remove.map(bytesOf) });
      await this.#objects.write(new Map([...blobs, ...made]));
      return tree;
    });
  }

  /** Writes `tree` into `directory`, which must be there and empty. */
  checkOut(tree: string, directory: string): Promise<void> {
    return this.#withDisk(async () => {
      const names = await readdir(directory);
      if (names.length > 0)
        throw new AtosError(
          "journal/workspace-failed",
          `${directory} must be empty to check out a tree; it holds ${names[0]}`,
        );
      const wanted = await readBranch(this.#objects, await this.#objects.rootOf(tree));
      await restoreFolder({ objects: this.#objects, directory, known: undefined }, wanted);
    });
  }

  /** The workspace at `directory`, made if it is not there; its snapshots are kept in this repository. `maxBytes` is its quota (2 GiB). */
  openFolder(directory: string, maxBytes?: number): WorkspaceFolder {
    return new WorkspaceFolder(this.#objects, directory, maxBytes);
  }

  /** The paths of a tree, sorted by their bytes. */
  list(tree: string): Promise<readonly string[]> {
    return this.#withDisk(async () => {
      const files = await walkTree(this.#readTree, await this.#objects.rootOf(tree));
      return files.map(({ path }) => textOf(path));
    });
  }

  /**
   * A file's bytes as UTF-8, or where a link points to.
   *
   * @throws `journal/no-file`
   */
  read(tree: string, path: string): Promise<string> {
    return this.#withDisk(async () => {
      const line = await findInTree(this.#readTree, await this.#objects.rootOf(tree), bytesOf(path));
      if (line === undefined || line.mode === MODE.folder || line.mode === MODE.submodule)
        throw new AtosError("journal/no-file", `The tree ${tree} has no file ${JSON.stringify(path)}.`);
      return (await this.#objects.blob(line.hash)).toString("utf8");
    });
  }

  /** All files and links of a tree, or those of `paths` that it has; sorted by their paths' bytes. */
  readAll(tree: string, paths?: readonly string[]): Promise<readonly TreeFile[]> {
    return this.#withDisk(async () => {
      const wanted = paths === undefined ? undefined : new Set(paths);
      const files: TreeFile[] = [];
      for (const { path: bytes, line } of await walkTree(this.#readTree, await this.#objects.rootOf(tree))) {
        const path = textOf(bytes);
        if (wanted?.has(path) === false) continue;
        const content = await readContentOf(this.#objects, line);
        if (content !== undefined) files.push({ path, ...content });
      }
      return files;
    });
  }

  /** Where two trees differ, sorted by the paths' bytes. A file whose executable bit differs is changed. */
  changedPaths(from: string, to: string): Promise<readonly PathChange[]> {
    return this.#withDisk(async () => {
      const roots = [await this.#objects.rootOf(from), await this.#objects.rootOf(to)] as const;
      const changes = await treeChanges(this.#readTree, ...roots);
      return changes.map((change) => ({
        path: textOf(change.path),
        kind: change.from === undefined ? "added" : change.to === undefined ? "removed" : "changed",
      }));
    });
  }

  /** A unified diff of two trees for a person to read, cut off after `maxBytes`. */
  async diff(from: string, to: string, maxBytes: number): Promise<string> {
    const options = ["-r", "-p", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--full-index"];
    const out = await git(this.repository, ["diff-tree", ...options, "--end-of-options", from, to], { maxBytes });
    return out.slice(0, maxBytes);
  }

  /**
   * Merges two trees that were made of `base`: path by path, and by its lines a text that both sides changed. The same
   * trees give the same result.
   */
  merge({ base, ours, theirs }: MergeRequest): Promise<Merge> {
    return this.#withDisk(async () => {
      const rootOf = (tree: string) => this.#objects.rootOf(tree);
      const roots = { base: await rootOf(base), ours: await rootOf(ours), theirs: await rootOf(theirs) };
      const { tree, made, conflicts } = await mergeTrees(this.#objects, roots);
      await this.#objects.write(made);
      if (conflicts.length === 0) return { kind: "merged", tree };
      const shown: MergeConflict[] = [];
      for (const [path, sides] of conflicts) shown.push(await this.#showConflict(path, sides));
      return { kind: "conflict", tree, paths: shown.map(({ path }) => path), conflicts: shown };
    });
  }

  commit(request: CommitRequest): Promise<string> {
    return this.#withDisk(async () => {
      await this.#objects.tree(request.tree);
      for (const parent of request.parents) await this.#objects.read(parent, "commit");
      const bytes = encodeCommit(request);
      const hash = objectHash("commit", bytes);
      await this.#objects.write(new Map([[hash, { type: "commit", bytes }]]));
      return hash;
    });
  }

  /** Names `commit`, so that a clone or a fetch can find it. */
  setBranch(branch: string, commit: string): Promise<void> {
    return this.#withDisk(async () => {
      await this.#objects.read(commit, "commit");
      if (this.#isOwn) await writeReference(this.repository, `refs/heads/${branch}`, commit);
    });
  }

  /**
   * Brings a commit of the repository at `directory`, with its history, into this one. None of that repository's
   * programs runs. `revision` is a hash, `HEAD`, a branch or a tag.
   *
   * @throws `journal/bad-repository` where there is no such commit, or its tree has what no workspace can hold, as a
   * submodule.
   */
  fetchFrom(directory: string, revision: string, signal?: AbortSignal): Promise<FetchedCommit> {
    return this.#withDisk(() => fetchCommit(this.#objects, { directory, revision }, signal));
  }

  readonly #readTree = (hash: string): Promise<readonly TreeLine[]> => this.#objects.tree(hash);

  async #showConflict(path: string, { base, ours, theirs }: MergeSides): Promise<MergeConflict> {
    const show = async (line: TreeLine | undefined) =>
      line === undefined ? undefined : await readContentOf(this.#objects, line);
    return { path: textOf(path), base: await show(base), ours: await show(ours), theirs: await show(theirs) };
  }

  async #withDisk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (!isDiskError(cause)) throw cause;
      throw new AtosError(
        "journal/workspace-failed",
        `The trees in ${this.repository} could not be read or written: ${messageOf(cause)}. See that its disk has room, and that it and all in it belong to this user.`,
        { cause },
      );
    }
  }
}

function isDiskError(cause: unknown): boolean {
  return cause instanceof Error && "syscall" in cause;
}

/** A path as trees have it: bytes, one character for each. */
function bytesOf(path: string): string {
  return Buffer.from(path).toString("latin1");
}
