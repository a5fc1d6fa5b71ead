import { randomBytes } from "node:crypto";
import { closeSync, constants, fchmodSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { ToolFailure } from "../tool-failure.ts";
import { touching } from "./file-failure.ts";
import { entryOf, type OpenedFolder, openFolder, partsOf } from "./opened-folder.ts";
import { MAX_FILE_BYTES } from "./read-inside.ts";

const MAKING = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export type Written = { readonly bytes: number; readonly created: boolean };

/**
 * Writes the workspace's file `path`, whole or not at all, and makes the folders it lies in.
 *
 * The file is new: one with other hard links is replaced under this name only. A file's permissions stay.
 *
 * @throws {ToolFailure} for a path that leaves the workspace, anything there that is no regular file, or too much.
 */
export function writeInside(root: string, path: string, content: string | Uint8Array): Written {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const parts = partsOf(path);
  const name = parts.at(-1) ?? "";
  if (bytes.length > MAX_FILE_BYTES)
    throw new ToolFailure(
      `${path} would have ${(bytes.length / 1e6).toFixed(1)} MB, more than the ${MAX_FILE_BYTES / 1e6} MB that are written; write it in parts.`,
    );
  using folder = openFolder(root, parts.slice(0, -1), { make: true });
  return touching(path, () => {
    const before = entryOf(folder, name);
    if (before?.isSymbolicLink() === true)
      throw new ToolFailure(`${path} is a link, and links are not followed; delete_file removes it.`);
    if (before?.isDirectory() === true) throw new ToolFailure(`${path} is a folder; choose another name for the file.`);
    if (before?.isFile() === false)
      throw new ToolFailure(`${path} is not a regular file but a pipe, socket or device; delete_file removes it.`);
    replace({ folder, name, mode: before === undefined ? 0o644 : Number(before.mode & 0o777n) }, bytes);
    return { bytes: bytes.length, created: before === undefined };
  });
}

function replace(target: { folder: OpenedFolder; name: string; mode: number }, bytes: Uint8Array): void {
  const { folder, name, mode } = target;
  const temporary = folder.at(`.atos-${randomBytes(8).toString("hex")}.tmp`);
  const descriptor = openSync(temporary, MAKING, 0o600);
  try {
    try {
      writeFileSync(descriptor, bytes);
      fchmodSync(descriptor, mode);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, folder.at(name));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
