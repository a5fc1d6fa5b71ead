import { relative } from "node:path";

/** A path as a person would type it: relative where that is shorter. */
export function showPath(path: string): string {
  const short = relative(process.cwd(), path);
  if (short === "") return ".";
  return short.startsWith("..") ? path : `./${short}`;
}
