import { readFile, statfs } from "node:fs/promises";
import type { ProcessView } from "./process-view.ts";
import { isGone, readIfThere } from "./process-view.ts";

/**
 * The memory a command's processes hold together, in MiB: their proportional set size (a page shared by two counts
 * half in each), their swap, and what their file systems in memory hold.
 *
 * Exact only above half of `limitMib`; below, the cheaper resident size, which is never less, answers. Does not see
 * memory the kernel holds for them, such as socket and pipe buffers and page tables.
 */
export async function memoryUseMib(view: ProcessView, limitMib: number): Promise<number> {
  let filesKib = 0;
  for (const mount of view.memoryMounts) filesKib += await usedKib(mount);
  const residentKib = view.pids.map((pid) => sizeKib(readIfThere(`${view.procDir}/${pid}/status`), "VmRSS", "VmSwap"));
  const roughMib = (filesKib + sum(residentKib)) / 1024;
  if (roughMib <= limitMib / 2) return roughMib;
  const proportionalKib = view.pids.map(async (pid, index) => {
    // A process may forbid reading its pages; then it counts as if it shared none.
    const rollup = await readSmapsRollup(`${view.procDir}/${pid}/smaps_rollup`);
    return rollup === undefined ? (residentKib[index] ?? 0) : sizeKib(rollup, "Pss", "SwapPss");
  });
  return (filesKib + sum(await Promise.all(proportionalKib))) / 1024;
}

/** Not the synchronous read: the kernel walks every page for it, and waits for a process that is taking new ones. */
async function readSmapsRollup(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function usedKib(mount: string): Promise<number> {
  try {
    const state = await statfs(mount);
    return ((state.blocks - state.bfree) * state.bsize) / 1024;
  } catch (error) {
    if (isGone(error)) return 0;
    throw error;
  }
}

/** Adds up the named lines, `Name:   123 kB`, of a status file; a kernel thread or zombie has none and counts 0. */
function sizeKib(text: string | undefined, ...names: readonly string[]): number {
  return sum(names.map((name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text ?? "")?.[1] ?? 0)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
