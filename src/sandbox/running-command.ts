import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { AtosError, messageOf } from "../base/errors.ts";
import type { ProcessState, ProcessView } from "./process-view.ts";
import { isGone, readIfThere, readProcess } from "./process-view.ts";

/** Dying takes a few milliseconds; only a process stuck in the kernel takes this long. */
const DEATH_MS = 5000;
const DEATH_POLL_MS = 2;

/** A command that was started, whatever confines it. */
export type RunningCommand = {
  readonly child: ChildProcess;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Its processes, or undefined before there are any and where this system shows none. */
  view(): ProcessView | undefined;
  /** Kills every process of it. May be called at any time and more than once. */
  kill(): void;
  /** Resolves when no process of it lives. Called after its first process has ended. */
  gone(): Promise<void>;
};

/** Sends SIGKILL to a process, or with a negative id to its group; what is dead already is no failure. */
export function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/**
 * Waits until the processes that `list` finds are dead. A zombie is dead.
 *
 * @throws `sandbox/survivor` when one is still there after five seconds.
 */
export async function waitUntilDead(list: () => readonly ProcessState[]): Promise<void> {
  for (let poll = 0; poll < DEATH_MS / DEATH_POLL_MS; poll++) {
    if (list().every((found) => found.state === "Z" || found.state === "X")) return;
    await setTimeout(DEATH_POLL_MS);
  }
  const pids = list().map((found) => found.pid);
  throw new AtosError(
    "sandbox/survivor",
    `Processes ${pids.join(", ")} of a command were killed and are still there after ${DEATH_MS} ms. ` +
      "They are probably stuck in the kernel (see /proc/PID/stack); their workspace must not be used again until they are gone.",
  );
}

/** The process `known` if it still lives, and not another that got its id. */
export function sameProcess(known: ProcessState | undefined): readonly ProcessState[] {
  const now = known === undefined ? undefined : readProcess("/proc", known.pid);
  return now === undefined || now.startTime !== known?.startTime ? [] : [now];
}

/** What a child is started with, beside its program and arguments. */
export type StartOptions = {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Files that it gets opened for reading, from descriptor 3 on. */
  readonly files?: readonly string[];
  /** How many more pipes it gets, after those. */
  readonly extraPipes: number;
  /** How many of the descriptors after those are /dev/null. Default: 0. */
  readonly nothings?: number;
};

/**
 * Starts a program as the leader of a session of its own, with nothing to read and its output in pipes.
 *
 * This process may itself have been started with descriptors that any child inherits (a file the shell had open, a
 * lock); each is covered by /dev/null, or a confined command could use it.
 *
 * @throws `sandbox/start` when the machine does not let it; what it finds out later, the child's "error" event tells.
 */
export function startChild(file: string, args: readonly string[], options: StartOptions): ChildProcess {
  const { files = [], extraPipes, nothings = 0, ...rest } = options;
  const nothing = openSync("/dev/null", "r+");
  const opened = files.map((path) => openSync(path, "r"));
  const stdio: ("ignore" | "pipe" | number)[] = ["ignore", "pipe", "pipe", ...opened];
  for (let pipe = 0; pipe < extraPipes; pipe++) stdio.push("pipe");
  for (let count = 0; count < nothings; count++) stdio.push(nothing);
  for (const inherited of inheritedDescriptors()) {
    for (let gap = stdio.length; gap < inherited; gap++) stdio.push("ignore");
    if (inherited === stdio.length) stdio.push(nothing);
  }
  try {
    const child = spawn(file, args, { ...rest, stdio, detached: true });
    // Whoever waits for the exit is told of it too; without a listener of its own it would end this process.
    child.on("error", () => {});
    return child;
  } catch (error) {
    throw new AtosError("sandbox/start", `${file} could not be started: ${messageOf(error)}`, { cause: error });
  } finally {
    for (const descriptor of [nothing, ...opened]) closeSync(descriptor);
  }
}

/** The descriptors above the standard three that a child would inherit, ascending. Linux tells; elsewhere none. */
function inheritedDescriptors(): number[] {
  const closesOnExec = 0o2000000;
  const open = process.platform === "linux" ? readdirSync("/proc/self/fd").map(Number) : [];
  return open
    .filter((descriptor) => {
      const flags = /^flags:\s+(\d+)/m.exec(readIfThere(`/proc/self/fdinfo/${descriptor}`) ?? "")?.[1];
      return descriptor > 2 && flags !== undefined && (Number.parseInt(flags, 8) & closesOnExec) === 0;
    })
    .sort((a, b) => a - b);
}
