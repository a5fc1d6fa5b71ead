import { existsSync } from "node:fs";
import { copyFile, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { AtosError } from "../../../base/errors.ts";
import { git, type GitOptions } from "../../../journal/git.ts";
import { findGitDir, type RepositoryPlace } from "./git-dir.ts";
import { lockIndex } from "./index-lock.ts";

type Run = Pick<GitOptions, "input" | "env" | "maxBytes"> & { readonly signal: AbortSignal };

/** What is asked of git here comes out the same whatever the repository's settings say. */
const SETTINGS: Readonly<Record<string, string>> = {
  "color.ui": "false",
  // One sync for all new objects, not one for each.
  "core.fsyncMethod": "batch",
  "core.quotePath": "false",
  "diff.noprefix": "false",
  "diff.mnemonicPrefix": "false",
  "diff.submodule": "short",
  "i18n.commitEncoding": "UTF-8",
  "i18n.logOutputEncoding": "UTF-8",
  "log.showSignature": "false",
  "status.submoduleSummary": "false",
  "submodule.recurse": "false",
};
const UNDER_WAY = ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"] as const;
/** An index that a crash left behind is older than any call. */
const STALE_INDEX_MS = 15 * 60_000;

/**
 * A repository whose work tree is a workspace, which may hold anything.
 *
 * Git is told where its folder is and never looks for one in the work tree. It runs no program: no hooks, filters,
 * external differences, monitors, signatures or remotes, whether the repository's settings or planted attributes ask
 * for them. Paths are names, never patterns.
 */
export class Repository {
  readonly #place: RepositoryPlace;

  /** @throws `tools/no-repository` as {@link findGitDir}. */
  constructor(place: RepositoryPlace) {
    this.#place = { ...place, gitDir: findGitDir(place) };
  }

  async run(args: readonly string[], options: Run): Promise<string> {
    const quiet = { ...SETTINGS, ...(await this.#withoutPrograms(options.signal)) };
    const env = { ...this.#env(), ...settingsEnv(quiet), ...options.env };
    return git(this.#place.workTree, args, { ...options, env });
  }

  /** The newest commit, or undefined when there is none yet. */
  async head(signal: AbortSignal): Promise<string | undefined> {
    try {
      return (await this.run(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], { signal })).trim();
    } catch (error) {
      if (error instanceof AtosError && error.details?.["exitStatus"] === 1) return undefined;
      throw error;
    }
  }

  /** Works with a copy of the index, so that a call that is cut off leaves the true one as it was, and unlocked. */
  async withIndex<T>(work: (index: string) => Promise<T>): Promise<T> {
    const { gitDir } = this.#place;
    for (const name of await readdir(gitDir)) if (name.startsWith("atos-index-")) await removeStale(join(gitDir, name));
    const index = join(gitDir, `atos-index-${randomUUID()}`);
    try {
      if (existsSync(this.#index)) await copyIndex(this.#index, index);
      return await work(index);
    } finally {
      await rm(index, { force: true });
    }
  }

  /** As {@link withIndex}, while no other git may write the index: `take` puts the copy in its place. */
  async changeIndex<T>(
    work: (index: string, take: () => Promise<void>) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    await using _lock = await lockIndex(this.#index, signal);
    return await this.withIndex((index) => work(index, () => rename(index, this.#index)));
  }

  /** What a person began and has not ended, as git's own file or folder for it, or undefined. */
  get underWay(): string | undefined {
    return UNDER_WAY.find((name) => existsSync(join(this.#place.gitDir, name)));
  }

  get #index(): string {
    return join(this.#place.gitDir, "index");
  }

  #env(): Record<string, string> {
    return {
      GIT_DIR: this.#place.gitDir,
      GIT_WORK_TREE: this.#place.workTree,
      GIT_LITERAL_PATHSPECS: "1",
      GIT_OPTIONAL_LOCKS: "0",
      GIT_ATTR_NOSYSTEM: "1",
      // An object that is missing must not be fetched: a remote's settings name programs.
      GIT_NO_LAZY_FETCH: "1",
      GIT_ALLOW_PROTOCOL: "none",
    };
  }

  /** Settings that take every filter its programs: attributes in the work tree choose among them. */
  async #withoutPrograms(signal: AbortSignal): Promise<Record<string, string>> {
    const names = await git(this.#place.workTree, ["config", "--list", "--name-only", "-z"], {
      env: this.#env(),
      signal,
    });
    const none: Record<string, string> = {};
    for (const name of names.split("\0")) {
      if (/^filter\..*\.(?:clean|smudge|process)$/s.test(name)) none[name] = "";
      if (/^filter\..*\.required$/s.test(name)) none[name] = "false";
    }
    return none;
  }
}

/**
 * Git takes a file for unchanged when it has not been written since the index was: a copy must not be younger than
 * what it is a copy of. It is made a little older, by whole seconds, and git then looks into more files.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  const { mtimeMs } = await stat(from);
  await copyFile(from, to);
  const seconds = Math.floor(mtimeMs / 1000);
  await utimes(to, seconds, seconds);
}

async function removeStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && Date.now() - found.mtimeMs > STALE_INDEX_MS) await rm(path, { force: true });
}

/** Settings as git takes them from its environment, where a name may hold any character. Pure. */
function settingsEnv(settings: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(settings);
  return Object.fromEntries([
    ["GIT_CONFIG_COUNT", String(entries.length)],
    ...entries.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]),
  ]);
}
