import { AtosError } from "../../../base/errors.ts";
import { ToolFailure } from "../tool-failure.ts";
import type { Repository } from "./repository.ts";

export type Taking = { readonly index: string; readonly flags: readonly string[] };

/**
 * Puts all files of the work tree that are not ignored into an index.
 *
 * @throws {ToolFailure} for files that git can't take.
 */
export async function takeFiles(repository: Repository, { index, flags }: Taking, signal: AbortSignal): Promise<void> {
  try {
    await repository.run(["add", ...flags, "--", "."], { env: { GIT_INDEX_FILE: index }, signal });
  } catch (error) {
    if (!(error instanceof AtosError) || error.code !== "git/failed") throw error;
    const words = String(error.details?.["words"] ?? "").split("\n")[0] ?? "";
    const nested = /'(.+?)\/?' does not have a commit checked out/.exec(words)?.[1];
    throw nested === undefined ? new ToolFailure(`Git can't take the files: ${words}`) : nestedRepository(nested);
  }
}

export function nestedRepository(path: string): ToolFailure {
  return new ToolFailure(
    `${path} is a git repository of its own, which can't be part of this one; remove its .git by run_command, like: rm -rf '${path}/.git'`,
  );
}
