import { plainArgument } from "../plain-argument.ts";

export type PlainPath = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly why: string };

const MAX_CHARS = 4096;

/**
 * The one form of a path of the workspace that rules are compared with: relative, without `.` parts and doubled
 * slashes, and without `/workspace` before it; the workspace itself is "". What could mean a file in two ways is none: `..`, characters that can't be seen
 * or that a file system takes for others, dots and blanks at the end of a name. Pure.
 */
export function plainPath(written: string): PlainPath {
  if (written.length > MAX_CHARS) return { ok: false, why: `it is longer than ${MAX_CHARS} characters` };
  const path = plainArgument(written);
  const why = pathProblem(path);
  if (why !== undefined) return { ok: false, why };
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return { ok: true, path: parts.join("/") };
}

function pathProblem(path: string): string | undefined {
  if (path.startsWith("/") || path.startsWith("~")) return "it does not begin in the workspace";
  if (/[^\P{C}]|[^\P{Z} ]/u.test(path)) return "it has characters that can't be seen";
  if (path.includes("\\")) return "it has a backslash";
  if (path !== path.normalize("NFKC") || /[\u2044\u2215\u29f8\u2216]/.test(path))
    return "it has characters that look like others";
  const parts = path.split("/");
  if (parts.includes("..")) return 'it goes up with ".."';
  if (parts.some((part) => part !== "." && /^ |[ .]$/.test(part)))
    return "a name in it begins with a blank, or ends with a blank or a dot";
  return undefined;
}
