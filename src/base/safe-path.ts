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
 * What is wrong with `path` as the place of a file in a workspace, or undefined when it is fine: relative, below the
 * workspace, not in `.git` or `.atos`, and made of characters that every file system and every eye tells apart.
 */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "the path is empty";
  if (Buffer.byteLength(path) > MAX_BYTES) return `the path is longer than ${MAX_BYTES} bytes`;
  if (path.startsWith("/")) return "the path is absolute";
  // A program that is handed the path would take it for an option.
  if (path.startsWith("-")) return "the path begins with -";
  if (!/^[\p{L}\p{M}\p{N}_./@+ ()[\]{}#=,;!'~$%&^-]+$/u.test(path) || path.normalize("NFKC") !== path)
    return "the path has characters other than letters, digits, plain spaces and common punctuation";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.trim() !== part))
    return "the path is not in its plain form";
  if (parts.some(isReservedName)) return "the path is in a folder that belongs to git or ATOS";
  return undefined;
}

/** Whether a file system, somewhere, takes this name for the folder of git or of ATOS. */
export function isReservedName(name: string): boolean {
  // Windows drops dots and spaces at the end and has short names.
  return /^(?:\.git|\.atos|git~\d+)$/.test(name.toLowerCase().replace(/[. ]+$/, ""));
}
