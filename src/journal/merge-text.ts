import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AtosError } from "../base/errors.ts";
import { gitBytes } from "./git.ts";

export type TextMerge = { readonly base: Buffer; readonly ours: Buffer; readonly theirs: Buffer };

/** Files of this name are left in the repository by a crash only. */
export const MERGE_PREFIX = "merge-";
/** Git looks for a zero byte so far, and takes a file that has one for binary. */
const BINARY_LOOK_BYTES = 8000;
/** What `git merge-file` exits with beyond the number of conflicts. */
const MOST_CONFLICTS = 127;

/** The text that has what both sides changed, or undefined where they changed the same lines or it is no text. */
export async function mergeText(repository: string, merge: TextMerge): Promise<Buffer | undefined> {
  const sides = [merge.ours, merge.base, merge.theirs];
  if (sides.some((bytes) => bytes.subarray(0, BINARY_LOOK_BYTES).includes(0))) return undefined;
  const name = join(repository, MERGE_PREFIX + randomUUID());
  const files = sides.map((bytes, index) => ({ path: `${name}-${index}`, bytes }));
  try {
    for (const { path, bytes } of files) await writeFile(path, bytes, { mode: 0o600 });
    return await gitBytes(repository, ["merge-file", "-p", "--quiet", ...files.map(({ path }) => path)]);
  } catch (error) {
    const status = error instanceof AtosError ? error.details?.["exitStatus"] : undefined;
    if (typeof status === "number" && status <= MOST_CONFLICTS) return undefined;
    throw error;
  } finally {
    for (const { path } of files) await rm(path, { force: true });
  }
}
