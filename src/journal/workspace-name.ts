/** What a Mac's file system takes for nothing at all in a name. */
const IGNORED_BY_HFS = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Why an entry of this name can't be part of a git tree, or undefined when it can.
 *
 * Git refuses what any file system may take for `.git`: by its case, by characters that a Mac ignores, by the short
 * names, dots, spaces, streams and backslashes of Windows. A tree that it refuses nobody can check out.
 */
export function nameProblem(name: string, kind: "file" | "folder" | "link"): string | undefined {
  for (const part of name.split("\\")) {
    const plain = part
      .replace(/:.*/s, "")
      .replace(/[. ]+$/, "")
      .replace(IGNORED_BY_HFS, "")
      .toLowerCase();
    if (plain === ".git" || plain === "git~1") return "is, to git, a repository of its own";
    if (kind === "link" && (plain === ".gitmodules" || /^g[a-z0-9]*~\d+$/.test(plain)))
      return "is a link by a name that git reads settings from";
  }
  return undefined;
}
