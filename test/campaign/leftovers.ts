import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Installation } from "../fixtures/atos.ts";
import { workersOf } from "./disturb-build.ts";
import { allProcesses, childrenOf, commandOf, environmentOf } from "./process-tree.ts";

const TRIES = 100;
const POLL_MS = 50;

/** Sockets, claims of memory and compiled code, which are the installation's and not a build's. */
const KEPT = /^(?:atos-\d+(?:-[0-9a-f]+)?|node-compile-cache)$/;
/** A process that is killed in the milliseconds in which it tries its sandbox leaves an empty folder: the system's to clear. */
const OF_A_TRIAL = /^atos-(?:sandbox|file)-/;

/** What is left of an installation's builds although all of them have ended: checkouts, temporary folders, processes. */
export async function leftovers(atos: Installation, temporary: string): Promise<readonly string[]> {
  const checkouts = readdirSync(join(atos.home, "scratch"));
  const folders = readdirSync(temporary).filter((name) => !KEPT.test(name) && !OF_A_TRIAL.test(name));
  return [
    ...checkouts.map((name) => `${name} is left in the scratch folder`),
    ...folders.map((name) => `${name} is left in the temporary folder`),
    ...(await processesLeft(atos)),
  ];
}

/**
 * What runs of an installation although its builds have ended and their clients too: all but one worker with its models
 * and one database. Looks again for a while, as what is dying takes its time.
 */
async function processesLeft(atos: Installation): Promise<readonly string[]> {
  for (let tries = 1; ; tries++) {
    const strays = straysOf(atos);
    if (strays.length === 0) return [];
    // A bwrap whose parent was killed in its first milliseconds may wait for it for ever; it never runs its command
    // (docs/security.md).
    const [waiting, others] = [strays.filter(isWaitingSandbox), strays.filter((pid) => !isWaitingSandbox(pid))];
    if (tries > TRIES / 2) for (const pid of waiting) process.kill(pid, "SIGKILL");
    if (tries === TRIES) return others.map((pid) => `process ${pid} is left: ${commandOf(pid).replaceAll("\0", " ")}`);
    await setTimeout(POLL_MS);
  }
}

function isWaitingSandbox(pid: number): boolean {
  return commandOf(pid).includes("bwrap\0") && childrenOf(pid).length === 0;
}

function straysOf(atos: Installation): readonly number[] {
  const workers = workersOf(atos);
  const postgres = atos.postgresPid();
  const known = new Set<number>(workers.length === 1 ? withChildren(workers) : []);
  if (postgres !== undefined) for (const pid of withChildren([postgres])) known.add(pid);
  // The database's own processes name no folder, and end with their parent.
  return allProcesses().filter(
    (pid) =>
      pid !== process.pid &&
      !known.has(pid) &&
      (commandOf(pid).includes(atos.root) || environmentOf(pid).includes(atos.root)) &&
      commandOf(pid) !== "",
  );
}

function withChildren(pids: readonly number[]): readonly number[] {
  return pids.flatMap((pid) => [pid, ...withChildren(childrenOf(pid))]);
}
