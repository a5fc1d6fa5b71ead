import { pathProblem } from "../../../base/safe-path.ts";

/** A path as a line of text shows it: one with odd characters in quotes, for it may hold a line feed and pass for two. */
export function shownPath(path: string): string {
  return pathProblem(path) === undefined ? path : JSON.stringify(path);
}
