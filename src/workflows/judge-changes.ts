import type { PathChange } from "../journal/workspaces.ts";
import { matchGlob } from "../tools/servers/filesystem/match-glob.ts";

/** What a developer who acts in a folder may leave there. */
export type ChangeRule = {
  readonly mayWrite: ReadonlySet<string>;
  /** Lines of `.gitignore` files: what builds and tests leave behind. */
  readonly ignored: readonly string[];
};

/** Changes to a folder, by what becomes of them. Sorted as they were given. */
export type JudgedChanges = {
  /** Not the task's, and there before: they go back to what they were. */
  readonly putBack: readonly string[];
  /** Not the task's, and new: nobody knows what they are for. */
  readonly foreign: readonly string[];
};

/** What tools of every language leave, whatever a project says. */
const ALWAYS = ["__pycache__/", ".pytest_cache/", "*.pyc", "node_modules/"];

/** What becomes of changes that are not the task's. What is ignored and new is in neither list: it is dropped. Pure. */
export function judgeChanges(changes: readonly PathChange[], { mayWrite, ignored }: ChangeRule): JudgedChanges {
  const globs = [...ALWAYS, ...ignored].flatMap(globsOf);
  const others = changes.filter(({ path }) => !mayWrite.has(path));
  const isDropped = (path: string): boolean => globs.some((glob) => matchGlob(glob, path));
  return {
    putBack: others.filter(({ kind }) => kind !== "added").map(({ path }) => path),
    foreign: others.filter(({ kind, path }) => kind === "added" && !isDropped(path)).map(({ path }) => path),
  };
}

/** The paths that one line of a `.gitignore` is about. A line that takes something back is left out: what it names is then foreign at worst. */
function globsOf(line: string): readonly string[] {
  const text = line.trim();
  if (text === "" || text.startsWith("#") || text.startsWith("!")) return [];
  const name = text.replace(/\/+$/, "");
  const anchored = name.includes("/");
  const path = anchored ? name.replace(/^\//, "") : `**/${name}`;
  // A glob's `**` may stand for nothing: a name is a file, or a folder with all that is in it.
  return [text.endsWith("/") ? `${path}/*/**` : `${path}/**`];
}
