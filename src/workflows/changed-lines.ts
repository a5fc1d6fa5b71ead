import { git } from "../journal/git.ts";
import type { Workspaces } from "../journal/workspaces.ts";

/** A file that differs between two trees; lines are left out of what is no text. */
export type ChangedLines = {
  readonly path: string;
  readonly kind: "added" | "changed" | "removed";
  readonly added?: number;
  readonly removed?: number;
};

/** How many lines of which files differ between two trees, sorted by path. */
export async function changedLines(workspaces: Workspaces, from: string, to: string): Promise<readonly ChangedLines[]> {
  const options = ["-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv"];
  const out = await git(workspaces.repository, ["diff-tree", ...options, "--end-of-options", from, to]);
  const counted = readNumstat(out);
  const changes = await workspaces.changedPaths(from, to);
  return changes.map(({ path, kind }) => ({ path, kind, ...counted.get(path) }));
}

/** What `git diff --numstat -z` says: by path, lines added and removed; not of what git takes for binary. Pure. */
export function readNumstat(out: string): ReadonlyMap<string, { readonly added: number; readonly removed: number }> {
  const rows = out.split("\0").flatMap((line) => {
    const [, added = "", removed = "", path = ""] = /^(\d+|-)\t(\d+|-)\t(.+)$/s.exec(line) ?? [];
    return added === "" || added === "-" ? [] : [[path, { added: Number(added), removed: Number(removed) }] as const];
  });
  return new Map(rows);
}
