const MAX_BYTES = 240;

/** Two of `paths` of which one would have to be both a file and a folder, or undefined. */
export function pathConflict(paths: readonly string[]): string | undefined {
  const files = new Set(paths);
  for (const path of paths) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth++) {
      const folder = parts.slice(0, depth).join("/");
      if (files.has(folder)) return `${folder} can't be both a file and the folder of ${path}`;
    }
  }
  return undefined;
}

/**
 * What is wrong with `path` as the place of a file in a workspace, or undefined when it is fine:
 * relative, below the workspace, not in `.git` or `.atos`, and made of plain characters.
 */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "the path is empty";
  if (Buffer.byteLength(path) > MAX_BYTES) return `the path is longer than ${MAX_BYTES} bytes`;
  if (!/^[\w./@+ -]+$/.test(path)) return "the path has characters other than letters, digits and ._-/@+";
  if (path.startsWith("/")) return "the path is absolute";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.trim() !== part))
    return "the path is not in its plain form";
  if (parts.some((part) => [".git", ".atos"].includes(part.toLowerCase())))
    return "the path is in a folder that belongs to git or ATOS";
  return undefined;
}
