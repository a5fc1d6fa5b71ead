import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AtosError } from "../base/errors.ts";
import { git } from "../journal/git.ts";

export type Delivery = {
  readonly buildId: string;
  /** Repository that holds `commit`. */
  readonly repository: string;
  readonly commit: string;
  readonly branch: string;
  /** Absolute; made if it is not there. */
  readonly directory: string;
};

/** While a delivery is under way this file names its build; one cut off by a crash is known by it. */
const MARK = "atos-delivery";

/**
 * Puts a commit into `directory` as a fresh git repository on `branch`.
 *
 * Safe to repeat: a half-made delivery of the same build is made anew, a finished one is left
 * alone. What else is in the folder is left alone too, and is an error.
 *
 * @throws {AtosError} `workflows/directory-not-empty`
 */
export async function deliver(delivery: Delivery): Promise<void> {
  const { directory, commit, branch, repository, buildId } = delivery;
  await mkdir(directory, { recursive: true });
  const found = await inspect(directory, delivery);
  // All that a crash left to do, if anything: a person may have gone on there since.
  if (found === "delivered") return rm(join(directory, ".git", MARK), { force: true });
  if (found === "foreign") {
    throw new AtosError(
      "workflows/directory-not-empty",
      `${directory} is no longer empty, so nothing was put there. Empty it, then: atos resume ${buildId}`,
      { exitCode: 2 },
    );
  }
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
  await mkdir(join(directory, ".git"));
  await writeFile(join(directory, ".git", MARK), `${buildId}\n`);
  await git(directory, ["init", "--quiet", `--initial-branch=${branch}`]);
  await git(directory, ["fetch", "--quiet", "--no-tags", repository, commit]);
  await git(directory, ["reset", "--quiet", "--hard", commit]);
  await rm(join(directory, ".git", "FETCH_HEAD"), { force: true });
  await rm(join(directory, ".git", MARK));
}

async function inspect(directory: string, { buildId, commit }: Delivery): Promise<"free" | "delivered" | "foreign"> {
  const names = await readdir(directory);
  if (names.length === 0) return "free";
  const mark = (await readFile(join(directory, ".git", MARK), "utf8").catch(() => undefined))?.trim();
  if (mark === buildId) return (await hasCommit(directory, commit)) ? "delivered" : "free";
  // Made in several moves: a crash between them leaves a .git with nothing, or with an empty mark.
  const inside = names.length === 1 && names[0] === ".git" ? await readdir(join(directory, ".git")) : undefined;
  if (inside?.length === 0 || (inside?.length === 1 && mark === "")) return "free";
  return (await hasCommit(directory, commit)) ? "delivered" : "foreign";
}

/** A person may have gone on from it already. */
function hasCommit(directory: string, commit: string): Promise<boolean> {
  return git(directory, ["merge-base", "--is-ancestor", commit, "HEAD"]).then(
    () => true,
    () => false,
  );
}
