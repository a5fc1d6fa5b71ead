import { closeSync, constants, fstatSync, openSync, readFile, readFileSync, readlinkSync, type Stats } from "node:fs";
import { promisify } from "node:util";
import type { WorkspacePlace } from "./workspace-place.ts";

/** Of one file: it is held in memory while it is recorded. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024;
/** Beyond this the event loop does not wait for it. */
const SMALL_BYTES = 256 * 1024;
// A FIFO put in the file's place must not make this wait.
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const readElsewhere = promisify<number, Buffer>(readFile);

export type Content = { readonly bytes: Buffer; readonly stats: Stats };

/** A file's bytes and what the file system said of it before they were read; undefined when it is no file by now. */
export async function readContent(place: WorkspacePlace, name: string): Promise<Content | undefined> {
  const file = openSync(place.held(name), OPEN_FILE);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return undefined;
    return { stats, bytes: stats.size > SMALL_BYTES ? await readElsewhere(file) : readFileSync(file) };
  } finally {
    closeSync(file);
  }
}

/** Where a link points to, as bytes. */
export function readTarget(place: WorkspacePlace, name: string): Buffer {
  return readlinkSync(place.held(name), { encoding: "buffer" });
}
