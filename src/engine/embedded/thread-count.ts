import { stat } from "node:fs/promises";
import { usableProcessors } from "./cpu-quota.ts";

const SMALL_BYTES = 64 * 2 ** 20;

/**
 * Threads to compute the model at `path` with: one for a tiny model, where several only spin and
 * wait for each other (100 times slower on a shared machine), else as many as this process has
 * processors, by its own quota too.
 */
export async function threadCount(path: string, processors?: number): Promise<number> {
  const size = await stat(path).then(
    (found) => found.size,
    // What is wrong with the file is for those who load it to say.
    () => 0,
  );
  return size < SMALL_BYTES ? 1 : Math.max(1, processors ?? (await usableProcessors()));
}
