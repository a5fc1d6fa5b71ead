import { AtosError, EXIT } from "../base/errors.ts";
import { git, gitBytes } from "../journal/git.ts";
import type { Delivery } from "./deliver.ts";

const NOTHING = "0".repeat(40);
/** The repository may be anybody's: nothing is fetched for it by what its settings say. */
const HARD = { GIT_ALLOW_PROTOCOL: "none", GIT_NO_LAZY_FETCH: "1", GIT_OPTIONAL_LOCKS: "0" };
/** Who made the branch, in its log. */
const ATOS = { GIT_COMMITTER_NAME: "ATOS", GIT_COMMITTER_EMAIL: "atos@localhost" };

/**
 * Puts a commit on a new branch of an existing repository, which has `base` and all before it. Its work tree, its index and its other branches stay as
 * they are, and nothing of it is run.
 *
 * Safe to repeat: objects that are there already change nothing, and a branch that holds the commit, also with later
 * ones on it, is a delivery that was done.
 *
 * @throws {AtosError} `workflows/branch-exists` when the name was taken meanwhile by something else.
 */
export async function deliverToRepository(delivery: Delivery, base: string): Promise<void> {
  const { directory, commit, branch, repository, buildId } = delivery;
  const reference = `refs/heads/${branch}`;
  const found = await refersTo(directory, reference);
  if (found === undefined) {
    // A pack, and no fetch: what a fetch does is decided by the settings of the repository that fetches.
    const input = `${commit}\n^${base}\n`;
    const pack = await gitBytes(repository, ["pack-objects", "--quiet", "--revs", "--stdout"], { input });
    await git(directory, ["index-pack", "--stdin"], { input: pack, env: HARD });
    await git(directory, ["update-ref", "-m", `atos: build ${buildId}`, reference, commit, NOTHING], {
      env: { ...HARD, ...ATOS },
    });
    return;
  }
  const arrived = await git(directory, ["merge-base", "--is-ancestor", commit, found], { env: HARD }).then(
    () => true,
    () => false,
  );
  if (!arrived)
    throw new AtosError(
      "workflows/branch-exists",
      `${directory} has a branch ${branch} now that is not of this build, so nothing was put there. Rename it (git branch -m ${branch} NAME), then: atos resume ${buildId}`,
      { exitCode: EXIT.usage },
    );
}

async function refersTo(directory: string, reference: string): Promise<string | undefined> {
  return git(directory, ["rev-parse", "--verify", "--quiet", `${reference}^{commit}`], { env: HARD }).then(
    (out) => out.trim(),
    (error: unknown) => {
      // Exit 1 without a word is git's way to say that there is none; anything else must not be taken for that.
      if (error instanceof AtosError && error.details?.["exitStatus"] === 1 && error.details["words"] === "")
        return undefined;
      throw error;
    },
  );
}
