import { stat } from "node:fs/promises";

const SMALL_BYTES = 64 * 2 ** 20;

/**
 * Threads to compute the model at `path` with: one for a tiny model, where several only spin and
 * wait for each other (100 times slower on a shared machine), else as many as there are
 * processors to use.
 */
export async function threadCount(path: string, processors: number): Promise<number> {
  const { size } = await stat(path);
  return size < SMALL_BYTES ? 1 : Math.max(1, processors);
}
