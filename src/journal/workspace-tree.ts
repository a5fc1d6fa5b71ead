import { AtosError } from "../base/errors.ts";
import { git, gitBytes } from "./git.ts";
import type { WorkspaceBranch, WorkspaceEntry, WorkspaceLeaf } from "./workspace-entry.ts";

export type TreeLine = { readonly name: string; readonly mode: string; readonly hash: string };

const FOLDER_MODE = "40000";

/** The lines of a folder's git tree. Git has no trees without files: an empty folder is no line. */
export function treeLines(entries: ReadonlyMap<string, WorkspaceEntry>): TreeLine[] {
  const lines: TreeLine[] = [];
  for (const [name, entry] of entries) {
    if (entry.kind !== "folder") lines.push({ name, mode: modeOf(entry), hash: entry.hash });
    else if (entry.tree !== undefined) lines.push({ name, mode: FOLDER_MODE, hash: entry.tree });
  }
  return lines;
}

/** A git tree object's bytes. */
export function encodeTree(lines: readonly TreeLine[]): Buffer {
  // Git compares a folder's name as if it ended with a slash.
  const sorted = lines
    .map((line) => ({ line, key: line.mode === FOLDER_MODE ? `${line.name}/` : line.name }))
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
  return Buffer.concat(
    sorted.flatMap(({ line }) => [Buffer.from(`${line.mode} ${line.name}\0`, "latin1"), Buffer.from(line.hash, "hex")]),
  );
}

/** The tree that stands for a whole folder: its files, and what git forgets. */
export function snapshotTree(files: string, empty: string): Buffer {
  return encodeTree([
    { name: "files", mode: FOLDER_MODE, hash: files },
    { name: "empty", mode: "100644", hash: empty },
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
export async function readSnapshot(repository: string, snapshot: string): Promise<WorkspaceBranch> {
  const [files, empty, top] = await Promise.all([
    gitBytes(repository, ["ls-tree", "-r", "-t", "-z", `${snapshot}:files`]),
    gitBytes(repository, ["cat-file", "blob", `${snapshot}:empty`]),
    git(repository, ["rev-parse", "--verify", "--quiet", `${snapshot}:files`]),
  ]);
  const root = { kind: "folder", entries: new Map<string, WorkspaceEntry>(), tree: top.trim() } as const;
  // Git names a folder before what is in it.
  const folders = new Map<string, WorkspaceBranch>([["", root]]);
  const place = (path: string, entry: WorkspaceEntry) => {
    const slash = path.lastIndexOf("/");
    const folder = folders.get(path.slice(0, Math.max(0, slash)));
    if (folder === undefined) throw new Error(`a tree names ${path} before its folder`);
    folder.entries.set(path.slice(slash + 1), entry);
    if (entry.kind === "folder") folders.set(path, entry);
  };
  for (const line of split(files)) {
    const tab = line.indexOf("\t");
    const [mode = "", , hash = ""] = line.slice(0, tab).split(" ");
    place(line.slice(tab + 1), entryOf(mode, hash));
  }
  for (const path of split(empty)) {
    const parts = path.split("/");
    // Folders with nothing but empty folders are in no tree either.
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = parts.slice(0, depth).join("/");
      if (!folders.has(folder)) place(folder, { kind: "folder", entries: new Map() });
    }
  }
  return root;
}

function modeOf(leaf: WorkspaceLeaf): string {
  if (leaf.kind === "link") return "120000";
  return leaf.executable ? "100755" : "100644";
}

function entryOf(mode: string, hash: string): WorkspaceEntry {
  if (mode === "040000") return { kind: "folder", entries: new Map(), tree: hash };
  if (mode === "120000") return { kind: "link", hash, executable: false };
  if (mode === "100644" || mode === "100755") return { kind: "file", hash, executable: mode === "100755" };
  throw new AtosError(
    "journal/bad-snapshot",
    `A snapshot holds an entry of mode ${mode}, which no workspace can have.`,
  );
}

function split(list: Buffer): string[] {
  return list
    .toString("latin1")
    .split("\0")
    .filter((line) => line !== "");
}
