const MAX_BYTES = 240;

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
