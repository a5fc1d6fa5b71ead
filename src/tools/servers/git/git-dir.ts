import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { type AtosError, usageError } from "../../../base/errors.ts";

export type RepositoryPlace = {
  /** The git folder, or the file of a work tree that leads there. Code in the sandbox must not be able to write there. */
  readonly gitDir: string;
  readonly workTree: string;
};

/**
 * The git folder itself. A `.git` that is a file is followed when the folder it names leads back to it, as that of
 * `git worktree` and of a submodule does: one that was planted could name any repository of this machine.
 *
 * @throws `tools/no-repository` when there is none, with what there is instead.
 */
export function findGitDir({ gitDir, workTree }: RepositoryPlace): string {
  const found = statSync(gitDir, { throwIfNoEntry: false });
  const folder = found?.isFile() === true ? followed(gitDir) : gitDir;
  if (!existsSync(join(folder, "HEAD"))) throw noRepository(gitDir, workTree);
  // A work tree of another repository keeps its git folder there, never in itself.
  if (existsSync(join(folder, "commondir")) && isInside(folder, workTree))
    throw usageError("tools/no-repository", `${folder} writes into another repository; remove its file commondir`);
  return folder;
}

function followed(file: string): string {
  const named = /^gitdir: (.+)$/m.exec(readFileSync(file, "utf8"))?.[1]?.trim() ?? "";
  const folder = resolve(dirname(file), named);
  const back = [
    ...linesOf(join(folder, "gitdir")),
    ...linesOf(join(folder, "config")).flatMap((line) => {
      const path = /^\s*worktree\s*=\s*(.+?)\s*$/.exec(line)?.[1];
      return path === undefined ? [] : [join(path, ".git")];
    }),
  ];
  if (back.some((path) => isSame(resolve(folder, path), file))) return folder;
  throw usageError(
    "tools/no-repository",
    `${file} leads to ${folder}, which does not lead back; git worktree repair makes it do so, if that is this folder's repository`,
  );
}

function linesOf(file: string): readonly string[] {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(file, "utf8").split("\n") : [];
}

function isSame(one: string, other: string): boolean {
  return existsSync(one) && realpathSync(one) === realpathSync(other);
}

function isInside(path: string, folder: string): boolean {
  return `${realpathSync(path)}${sep}`.startsWith(`${realpathSync(folder)}${sep}`);
}

function noRepository(gitDir: string, workTree: string): AtosError {
  const above = folderAbove(resolve(workTree));
  const words =
    above === undefined
      ? `${gitDir} is no git folder; make a repository there first: git init`
      : `${workTree} is a folder of the repository in ${above}; give that folder instead`;
  return usageError("tools/no-repository", words);
}

/** The nearest folder above that has a `.git`. */
function folderAbove(path: string): string | undefined {
  const parent = dirname(path);
  if (parent === path) return undefined;
  return existsSync(join(parent, ".git")) ? parent : folderAbove(parent);
}
