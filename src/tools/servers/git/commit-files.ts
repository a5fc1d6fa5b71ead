import { createHash } from "node:crypto";
import { AtosError } from "../../../base/errors.ts";
import { ToolFailure } from "../tool-failure.ts";
import { type IndexEntry, indexEntries, isLink } from "./index-entries.ts";
import type { Repository } from "./repository.ts";
import { takeFiles } from "./take-files.ts";

export type Identity = { readonly name: string; readonly email: string };

export type CommitOrder = {
  readonly message: string;
  readonly identity: Identity;
  readonly at: Date;
  /** Of the call: one commit for one key, whatever happens in between. */
  readonly key: string;
};

export type Committed = { readonly hash: string; readonly files: number; readonly already: boolean };

/** A call is repeated soon or never: its commit is among the newest. */
const LOOKED_BACK = 50;
const ATTEMPTS = 2;

/**
 * Commits all that has changed and is not ignored, once for a key: the commit names the key in its last line, and one
 * that is there already is the answer. The same work on the same commit at the same date has the same hash.
 *
 * @throws {ToolFailure} when nothing has changed, a merge or the like is under way, another git holds the index, or
 * there is something that git can't take as it is.
 */
export async function commitFiles(repository: Repository, order: CommitOrder, signal: AbortSignal): Promise<Committed> {
  for (let attempt = 1; ; attempt++) {
    const parent = await repository.head(signal);
    const done = parent === undefined ? undefined : await findCommit(repository, order.key, signal);
    if (done !== undefined) return { hash: done, files: await countFiles(repository, done, signal), already: true };
    try {
      return await commitOn(repository, parent, { order, signal });
    } catch (error) {
      // A git process that outlived its caller may have come first: then its commit is found.
      const isMoved = error instanceof AtosError && /update-ref/.test(error.message);
      if (!isMoved || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The commit that was made for a key. */
async function findCommit(repository: Repository, key: string, signal: AbortSignal): Promise<string | undefined> {
  const args = ["log", "-z", "--format=%H%n%B", `--max-count=${LOOKED_BACK}`, "--end-of-options", "HEAD", "--"];
  const log = await repository.run(args, { signal });
  // The last line only: what stands above it, a model wrote.
  const found = log.split("\0").find((commit) => commit.trimEnd().split("\n").at(-1) === trailerOf(key));
  return found?.split("\n")[0];
}

function trailerOf(key: string): string {
  const isPlain = /^[\x21-\x7e]{1,200}$/.test(key);
  return `Atos-Call: ${isPlain ? key : createHash("sha256").update(key).digest("hex")}`;
}

type Work = { readonly order: CommitOrder; readonly signal: AbortSignal };

function commitOn(repository: Repository, parent: string | undefined, { order, signal }: Work): Promise<Committed> {
  return repository.changeIndex(async (index, take) => {
    const env = { GIT_INDEX_FILE: index };
    await refuseUnfinished(repository, index, signal);
    await refuseFilters(repository, await takeFiles(repository, index, signal), signal);
    const tree = (await repository.run(["write-tree"], { env, signal })).trim();
    const before = parent === undefined ? "" : await treeOf(repository, parent, signal);
    if (tree === before || (parent === undefined && (await isEmpty(repository, tree, signal))))
      throw new ToolFailure("Nothing has changed since the last commit, so there is nothing to commit.");
    const parents = parent === undefined ? [] : ["-p", parent];
    const commit = await repository.run(["commit-tree", "--no-gpg-sign", ...parents, tree], {
      input: `${order.message.trim()}\n\n${trailerOf(order.key)}\n`,
      env: peopleEnv(order),
      signal,
    });
    const hash = commit.trim();
    await repository.run(["update-ref", "-m", "commit by ATOS", "HEAD", hash, parent ?? ""], {
      env: peopleEnv(order),
      signal,
    });
    await take();
    return { hash, files: await countFiles(repository, hash, signal), already: false };
  }, signal);
}

/** A commit of ours would take conflicts for the result, and lose what is being merged. */
async function refuseUnfinished(repository: Repository, index: string, signal: AbortSignal): Promise<void> {
  const { underWay } = repository;
  if (underWay !== undefined)
    throw new ToolFailure(
      `A merge, rebase, cherry-pick or revert is under way in this repository (.git/${underWay}), and committing now would break it; a person has to end or abort it.`,
    );
  const conflict = (await indexEntries(repository, index, signal)).find(({ stage }) => stage > 0);
  if (conflict !== undefined)
    throw new ToolFailure(
      `${conflict.path} has a conflict that is not resolved; a person has to resolve it and run git add on it.`,
    );
}

/** The content of some files only a filter's program could give. */
async function refuseFilters(
  repository: Repository,
  entries: readonly IndexEntry[],
  signal: AbortSignal,
): Promise<void> {
  const files = entries.filter((entry) => !isLink(entry));
  const input = files.map(({ path }) => `${path}\0`).join("");
  const attributes = await repository.run(["check-attr", "-z", "--stdin", "filter"], { input, signal });
  const fields = attributes.split("\0");
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path, , value = ""] = fields.slice(at, at + 3);
    if (!["unspecified", "unset", "set", ""].includes(value))
      throw new ToolFailure(
        `.gitattributes gives ${path} the filter ${value}, a program that is not run here; remove that line, or leave this commit to a person.`,
      );
  }
}

async function treeOf(repository: Repository, commit: string, signal: AbortSignal): Promise<string> {
  return (await repository.run(["rev-parse", "--verify", "--end-of-options", `${commit}^{tree}`], { signal })).trim();
}

async function isEmpty(repository: Repository, tree: string, signal: AbortSignal): Promise<boolean> {
  return (await repository.run(["ls-tree", "--end-of-options", tree], { signal, maxBytes: 1 })) === "";
}

async function countFiles(repository: Repository, commit: string, signal: AbortSignal): Promise<number> {
  const args = ["diff-tree", "--root", "-r", "-z", "--name-only", "--no-commit-id", "--no-renames", commit];
  return (await repository.run(args, { signal })).split("\0").length - 1;
}

function peopleEnv({ identity, at }: CommitOrder): Record<string, string> {
  const date = `@${Math.floor(at.getTime() / 1000)} +0000`;
  return {
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
    GIT_COMMITTER_DATE: date,
  };
}
