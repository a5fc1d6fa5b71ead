import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { messageOf, usageError } from "../base/errors.ts";
import { git } from "../journal/git.ts";

/** An existing repository to work on, and the branch that the result becomes. */
export type RepositoryWish = { readonly directory: string; readonly branch: string };

export type FoundRepository = {
  /** Its top folder, without symbolic links; of a bare one the repository itself. */
  readonly directory: string;
  /** The commit to begin with, in full. */
  readonly revision: string;
  readonly branch: string;
  /** The branch that is checked out; undefined where none is. */
  readonly head: string | undefined;
};

/** Nothing is fetched for what a partial clone lacks, and nothing is refreshed on the way. */
const LOOK_ONLY = { GIT_ALLOW_PROTOCOL: "none", GIT_NO_LAZY_FETCH: "1", GIT_OPTIONAL_LOCKS: "0" };
const MAX_BRANCH_BYTES = 200;

/**
 * The repository around a folder, found fit to be built on: it has a commit, all its history and no submodules, and
 * the branch can be made. Nothing of it is run or changed; what is not committed is not looked at, for git would run
 * the repository's own filters for that.
 *
 * @throws {AtosError} `workflows/bad-repository`, `workflows/bad-branch`; exit 2.
 */
export async function findRepository({ directory: given, branch }: RepositoryWish): Promise<FoundRepository> {
  if (given === "") throw refuse('""', "it is no name");
  const directory = await topFolder(given);
  const look = (...args: readonly string[]): Promise<string> => git(directory, args, { env: LOOK_ONLY });
  if ((await look("rev-parse", "--is-shallow-repository")).trim() === "true")
    throw refuse(given, "it lacks a part of its history. Get it: git fetch --unshallow");
  const revision = await look("rev-parse", "--verify", "--quiet", "HEAD^{commit}").then(
    (out) => out.trim(),
    () => undefined,
  );
  if (revision === undefined)
    throw refuse(given, "it has no commit yet. Commit something there first, or build a new one with --out DIR");
  if (revision.length !== 40) throw refuse(given, "its objects are named by SHA-256; only SHA-1 is supported");
  const submodule = (await look("ls-tree", "-r", "-z", "--full-tree", revision))
    .split("\0")
    .find((line) => line.startsWith("160000 "));
  if (submodule !== undefined)
    throw refuse(given, `${submodule.split("\t")[1] ?? ""} is a submodule, which ATOS can't work with`);
  const objects = resolve(directory, (await look("rev-parse", "--git-path", "objects")).trim());
  await access(objects, constants.W_OK).catch((error: unknown) => {
    throw refuse(given, `no branch can be added to it: ${messageOf(error)}`);
  });
  const branches = (await look("for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads")).trim().split("\n");
  const problem = branchProblem(branch, branches);
  if (problem !== undefined)
    throw usageError(
      "workflows/bad-branch",
      `the branch ${JSON.stringify(branch)} can't be made in ${given}: ${problem}. Choose another with --branch NAME`,
    );
  const head = await look("symbolic-ref", "--quiet", "--short", "HEAD").then(
    (out) => out.trim(),
    () => undefined,
  );
  return { directory, revision, branch, head };
}

async function topFolder(given: string): Promise<string> {
  const place = await realpath(given).catch((error: unknown) => {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw refuse(
      given,
      isMissing ? "there is no such folder. Name one, or build a new one with --out DIR" : messageOf(error),
    );
  });
  if (!(await stat(place)).isDirectory()) throw refuse(given, "it is a file");
  const look = async (what: string): Promise<string> =>
    (await git(place, ["rev-parse", what], { env: LOOK_ONLY })).replace(/\n$/, "");
  const bare = await look("--is-bare-repository").catch(() => {
    throw refuse(given, "it is not in a git repository. Build a new one with --out DIR");
  });
  if (bare === "true") return realpath(await look("--absolute-git-dir"));
  if ((await look("--is-inside-work-tree")) === "true") return realpath(await look("--show-toplevel"));
  throw refuse(given, `it is the inside of a repository; name the folder that holds it, such as ${join(given, "..")}`);
}

/**
 * Why no new branch of this name can be beside `existing` ones, or undefined. Stricter than git: what a shell or a
 * command line would take for something else is refused. Pure.
 */
export function branchProblem(name: string, existing: readonly string[]): string | undefined {
  const plain = name.split("/").every((part) => /^[\p{L}\p{N}_][\p{L}\p{N}_.+-]*$/u.test(part) && !isOdd(part));
  if (!plain || name === "HEAD") return "it is no plain name of letters, digits, / . _ + and -";
  if (Buffer.byteLength(name) > MAX_BRANCH_BYTES) return `it is longer than ${MAX_BRANCH_BYTES} bytes`;
  const other = existing.find((one) => one === name || one.startsWith(`${name}/`) || name.startsWith(`${one}/`));
  if (other === undefined) return undefined;
  return other === name ? "there is one of that name" : `there is a branch ${other}, and git can't keep both`;
}

function isOdd(part: string): boolean {
  return part.includes("..") || part.endsWith(".") || part.endsWith(".lock");
}

function refuse(given: string, why: string): Error {
  return usageError("workflows/bad-repository", `can't build on ${given}: ${why}`);
}
