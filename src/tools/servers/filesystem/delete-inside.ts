import { opendirSync, rmdirSync, unlinkSync } from "node:fs";
import { isReservedName } from "../../../base/safe-path.ts";
import { ToolFailure } from "../tool-failure.ts";
import { touching } from "./file-failure.ts";
import { entryOf, type OpenedFolder, openFolder, partsOf } from "./opened-folder.ts";

const MAX_ENTRIES = 10_000;
const MAX_DEPTH = 100;

/**
 * Removes a file, a link (not what it leads to) or a folder of the workspace; a folder with something in it only when
 * told so.
 *
 * @returns how many entries went.
 * @throws {ToolFailure} when there is nothing to remove, or a folder holds too much, or a repository.
 */
export function deleteInside(root: string, path: string, options: { readonly recursive: boolean }): number {
  const parts = partsOf(path);
  const name = parts.at(-1) ?? "";
  using parent = openFolder(root, parts.slice(0, -1));
  return touching(path, () => {
    const entry = entryOf(parent, name);
    if (entry === undefined) throw new ToolFailure(`${path} does not exist; list_files shows what is there.`);
    if (!entry.isDirectory()) {
      unlinkSync(parent.at(name));
      return 1;
    }
    using folder = parent.folder(name);
    const count = options.recursive ? countIn(folder, path) : 0;
    if (!options.recursive && namesIn(folder, 1).length > 0)
      throw new ToolFailure(
        `${path} is a folder that is not empty; set recursive to true to delete all that is in it.`,
      );
    if (options.recursive) empty(folder, { path, depth: 0 });
    rmdirSync(parent.at(name));
    return count + 1;
  });
}

/** Looked at before anything goes, so that a refusal leaves everything there. */
function countIn(folder: OpenedFolder, path: string, depth = 0): number {
  const names = namesIn(folder, MAX_ENTRIES + 1);
  let count = names.length;
  if (names.some(isReservedName))
    throw new ToolFailure(`${path} holds a folder that belongs to git or ATOS; delete what is beside it one by one.`);
  if (depth > MAX_DEPTH) throw new ToolFailure(`${path} has more than ${MAX_DEPTH} folders within each other.`);
  for (const name of names) {
    if (count > MAX_ENTRIES) break;
    if (entryOf(folder, name)?.isDirectory() !== true) continue;
    using inner = folder.folder(name);
    count += countIn(inner, `${path}/${name}`, depth + 1);
  }
  if (count > MAX_ENTRIES)
    throw new ToolFailure(`${path} holds more than ${MAX_ENTRIES} files; delete it with run_command, or in parts.`);
  return count;
}

function empty(folder: OpenedFolder, at: { readonly path: string; readonly depth: number }): void {
  if (at.depth > MAX_DEPTH + 1) throw new ToolFailure(`${at.path} changed while it was deleted; try again.`);
  for (const name of namesIn(folder, MAX_ENTRIES)) {
    if (isReservedName(name)) throw new ToolFailure(`${at.path} changed while it was deleted; try again.`);
    if (entryOf(folder, name)?.isDirectory() !== true) {
      unlinkSync(folder.at(name));
      continue;
    }
    {
      using inner = folder.folder(name);
      empty(inner, { path: `${at.path}/${name}`, depth: at.depth + 1 });
    }
    rmdirSync(folder.at(name));
  }
}

function namesIn(folder: OpenedFolder, most: number): string[] {
  const directory = opendirSync(folder.place);
  try {
    const names: string[] = [];
    for (let entry = directory.readSync(); entry !== null && names.length < most; entry = directory.readSync())
      names.push(entry.name);
    return names;
  } finally {
    directory.closeSync();
  }
}
