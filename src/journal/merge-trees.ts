import { type GitObject, objectHash } from "./git-object.ts";
import { mergeText } from "./merge-text.ts";
import type { ObjectStore } from "./object-store.ts";
import { isSame, type TreeChange, treeChanges } from "./tree-changes.ts";
import { editTree, type MadeTree } from "./tree-edit.ts";
import { MODE, type TreeLine } from "./tree-lines.ts";
import { findInTree, type ReadTree, type TreePath, walkTree } from "./tree-walk.ts";

export type MergeRequest = { readonly base: string; readonly ours: string; readonly theirs: string };

/** What a path holds as it was and on both sides. Undefined where it is not there, or a folder is. */
export type MergeSides = {
  readonly base: TreeLine | undefined;
  readonly ours: TreeLine | undefined;
  readonly theirs: TreeLine | undefined;
};

export type TreeMerge = MadeTree & {
  /** By path, sorted; paths are bytes, one character for each (`latin1`). */
  readonly conflicts: readonly (readonly [string, MergeSides])[];
};

/**
 * Merges two trees that were made of `base`, path by path: what one side left alone is taken from the other; a text
 * that both changed is merged by its lines. A renamed file is one that went and one that came. Where there is a
 * conflict the tree has what `ours` has.
 *
 * The same trees give the same result. Writes no object: what the tree needs is in `made`.
 */
export async function mergeTrees(objects: ObjectStore, { base, ours, theirs }: MergeRequest): Promise<TreeMerge> {
  const readTree = (hash: string) => objects.tree(hash);
  const own = new Map((await treeChanges(readTree, base, ours)).map((change) => [change.path, change]));
  const made = new Map<string, GitObject>();
  const conflicts = new Map<string, MergeSides>();
  const write = new Map<string, TreeLine>();
  const remove: string[] = [];
  for (const { path, from, to } of await treeChanges(readTree, base, theirs)) {
    const change = own.get(path);
    const sides = { base: from, ours: change?.to, theirs: to };
    const line = change === undefined ? to : await mergeFile(objects, sides, made);
    if (line === "conflict") conflicts.set(path, sides);
    else if (change !== undefined && isSame(line, change.to)) continue;
    else if (line === undefined) remove.push(path);
    else write.set(path, line);
  }
  const wanted = new Map([...conflicts].filter(([, sides]) => sides.ours === undefined));
  // Had it been there before, both sides would have changed it.
  for (const [path, theirs] of write) wanted.set(path, { base: undefined, ours: undefined, theirs });
  for (const [path, sides] of await findClashes(readTree, ours, { own, wanted, remove: new Set(remove) })) {
    write.delete(path);
    conflicts.set(path, sides);
  }
  const edited = await editTree(readTree, ours, { write, remove });
  const sorted = [...conflicts].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { tree: edited.tree, made: new Map([...made, ...edited.made]), conflicts: sorted };
}

/** What becomes of a path that both sides changed. */
async function mergeFile(
  objects: ObjectStore,
  { base, ours, theirs }: MergeSides,
  made: Map<string, GitObject>,
): Promise<TreeLine | undefined | "conflict"> {
  if (isSame(ours, theirs)) return ours;
  if (!isFile(base) || !isFile(ours) || !isFile(theirs)) return "conflict";
  const mode = ours.mode === base.mode ? theirs.mode : ours.mode;
  if (ours.hash === theirs.hash || theirs.hash === base.hash) return { ...ours, mode };
  if (ours.hash === base.hash) return { ...theirs, mode };
  const bytes = await mergeText(objects.repository, {
    base: await objects.blob(base.hash),
    ours: await objects.blob(ours.hash),
    theirs: await objects.blob(theirs.hash),
  });
  if (bytes === undefined) return "conflict";
  const hash = objectHash("blob", bytes);
  made.set(hash, { type: "blob", bytes });
  return { ...ours, mode, hash };
}

type Edits = {
  readonly own: ReadonlyMap<string, TreeChange>;
  readonly wanted: ReadonlyMap<string, MergeSides>;
  readonly remove: ReadonlySet<string>;
};

/** What `theirs` has where a folder of `ours` is, or below a file of `ours`; and those files. */
async function findClashes(readTree: ReadTree, ours: string, edits: Edits): Promise<Map<string, MergeSides>> {
  const clashes = new Map<string, MergeSides>();
  for (const [path, sides] of edits.wanted) {
    const inTheWay = await findInTheWay(readTree, ours, { path, remove: edits.remove });
    if (inTheWay === undefined) continue;
    clashes.set(path, sides);
    if (inTheWay.line.mode === MODE.folder) continue;
    const base = edits.own.get(inTheWay.path)?.from;
    clashes.set(inTheWay.path, { base, ours: inTheWay.line, theirs: undefined });
  }
  return clashes;
}

/** The file of `ours` that stays where a folder must be, or the folder that stays where a file must be. */
async function findInTheWay(
  readTree: ReadTree,
  ours: string,
  { path, remove }: { readonly path: string; readonly remove: ReadonlySet<string> },
): Promise<TreePath | undefined> {
  const parts = path.split("/");
  for (let depth = 1; depth < parts.length; depth++) {
    const folder = parts.slice(0, depth).join("/");
    const line = await findInTree(readTree, ours, folder);
    if (line?.mode === MODE.folder) continue;
    return line === undefined || remove.has(folder) ? undefined : { path: folder, line };
  }
  const line = await findInTree(readTree, ours, path);
  if (line?.mode !== MODE.folder) return undefined;
  const files = await walkTree(readTree, line.hash);
  return files.every((file) => remove.has(`${path}/${file.path}`)) ? undefined : { path, line };
}

function isFile(line: TreeLine | undefined): line is TreeLine {
  return line?.mode === MODE.file || line?.mode === MODE.executable;
}
