export type Change = { readonly path: string; readonly state: "new" | "changed" | "deleted" | "conflict" };
export type Status = { readonly branch: string; readonly changes: readonly Change[] };

/** Reads `git status --porcelain=v2 --branch -z`, without renames. Pure. */
export function readStatus(output: string): Status {
  let branch = "";
  const changes: Change[] = [];
  // What follows the last NUL is nothing, or an entry that was cut off.
  for (const entry of output.split("\0").slice(0, -1)) {
    if (entry.startsWith("# branch.head ")) branch = entry.slice("# branch.head ".length);
    if (entry.startsWith("? ")) changes.push({ path: entry.slice(2), state: "new" });
    if (entry.startsWith("1 ")) changes.push({ path: fieldsAfter(entry, 8), state: stateOf(entry.slice(2, 4)) });
    if (entry.startsWith("u ")) changes.push({ path: fieldsAfter(entry, 10), state: "conflict" });
  }
  return { branch, changes };
}

function stateOf(letters: string): Change["state"] {
  if (letters.includes("D")) return "deleted";
  return letters.includes("A") ? "new" : "changed";
}

/** A path may hold spaces, and comes last. */
function fieldsAfter(entry: string, count: number): string {
  return entry.split(" ").slice(count).join(" ");
}
