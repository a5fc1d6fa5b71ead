import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { ToolFailure } from "../tool-failure.ts";

const ATTEMPTS = 10;
const WAIT_MS = 100;

/**
 * Takes git's own lock of an index, so that no other git writes it meanwhile; disposing gives it back.
 *
 * @throws {ToolFailure} when another holds it for more than a second. One that a dead process of ATOS left is taken over.
 */
export async function lockIndex(index: string, signal: AbortSignal): Promise<AsyncDisposable> {
  const lock = `${index}.lock`;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await setTimeout(WAIT_MS, undefined, { signal });
    if (await isMade(lock)) return { [Symbol.asyncDispose]: () => rm(lock, { force: true }) };
    const holder = /^atos (\d+)\n$/.exec(await readFile(lock, "utf8").catch(() => ""))?.[1];
    if (holder !== undefined && !isAlive(Number(holder))) await rm(lock, { force: true });
  }
  throw new ToolFailure(
    "Another git works on this repository: it has .git/index.lock. Try again later; if none is running, a person has to remove that file.",
  );
}

async function isMade(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `atos ${process.pid}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
