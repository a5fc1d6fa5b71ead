import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AtosError } from "../base/errors.ts";
import { pathConflict, pathProblem } from "../base/safe-path.ts";
import { git, gitBytes } from "./git.ts";
import { WorkspaceFolder } from "./workspace-folder.ts";

/** A text file of a workspace; `path` is relative, with forward slashes. */
export type WorkspaceFile = { readonly path: string; readonly content: string };

export type CommitRequest = {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** An input, not the clock: the same build makes the same commits. */
  readonly at: Date;
};

const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const AUTHOR = { name: "ATOS", email: "atos@localhost" };

/**
 * The trees of all builds, in one bare repository that no agent's code ever sees.
 *
 * Every operation is a function from hashes to hashes: writing the same files on the same tree
 * gives the same tree, so a step cut off by a crash is simply done again.
 */
export class Workspaces {
  readonly #repository: string;
  /** Paths that only ATOS itself writes. */
  readonly #reserved: ReadonlySet<string> = new Set([".atos/receipt.json"]);

  private constructor(repository: string) {
    this.#repository = repository;
  }

  /** The repository at `directory`, made if it is not there. */
  static async open(directory: string): Promise<Workspaces> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await git(directory, ["init", "--bare", "--quiet", "--template=", "--initial-branch=main"]);
    // Byte-identical in and out, whatever .gitattributes an agent writes.
    await mkdir(join(directory, "info"), { recursive: true });
    await writeFile(join(directory, "info", "attributes"), "* -text -filter -ident -working-tree-encoding\n");
    // What a crash left half-written; all in use belongs to this process, which begins here.
    for (const [folder, prefix] of [
      [".", "index-"],
      ["objects", "tmp_"],
      ["objects/pack", "tmp_"],
    ] as const)
      for (const name of await readdir(join(directory, folder)))
        if (name.startsWith(prefix)) await rm(join(directory, folder, name), { force: true });
    return new Workspaces(directory);
  }

  get repository(): string {
    return this.#repository;
  }

  /** The tree that has `files` written over `base` (default: nothing). */
  async write(files: readonly WorkspaceFile[], base: string = EMPTY_TREE): Promise<string> {
    for (const { path } of files) {
      const problem = this.#reserved.has(path) ? undefined : pathProblem(path);
      // Git would skip such a path without a word.
      if (problem !== undefined)
        throw new AtosError("journal/bad-path", `${JSON.stringify(path)} can't be a file of a workspace: ${problem}`);
    }
    // Git would drop the file that is in the folder's way without a word.
    const conflict = pathConflict([...files.map(({ path }) => path), ...(await this.list(base))]);
    if (conflict !== undefined) throw new AtosError("journal/bad-path", conflict);
    return this.#withIndex(base, async (env) => {
      const entries: string[] = [];
      for (const file of files) {
        const blob = (await git(this.#repository, ["hash-object", "-w", "--stdin"], { input: file.content })).trim();
        entries.push(`100644 ${blob}\t${file.path}\0`);
      }
      await git(this.#repository, ["update-index", "-z", "--index-info"], { input: entries.join(""), env });
      return (await git(this.#repository, ["write-tree"], { env })).trim();
    });
  }

  /** Writes `tree` into `directory`, which must be empty. */
  async checkOut(tree: string, directory: string): Promise<void> {
    await this.#withIndex(tree, async (env) => {
      await git(this.#repository, [`--work-tree=${directory}`, "checkout-index", "--all", "--force"], { env });
    });
  }

  /** The workspace at `directory`, made if it is not there; its snapshots are kept in this repository. `maxBytes` is its quota (2 GiB). */
  openFolder(directory: string, maxBytes?: number): WorkspaceFolder {
    return new WorkspaceFolder(this.#repository, directory, maxBytes);
  }

  /** The paths of a tree, sorted. */
  async list(tree: string): Promise<readonly string[]> {
    const out = await git(this.#repository, ["ls-tree", "-r", "-z", "--name-only", tree]);
    return out.split("\0").filter((path) => path !== "");
  }

  async read(tree: string, path: string): Promise<string> {
    return (await gitBytes(this.#repository, ["cat-file", "blob", `${tree}:${path}`])).toString("utf8");
  }

  async commit(request: CommitRequest): Promise<string> {
    const date = `@${Math.floor(request.at.getTime() / 1000)} +0000`;
    const parents = request.parents.flatMap((parent) => ["-p", parent]);
    const env = {
      GIT_AUTHOR_NAME: AUTHOR.name,
      GIT_AUTHOR_EMAIL: AUTHOR.email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: AUTHOR.name,
      GIT_COMMITTER_EMAIL: AUTHOR.email,
      GIT_COMMITTER_DATE: date,
    };
    const out = await git(this.#repository, ["commit-tree", request.tree, ...parents], { input: request.message, env });
    return out.trim();
  }

  /** Names `commit`, so that a clone or a fetch can find it. */
  async setBranch(branch: string, commit: string): Promise<void> {
    await git(this.#repository, ["update-ref", `refs/heads/${branch}`, commit]);
  }

  async #withIndex<T>(tree: string, work: (env: Record<string, string>) => Promise<T>): Promise<T> {
    const index = join(this.#repository, `index-${randomUUID()}`);
    const env = { GIT_INDEX_FILE: index };
    try {
      await git(this.#repository, ["read-tree", tree], { env });
      return await work(env);
    } finally {
      await rm(index, { force: true });
    }
  }
}
