import { AtosError } from "../base/errors.ts";
import { type GitObject, objectHash } from "./git-object.ts";
import { EMPTY_TREE, encodeTree, MODE } from "./tree-lines.ts";
import type { ReadTree } from "./tree-walk.ts";
import { textOf } from "./workspace-place.ts";

/** What a path is to hold. Without a mode: a file that is executable where there was one. */
export type TreeLeaf = { readonly hash: string; readonly mode?: string };

/** Paths are bytes, one character for each (`latin1`). */
export type TreeEdits = {
  readonly write: ReadonlyMap<string, TreeLeaf>;
  /** Goes first, folders with all that is in them. What is not there is left out. */
  readonly remove: readonly string[];
};

/** A tree, and the tree objects by hash that may have to be written for it. */
export type MadeTree = { readonly tree: string; readonly made: ReadonlyMap<string, GitObject> };

type Edit = { readonly path: string; readonly parts: readonly string[]; readonly leaf?: TreeLeaf };

/**
 * The tree that `edits` make of `base`. What stood at a written path goes, but for the executable bit of a file.
 * Folders with nothing in them go, as git has none. Reads nothing but trees, and writes nothing.
 *
 * @throws `journal/bad-path` where a path would have to be both a file and a folder.
 */
export async function editTree(readTree: ReadTree, base: string, edits: TreeEdits): Promise<MadeTree> {
  const made = new Map<string, GitObject>();
  const removals = edits.remove.map((path): Edit => ({ path, parts: path.split("/") }));
  const writes = [...edits.write].map(([path, leaf]): Edit => ({ path, parts: path.split("/"), leaf }));

  const visit = async (hash: string, below: readonly Edit[], depth: number): Promise<string> => {
    const lines = new Map((await readTree(hash)).map((line) => [line.name, line]));
    const isHere = ({ parts }: Edit) => parts.length === depth + 1;
    const nameOf = ({ parts }: Edit) => parts[depth] ?? "";
    for (const edit of below) if (isHere(edit) && edit.leaf === undefined) lines.delete(nameOf(edit));
    const deeper = Map.groupBy(
      below.filter((edit) => !isHere(edit)),
      nameOf,
    );
    for (const [name, group] of deeper) {
      const line = lines.get(name);
      const isFolder = line?.mode === MODE.folder;
      const written = group.find(({ leaf }) => leaf !== undefined);
      if (line !== undefined && !isFolder && written !== undefined) throw bothError(written, depth);
      // Nothing is there to be removed.
      if (!isFolder && written === undefined) continue;
      const child = await visit(isFolder ? line.hash : EMPTY_TREE, group, depth + 1);
      if (child === EMPTY_TREE) lines.delete(name);
      else lines.set(name, { name, mode: MODE.folder, hash: child });
    }
    for (const edit of below) {
      if (!isHere(edit) || edit.leaf === undefined) continue;
      const name = nameOf(edit);
      const before = lines.get(name)?.mode;
      if (before === MODE.folder) throw folderError(edit);
      const mode = edit.leaf.mode ?? (before === MODE.executable ? MODE.executable : MODE.file);
      lines.set(name, { name, mode, hash: edit.leaf.hash });
    }
    const bytes = encodeTree([...lines.values()]);
    const tree = objectHash("tree", bytes);
    made.set(tree, { type: "tree", bytes });
    return tree;
  };

  return { tree: await visit(base, [...removals, ...writes], 0), made };
}

function bothError({ path, parts }: Edit, depth: number): AtosError {
  const file = textOf(parts.slice(0, depth + 1).join("/"));
  return new AtosError("journal/bad-path", `${file} can't be both a file and the folder of ${textOf(path)}`);
}

function folderError({ path }: Edit): AtosError {
  return new AtosError("journal/bad-path", `${textOf(path)} can't be written as a file: it is a folder`);
}
