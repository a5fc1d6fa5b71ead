import type { Repository } from "./repository.ts";

export type IndexEntry = {
  readonly mode: string;
  readonly hash: string;
  /** Above 0 while a conflict is not resolved. */
  readonly stage: number;
  readonly path: string;
};

/** What an index holds. */
export async function indexEntries(
  repository: Repository,
  index: string,
  signal: AbortSignal,
): Promise<readonly IndexEntry[]> {
  const printed = await repository.run(["ls-files", "--stage", "-z"], { env: { GIT_INDEX_FILE: index }, signal });
  return printed
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const tab = line.indexOf("\t");
      const [mode = "", hash = "", stage = ""] = line.slice(0, tab).split(" ");
      return { mode, hash, stage: Number(stage), path: line.slice(tab + 1) };
    });
}

/** Whether it names a commit of another repository: a submodule, or one that was planted. Pure. */
export function isLink({ mode }: IndexEntry): boolean {
  return mode === "160000";
}
