import { AtosError } from "../../../base/errors.ts";
import { ToolFailure } from "../tool-failure.ts";
import { type IndexEntry, indexEntries, isLink } from "./index-entries.ts";
import type { Repository } from "./repository.ts";

/**
 * Puts all files of the work tree that are not ignored into an index, and returns what it then holds.
 *
 * Submodules stay as they are recorded. Git must not compare them: it would look into them under their own settings,
 * which lie in the work tree and may name programs.
 *
 * @throws {ToolFailure} for files that git can't take.
 */
export async function takeFiles(
  repository: Repository,
  index: string,
  signal: AbortSignal,
): Promise<readonly IndexEntry[]> {
  const env = { GIT_INDEX_FILE: index };
  const links = (await indexEntries(repository, index, signal)).filter(isLink);
  if (links.length > 0) {
    const input = links.map(({ path }) => `${path}\0`).join("");
    await repository.run(["update-index", "--force-remove", "-z", "--stdin"], { env, input, signal });
  }
  await addAll(repository, index, signal);
  const taken = await indexEntries(repository, index, signal);
  const planted = taken.find((entry) => isLink(entry) && !links.some(({ path }) => path === entry.path));
  if (planted !== undefined) throw nestedRepository(planted.path);
  // One whose place ordinary files have taken is none any more.
  const kept = links.filter(
    ({ path }) => !taken.some((entry) => entry.path.startsWith(`${path}/`) || (entry.path === path && !isLink(entry))),
  );
  if (kept.length === 0) return taken;
  const input = kept.map(({ mode, hash, path }) => `${mode} ${hash} 0\t${path}\0`).join("");
  await repository.run(["update-index", "-z", "--index-info"], { env, input, signal });
  return [...taken.filter((entry) => !isLink(entry)), ...kept];
}

async function addAll(repository: Repository, index: string, signal: AbortSignal): Promise<void> {
  try {
    await repository.run(["add", "--all", "--", "."], { env: { GIT_INDEX_FILE: index }, signal });
  } catch (error) {
    if (!(error instanceof AtosError) || error.code !== "git/failed") throw error;
    const words = String(error.details?.["words"] ?? "").split("\n")[0] ?? "";
    const nested = /'(.+?)\/?' does not have a commit checked out/.exec(words)?.[1];
    throw nested === undefined ? new ToolFailure(`Git can't take the files: ${words}`) : nestedRepository(nested);
  }
}

function nestedRepository(path: string): ToolFailure {
  const quoted = `'${path.replaceAll("'", "'\\''")}/.git'`;
  return new ToolFailure(
    `${path} is a git repository of its own, which can't be part of this one; name it in .gitignore to leave it out, or, if its commits are not needed, remove its .git by run_command, like: rm -rf ${quoted}`,
  );
}
