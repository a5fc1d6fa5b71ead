import { closeSync, fsync, openSync } from "node:fs";
import { promisify } from "node:util";

/** Settles when what was written to an open file, or to a folder, is on disk. */
export const syncDescriptor = promisify(fsync);

/** Settles when the names in a folder are on disk: a new name is there only when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const folder = openSync(path, "r");
  try {
    await syncDescriptor(folder);
  } finally {
    closeSync(folder);
  }
}
