import { AtosError } from "../base/errors.ts";
import type { ObjectStore } from "./object-store.ts";
import { encodeTree, MODE, submoduleError, type TreeLine } from "./tree-lines.ts";
import { checkSize } from "./tree-walk.ts";
import type { WorkspaceBranch, WorkspaceEntry, WorkspaceLeaf } from "./workspace-entry.ts";
import { textOf } from "./workspace-place.ts";

/** The lines of a folder's git tree. Git has no trees without files: an empty folder is no line. */
export function treeLines(entries: ReadonlyMap<string, WorkspaceEntry>): TreeLine[] {
  const lines: TreeLine[] = [];
  for (const [name, entry] of entries) {
    if (entry.kind !== "folder") lines.push({ name, mode: modeOf(entry), hash: entry.hash });
    else if (entry.tree !== undefined) lines.push({ name, mode: MODE.folder, hash: entry.tree });
  }
  return lines;
}

/** The tree that stands for a whole folder: its files, and what git forgets. */
export function snapshotTree(files: string, empty: string): Buffer {
  return encodeTree([
    { name: "files", mode: MODE.folder, hash: files },
    { name: "empty", mode: MODE.file, hash: empty },
  ]);
}

/** The folders with nothing in them, sorted, each ended by a zero byte. */
export function encodeEmptyFolders(root: WorkspaceBranch): Buffer {
  const found: string[] = [];
  const visit = (folder: WorkspaceBranch, path: string) => {
    for (const [name, entry] of folder.entries) {
      if (entry.kind !== "folder") continue;
      if (entry.entries.size === 0) found.push(`${path}${name}\0`);
      else visit(entry, `${path}${name}/`);
    }
  };
  visit(root, "");
  return Buffer.from(found.toSorted((one, other) => (one < other ? -1 : 1)).join(""), "latin1");
}

/** What a folder at `snapshot` must hold. */
export async function readSnapshot(objects: ObjectStore, snapshot: string): Promise<WorkspaceBranch> {
  const parts = await snapshotParts(objects, snapshot);
  const root = await readBranch(objects, parts.files);
  for (const path of split(await objects.read(parts.empty, "blob"))) {
    let folder = root;
    // Folders with nothing but empty folders are in no tree either.
    for (const name of path.split("/")) {
      const found = folder.entries.get(name);
      if (found !== undefined && found.kind !== "folder") throw badSnapshot(snapshot);
      const child: WorkspaceBranch = found ?? { kind: "folder", entries: new Map() };
      folder.entries.set(name, child);
      folder = child;
    }
  }
  return root;
}

/** The tree of a snapshot's files, and the blob that names its empty folders. */
export async function snapshotParts(
  objects: ObjectStore,
  snapshot: string,
): Promise<{ readonly files: string; readonly empty: string }> {
  const lines = await objects.tree(snapshot);
  const hashOf = (wanted: string) => lines.find(({ name }) => name === wanted)?.hash;
  const files = hashOf("files");
  const empty = hashOf("empty");
  if (files === undefined || empty === undefined) throw badSnapshot(snapshot);
  return { files, empty };
}

/** What a folder that holds `tree` must hold. */
export async function readBranch(objects: ObjectStore, tree: string): Promise<WorkspaceBranch> {
  let count = 0;
  const visit = async (hash: string, depth: number): Promise<WorkspaceBranch> => {
    const entries = new Map<string, WorkspaceEntry>();
    for (const { name, mode, hash: child } of await objects.tree(hash)) {
      checkSize(tree, ++count, depth);
      entries.set(name, mode === MODE.folder ? await visit(child, depth + 1) : leafOf(name, mode, child));
    }
    return { kind: "folder", entries, tree: hash };
  };
  return visit(tree, 0);
}

function modeOf(leaf: WorkspaceLeaf): string {
  if (leaf.kind === "link") return MODE.link;
  return leaf.executable ? MODE.executable : MODE.file;
}

function leafOf(name: string, mode: string, hash: string): WorkspaceEntry {
  if (mode === MODE.link) return { kind: "link", hash, executable: false };
  if (mode === MODE.file || mode === MODE.executable)
    return { kind: "file", hash, executable: mode === MODE.executable };
  throw submoduleError(textOf(name));
}

function badSnapshot(snapshot: string): AtosError {
  return new AtosError("journal/bad-snapshot", `${snapshot} is no snapshot of a workspace.`);
}

function split(list: Buffer): string[] {
  return list
    .toString("latin1")
    .split("\0")
    .filter((line) => line !== "");
}
