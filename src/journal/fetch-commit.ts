import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AtosError, EXIT, messageOf } from "../base/errors.ts";
import { git } from "./git.ts";
import type { ObjectStore } from "./object-store.ts";
import { syncFolder } from "./sync-folder.ts";
import { MODE, submoduleError } from "./tree-lines.ts";
import { walkTree } from "./tree-walk.ts";
import { textOf } from "./workspace-place.ts";
import { writeReference } from "./write-reference.ts";

export type CommitSource = {
  /** A repository on disk, not one of its subfolders. */
  readonly directory: string;
  /** Of one commit: a hash, `HEAD`, a branch, a tag. */
  readonly revision: string;
};

/** A commit of another repository, which is in ours now, and its tree. */
export type FetchedCommit = { readonly commit: string; readonly tree: string };

/** Keeps git from getting what a partial clone lacks, for which it would run what that clone's settings say. */
const OFFLINE = { GIT_NO_LAZY_FETCH: "1", GIT_OPTIONAL_LOCKS: "0" };

/**
 * Brings a commit of another repository, with all its history, among `objects`. One that was brought before is not
 * asked for again.
 *
 * The other repository may be anybody's: none of its hooks, filters or other programs runs, and nothing is changed
 * in it. What is brought is on disk, and outlasts a power loss, when this settles.
 *
 * @throws `journal/bad-repository` where there is no such commit, or its tree has what no workspace can hold.
 */
export async function fetchCommit(
  objects: ObjectStore,
  source: CommitSource,
  signal?: AbortSignal,
): Promise<FetchedCommit> {
  const commit = await findCommit(source, signal);
  await bringCommit(objects.repository, { source, commit }, signal);
  objects.lookAgain();
  const tree = await objects.rootOf(commit);
  for (const { path, line } of await walkTree((hash) => objects.tree(hash), tree))
    if (line.mode === MODE.submodule) throw submoduleError(textOf(path));
  return { commit, tree };
}

async function bringCommit(
  repository: string,
  { source, commit }: { readonly source: CommitSource; readonly commit: string },
  signal?: AbortSignal,
): Promise<void> {
  const name = `refs/fetched/${commit}`;
  if (existsSync(join(repository, name))) return;
  // As one pack, whatever its size: that is one file to flush to disk.
  const settings = ["-c", "fetch.unpackLimit=1", "-c", "maintenance.auto=false"];
  const options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
  const origin = await realpath(source.directory);
  await git(repository, [...settings, "fetch", ...options, origin, commit], {
    env: { ...OFFLINE, GIT_ALLOW_PROTOCOL: "file" },
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw sourceError(source, `git could not fetch ${commit} from it: ${messageOf(error)}`, error);
  });
  await syncFolder(join(repository, "objects", "pack"));
  // Where one can begin the next time, and what keeps `git gc` from taking it.
  await writeReference(repository, name, commit);
}

async function findCommit(source: CommitSource, signal?: AbortSignal): Promise<string> {
  const { directory, revision } = source;
  if (/^[-^]|\.\.|\0/.test(revision)) throw sourceError(source, `${JSON.stringify(revision)} names no commit`);
  const place = await realpath(directory).catch((error: unknown) => {
    throw sourceError(source, `there is no such folder`, error);
  });
  const out = await git(place, ["rev-parse", "--is-shallow-repository", `${revision}^{commit}`], {
    // A folder in the middle of another repository is not taken for that.
    env: { ...OFFLINE, GIT_ALLOW_PROTOCOL: "none", GIT_CEILING_DIRECTORIES: dirname(place) },
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw sourceError(
      source,
      `git finds no repository or no commit ${JSON.stringify(revision)} there: ${messageOf(error)}`,
      error,
    );
  });
  const [isShallow, commit = ""] = out.trim().split("\n");
  if (isShallow !== "false")
    throw sourceError(source, "it lacks a part of its history: run git fetch --unshallow there");
  if (/^[0-9a-f]{64}$/.test(commit))
    throw sourceError(source, "its objects are named by SHA-256; only SHA-1 is supported");
  if (!/^[0-9a-f]{40}$/.test(commit)) throw sourceError(source, `${JSON.stringify(revision)} names no single commit`);
  return commit;
}

function sourceError({ directory }: CommitSource, what: string, cause?: unknown): AtosError {
  return new AtosError("journal/bad-repository", `${directory} can't be worked on: ${what}`, {
    exitCode: EXIT.usage,
    cause,
  });
}
