import { MODE, type TreeLine } from "./tree-lines.ts";
import { checkSize, type ReadTree, walkTree } from "./tree-walk.ts";

/**
 * What a path held in one tree and holds in another; undefined where nothing but perhaps a folder is. The path is
 * bytes, one character for each (`latin1`).
 */
export type TreeChange = {
  readonly path: string;
  readonly from: TreeLine | undefined;
  readonly to: TreeLine | undefined;
};

/** Where two trees differ, by the paths' bytes. A file that became a folder is removed, and what is in it is added. */
export async function treeChanges(readTree: ReadTree, from: string, to: string): Promise<TreeChange[]> {
  const changes: TreeChange[] = [];
  let entries = 0;
  const filesIn = async (line: TreeLine | undefined, path: string) => {
    if (line?.mode !== MODE.folder) return line === undefined ? [] : [{ path, line }];
    const below = await walkTree(readTree, line.hash);
    return below.map((file) => ({ ...file, path: `${path}/${file.path}` }));
  };
  const visit = async (one: string, other: string, folder: string): Promise<void> => {
    const before = byName(await readTree(one));
    const after = byName(await readTree(other));
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [old, made, path] = [before.get(name), after.get(name), folder + name];
      checkSize(to, ++entries, path.split("/").length);
      if (isSame(old, made)) continue;
      if (old !== undefined && made !== undefined && isFolder(old) === isFolder(made)) {
        if (isFolder(old)) await visit(old.hash, made.hash, `${path}/`);
        else changes.push({ path, from: old, to: made });
        continue;
      }
      for (const file of await filesIn(old, path)) changes.push({ path: file.path, from: file.line, to: undefined });
      for (const file of await filesIn(made, path)) changes.push({ path: file.path, from: undefined, to: file.line });
    }
  };
  if (from !== to) await visit(from, to, "");
  return changes.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

/** Whether both name the same thing of the same kind, or nothing. */
export function isSame(one: TreeLine | undefined, other: TreeLine | undefined): boolean {
  return one?.hash === other?.hash && one?.mode === other?.mode;
}

function isFolder({ mode }: TreeLine): boolean {
  return mode === MODE.folder;
}

function byName(lines: readonly TreeLine[]): ReadonlyMap<string, TreeLine> {
  return new Map(lines.map((line) => [line.name, line]));
}
