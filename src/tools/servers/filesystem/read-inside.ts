import type { Stats } from "node:fs";
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { ToolFailure } from "../tool-failure.ts";
import { touching } from "./file-failure.ts";
import { type OpenedFolder, openFolder, partsOf } from "./opened-folder.ts";

/** Of a file that is read, written or edited. */
export const MAX_FILE_BYTES = 5_000_000;
const READING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The bytes of the workspace's file `path`.
 *
 * @throws {ToolFailure} for what is no regular file of the workspace alone, or too large: a link, a folder, a pipe or
 * device (never opened), a file with a second hard link, which may be the name of a file outside.
 */
export function readInside(root: string, path: string): Buffer {
  const parts = partsOf(path);
  using folder = openFolder(root, parts.slice(0, -1));
  return readEntry(folder, parts.at(-1) ?? "", path);
}

/** As {@link readInside}, for an entry of a folder that is open; `path` is what it is called in a failure. */
export function readEntry(folder: OpenedFolder, name: string, path: string): Buffer {
  return touching(path, () => {
    requireRegular(lstatSync(folder.at(name)), path);
    const descriptor = openSync(folder.at(name), READING);
    try {
      // Again of what was opened: the name may have come to stand for something else.
      const stats = fstatSync(descriptor);
      requireRegular(stats, path);
      return readAll(descriptor, path);
    } finally {
      closeSync(descriptor);
    }
  });
}

function requireRegular(stats: Stats, path: string): void {
  if (stats.isSymbolicLink()) throw new ToolFailure(`${path} is a link, and links are not followed.`);
  if (stats.isDirectory()) throw new ToolFailure(`${path} is a folder; list_files shows what is in it.`);
  if (!stats.isFile()) throw new ToolFailure(`${path} is not a regular file but a pipe, socket or device.`);
  if (stats.nlink > 1)
    throw new ToolFailure(
      `${path} has ${stats.nlink} names (hard links), and another may be outside the workspace; write_file can replace it.`,
    );
  if (stats.size > MAX_FILE_BYTES) throw tooLarge(path, stats.size);
}

/** To its end, or to where it is too large: it may grow while it is read. */
function readAll(descriptor: number, path: string): Buffer {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total <= MAX_FILE_BYTES) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const length = readSync(descriptor, chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  throw tooLarge(path, total);
}

function tooLarge(path: string, bytes: number): ToolFailure {
  const megabytes = (bytes / 1e6).toFixed(1);
  return new ToolFailure(
    `${path} has ${megabytes} MB, more than the ${MAX_FILE_BYTES / 1e6} MB that are read; look at a part of it with run_command, like: head -n 50 '${path}'`,
  );
}
