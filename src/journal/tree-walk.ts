import { setImmediate } from "node:timers/promises";
import { MODE, repositoryError, type TreeLine } from "./tree-lines.ts";

export type ReadTree = (hash: string) => Promise<readonly TreeLine[]>;

/** A file, link or submodule of a tree. The path is bytes, one character for each (`latin1`). */
export type TreePath = { readonly path: string; readonly line: TreeLine };

const MAX_DEPTH = 100;
const MAX_ENTRIES = 1_000_000;
/** The event loop gets its turn after so many. */
const ENTRIES_A_SLICE = 1024;

/**
 * Keeps a tree from being endless work: one of a few lines that all name one tree of a few lines stands for more files
 * than there is room for.
 *
 * @throws `journal/bad-repository`
 */
export function checkSize(root: string, entries: number, depth: number): void {
  if (entries > MAX_ENTRIES) throw repositoryError(`holds more than ${MAX_ENTRIES} entries in the tree ${root}`);
  if (depth > MAX_DEPTH) throw repositoryError(`holds folders deeper than ${MAX_DEPTH} in the tree ${root}`);
}

/** All that is in a tree but for its folders, in git's order: by the paths' bytes. */
export async function walkTree(readTree: ReadTree, root: string): Promise<TreePath[]> {
  const found: TreePath[] = [];
  let entries = 0;
  const visit = async (hash: string, folder: string, depth: number) => {
    for (const line of await readTree(hash)) {
      checkSize(root, ++entries, depth);
      if (entries % ENTRIES_A_SLICE === 0) await setImmediate();
      if (line.mode === MODE.folder) await visit(line.hash, `${folder}${line.name}/`, depth + 1);
      else found.push({ path: folder + line.name, line });
    }
  };
  await visit(root, "", 0);
  return found;
}

/** What a tree holds at `path`, folders included; undefined where there is nothing. */
export async function findInTree(readTree: ReadTree, root: string, path: string): Promise<TreeLine | undefined> {
  let found: TreeLine = { name: "", mode: MODE.folder, hash: root };
  for (const name of path.split("/")) {
    if (found.mode !== MODE.folder) return undefined;
    const next = (await readTree(found.hash)).find((line) => line.name === name);
    if (next === undefined) return undefined;
    found = next;
  }
  return found;
}
