import type { Repository } from "./repository.ts";

export type FilesDiff = {
  readonly diff: string;
  /** Folders that are git repositories of their own, which are not looked into. */
  readonly nested: readonly string[];
};

type DiffOrder = { readonly index: string; readonly only: readonly string[]; readonly maxBytes: number };

/** The work tree against the newest commit, new files among it. Changes `index`; makes no object. */
export async function diffFiles(
  repository: Repository,
  { index, only, maxBytes }: DiffOrder,
  signal: AbortSignal,
): Promise<FilesDiff> {
  const env = { GIT_INDEX_FILE: index };
  const listed = await repository.run(["ls-files", "--others", "--exclude-standard", "-z"], { env, signal });
  const others = listed.split("\0").filter((path) => path !== "");
  const files = others.filter((path) => !path.endsWith("/"));
  const idOfNothing = async (type: string) =>
    (await repository.run(["hash-object", "-t", type, "--stdin"], { signal })).trim();
  if (files.length > 0) {
    // As empty files: git then sees that they have more in them, and shows them as new.
    const empty = await idOfNothing("blob");
    const input = files.map((path) => `100644 ${empty} 0\t${path}\0`).join("");
    await repository.run(["update-index", "--replace", "-z", "--index-info"], { env, input, signal });
  }
  const base = (await repository.head(signal)) ?? (await idOfNothing("tree"));
  const flags = ["--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--ignore-submodules=all"];
  const args = ["diff", ...flags, "--end-of-options", base, "--", ...only];
  const nested = others.filter((path) => path.endsWith("/")).map((path) => path.slice(0, -1));
  return { diff: await repository.run(args, { env, maxBytes, signal }), nested };
}
