import { lstat, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** Where a command keeps what it compiles, in the folder that it runs in: see `command-runner.mjs`. */
const COMPILED = ".check-cache";

/**
 * Does `work`, which runs commands in `root`, with what was compiled the last time: a standard library compiled anew
 * takes a minute. It lies in `kept` meanwhile, on the same file system; without `kept` it goes. A folder of its name
 * that the project has itself is left alone.
 */
export async function withCompiled<T>(root: string, kept: string | undefined, work: () => Promise<T>): Promise<T> {
  const compiled = join(root, COMPILED);
  if (await isThere(compiled)) return work();
  if (kept !== undefined && (await isThere(kept))) await rename(kept, compiled);
  try {
    return await work();
  } finally {
    if (kept === undefined) await rm(compiled, { recursive: true, force: true });
    else if (await isThere(compiled)) await rename(compiled, kept);
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
