import { once } from "node:events";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { AtosError, messageOf } from "../base/errors.ts";
import { CapturedOutput } from "./captured-output.ts";
import type { DiskWatch } from "./disk-watch.ts";
import { memoryUseMib } from "./memory-use.ts";
import type { RunningCommand } from "./running-command.ts";
import type { SandboxLimits, SandboxReport } from "./sandbox.ts";

const WATCH_EVERY_MS = 50;
/** Only a process that escaped its level (`none`) holds the output open after all the others were killed. */
const OUTPUT_END_MS = 500;

/** What a running command is held to. */
export type Supervision = {
  readonly limits: SandboxLimits;
  readonly disk: DiskWatch;
};

type Ending = NonNullable<SandboxReport["limitHit"]> | "abort";

/**
 * Sees a started command to its end: takes its output, holds it to its limits, and kills all of it, at the latest
 * when its first process has ended. When this settles, every process it could find is dead.
 *
 * Must be called in the same turn of the event loop as the start, or it misses the end.
 *
 * @throws the signal's reason when aborted, and `sandbox/start` when there was no process.
 */
export async function supervise(
  command: RunningCommand,
  supervision: Supervision,
  signal: AbortSignal,
): Promise<Omit<SandboxReport, "level">> {
  const { limits } = supervision;
  const startedAt = performance.now();
  const output = new CapturedOutput(limits.outputBytes);
  const watching = new AbortController();
  const state: { ending?: Ending; failure?: { readonly cause: unknown } } = {};
  const end = (why: Ending): void => {
    state.ending ??= why;
    command.kill();
  };
  const abort = (): void => end("abort");
  command.stdout.on("data", (chunk: Buffer) => void (output.add("stdout", chunk) || end("output")));
  command.stderr.on("data", (chunk: Buffer) => void (output.add("stderr", chunk) || end("output")));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const wall = setTimeout(() => end("wall"), limits.wallMs);
  const watched = watchUse(command, supervision, watching.signal).then(
    (hit) => void (hit !== undefined && end(hit)),
    (error: unknown) => {
      state.failure = { cause: error };
      command.kill();
    },
  );
  try {
    const exitCode = await exitOf(command);
    watching.abort();
    await watched;
    if (state.failure !== undefined) throw state.failure.cause;
    if (state.ending === "abort") throw signal.reason;
    const report = { ...output.texts(), durationMs: performance.now() - startedAt };
    const limitHit = state.ending ?? limitOf(exitCode);
    return limitHit === undefined ? { exitCode, ...report } : { exitCode: null, ...report, limitHit };
  } finally {
    clearTimeout(wall);
    watching.abort();
    signal.removeEventListener("abort", abort);
  }
}

/** The limit that the kernel ends a process for, which a first process's exit code tells. */
function limitOf(exitCode: number): "cpu" | "file" | undefined {
  if (exitCode === 128 + constants.signals.SIGXCPU) return "cpu";
  return exitCode === 128 + constants.signals.SIGXFSZ ? "file" : undefined;
}

/** Waits for the first process to end, kills the others, and returns its exit code, 128 + n where signal n ended it. */
async function exitOf(command: RunningCommand): Promise<number> {
  const { child } = command;
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  await once(child, "exit").catch((error: unknown) => {
    throw new AtosError("sandbox/start", `The command could not be started: ${messageOf(error)}`, { cause: error });
  });
  command.kill();
  await Promise.race([closed, sleep(OUTPUT_END_MS, undefined, { ref: false })]);
  command.stdout.destroy();
  command.stderr.destroy();
  await command.gone();
  return child.exitCode ?? 128 + (child.signalCode === null ? 0 : constants.signals[child.signalCode]);
}

/** Looks at what the command uses until it passes a limit or `signal` says that it ended. */
async function watchUse(
  command: RunningCommand,
  { limits, disk }: Supervision,
  signal: AbortSignal,
): Promise<"memory" | "disk" | undefined> {
  let waitMs = WATCH_EVERY_MS;
  // No wait is shorter than WATCH_EVERY_MS, so the wall clock ends the command before this loop ends the watch.
  for (let poll = 0; poll * WATCH_EVERY_MS <= limits.wallMs; poll++) {
    if (!(await waited(waitMs, signal))) return undefined;
    const startedAt = performance.now();
    const view = command.view();
    if (view !== undefined && (await memoryUseMib(view, limits.memoryMib)) > limits.memoryMib) return "memory";
    if ((await disk.growthMib(view)) > limits.diskMib) return "disk";
    waitMs = Math.max(WATCH_EVERY_MS, performance.now() - startedAt);
  }
  return undefined;
}

/** False when `signal` cut the wait short. */
async function waited(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(milliseconds, undefined, { signal });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
