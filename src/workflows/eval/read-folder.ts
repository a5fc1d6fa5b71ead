import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { WorkspaceFile } from "../../journal/workspaces.ts";

const NOT_READ: ReadonlySet<string> = new Set([".git", ".atos", "node_modules", "__pycache__", ".pytest_cache"]);
const MAX_DEPTH = 12;
const MAX_FILES = 1000;
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The text files of a folder, in the order of their paths; none where it is not there. What can be no code is left
 * out: links, larger files, and the folders that git, ATOS and package managers keep.
 */
export async function readFolder(directory: string): Promise<readonly WorkspaceFile[]> {
  const files: WorkspaceFile[] = [];
  let level = [""];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      for (const entry of await entriesOf(join(directory, folder))) {
        const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory() && !NOT_READ.has(entry.name)) next.push(path);
        if (!entry.isFile() || files.length >= MAX_FILES) continue;
        if ((await stat(join(directory, path))).size > MAX_FILE_BYTES) continue;
        files.push({ path, content: await readFile(join(directory, path), "utf8") });
      }
    }
    level = next;
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function entriesOf(folder: string) {
  return readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
}
