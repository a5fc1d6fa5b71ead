import { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { AtosError } from "../base/errors.ts";
import type { LandlockHost } from "./landlock-host.ts";
import type { LandlockPlan } from "./landlock-plan.ts";
import { encodeLandlockPlan } from "./landlock-plan.ts";
import { onLines } from "./on-lines.ts";
import type { ProcessState } from "./process-view.ts";
import { childrenOf, readProcess } from "./process-view.ts";
import type { RunningCommand } from "./running-command.ts";
import { sameProcess, startChild, waitUntilDead } from "./running-command.ts";

/** The launcher's end of the socket that brings the plan; see landlock-launcher.py. */
const CONTROL = 3;
/** For a machine so busy that a line takes this long from one process to another. */
const LAST_WORD_MS = 5000;
/** More would be a loop; the limit on processes is far below. */
const MOST_PROCESSES = 100_000;

export type LandlockCommand = RunningCommand & {
  /** What kept the launcher from running the command, or undefined if it did run; known when it has ended. */
  problem(): string | undefined;
};

/** Starts one command. The caller supervises it in the same turn of the event loop. */
export function startLandlock(host: LandlockHost, plan: LandlockPlan): LandlockCommand {
  // The launcher's own environment: nothing of it is passed on.
  const env = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };
  const child = startChild(host.python, ["-I", "-S", host.launcher], { env, cwd: "/", extraPipes: 1 });
  const { stdout, stderr, stdio } = child;
  const extra: readonly unknown[] = stdio;
  const control = extra[CONTROL];
  if (stdout === null || stderr === null || !(control instanceof Duplex)) {
    throw new AtosError("sandbox/start", "The sandbox could not be started: a pipe to it was not made.");
  }
  const state: { nurse: ProcessState | undefined; problem: string | undefined } = {
    nurse: undefined,
    problem: "its launcher ended before the command did",
  };
  // A launcher that fails early reads no further.
  control.on("error", () => {});
  onLines(control, (line) => {
    const [word = "", ...rest] = line.split(" ");
    if (word === "ended" && state.problem?.startsWith("its launcher")) state.problem = undefined;
    if (word === "problem") state.problem = rest.join(" ");
    if (word === "nurse") state.nurse = readProcess("/proc", Number(rest[0]));
  });
  const heardAll = new Promise<void>((resolve) => control.once("close", () => resolve()));
  control.write(encodeLandlockPlan(plan));
  return {
    child,
    stdout,
    stderr,
    view: () =>
      state.nurse === undefined
        ? undefined
        : { procDir: "/proc", pids: descendantsOf(state.nurse.pid), memoryMounts: [] },
    // The launcher kills all when it reads anything; it must do so itself, for it alone finds all of them.
    // One that has ended reads nothing, and to write to it would lose what it said last.
    kill: () => void (child.exitCode === null && child.signalCode === null && control.writable && control.write("k")),
    gone: async () => {
      await waitUntilDead(() => sameProcess(state.nurse));
      // Its last line may still be on its way.
      await Promise.race([heardAll, sleep(LAST_WORD_MS, undefined, { ref: false })]);
    },
    problem: () => state.problem,
  };
}

function descendantsOf(pid: number): number[] {
  const found = childrenOf(pid);
  for (let index = 0; index < found.length && found.length < MOST_PROCESSES; index++) {
    found.push(...childrenOf(found[index] ?? 0));
  }
  return found;
}
