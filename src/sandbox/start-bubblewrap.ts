import { statSync, writeFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import * as z from "zod";
import { AtosError, messageOf } from "../base/errors.ts";
import type { BubblewrapPlan } from "./bubblewrap-arguments.ts";
import { bubblewrapArguments, descriptorsOf, MEMORY_MOUNTS, SANDBOX_ID } from "./bubblewrap-arguments.ts";
import type { BubblewrapHost } from "./bubblewrap-host.ts";
import { onLines } from "./on-lines.ts";
import type { ProcessState, ProcessView } from "./process-view.ts";
import { isGone, listPids, readProcess } from "./process-view.ts";
import type { RunningCommand } from "./running-command.ts";
import { killIfThere, sameProcess, startChild, waitUntilDead } from "./running-command.ts";

/** A line of bwrap's --json-status-fd. */
const statusSchema = z
  .string()
  .transform((line, context): unknown => {
    try {
      return JSON.parse(line);
    } catch (error) {
      context.issues.push({ code: "custom", message: messageOf(error), input: line });
      return z.NEVER;
    }
  })
  .pipe(z.object({ "child-pid": z.int().positive().optional(), "exit-code": z.int().optional() }));

export type BubblewrapCommand = RunningCommand & {
  /** What kept bwrap from running the command, or undefined if it did run; known when it has ended. */
  problem(): string | undefined;
};

type State = {
  /** Process 1 of the sandbox, once bwrap has told it. */
  init?: ProcessState;
  /** A kill may come before the news of process 1, and is then repeated for it. */
  killed: boolean;
  problem: string | undefined;
};

/**
 * Starts one command in a fresh sandbox. The caller supervises it in the same turn of the event loop.
 *
 * When this process is killed within the first milliseconds, a bwrap can be left that waits for its dead parent: it
 * has not run the command and never will, and holds a megabyte of memory.
 */
export function startBubblewrap(host: BubblewrapHost, plan: BubblewrapPlan): BubblewrapCommand {
  // All of bwrap's own environment: the command may read that of process 1.
  const env = { PATH: "/usr/bin:/bin" };
  const child = startChild(host.bwrap, bubblewrapArguments(host, plan), {
    env,
    files: [host.seccomp, ...host.files.map(({ source }) => source)],
    extraPipes: 2,
    nothings: 2,
  });
  const state: State = { killed: false, problem: "it ended before it ran the command" };
  const command: BubblewrapCommand = {
    child,
    stdout: readable(child.stdout),
    stderr: readable(child.stderr),
    view: () => (state.init === undefined ? undefined : viewOf(state.init.pid)),
    kill: () => {
      state.killed = true;
      // Its first process takes all others with it; its parent would be followed by it, a moment later.
      for (const init of sameProcess(state.init)) killIfThere(init.pid);
      if (child.pid !== undefined) killIfThere(-child.pid);
    },
    gone: () => waitUntilDead(() => sameProcess(state.init)),
    problem: () => state.problem,
  };
  const extra: readonly (Readable | Writable | null | undefined)[] = child.stdio;
  const descriptors = descriptorsOf(host);
  const go = writable(extra[descriptors.go]);
  readable(extra[descriptors.go]).once("data", () => go.end("\n"));
  onLines(readable(extra[descriptors.status]), (line) => {
    const status = statusSchema.safeParse(line);
    if (!status.success) {
      state.problem = `its status is not understood: ${line}`;
      command.kill();
      return;
    }
    if (status.data["exit-code"] !== undefined) state.problem = undefined;
    const pid = status.data["child-pid"];
    const init = pid === undefined ? undefined : readProcess("/proc", pid);
    if (init === undefined) return;
    state.init = init;
    if (state.killed) command.kill();
    if (!host.root) return;
    state.problem = mapIds(init.pid) ?? state.problem;
    go.write("1");
  });
  return command;
}

/**
 * As root: gives the new user namespace two users, root for the mounts and one other for the command.
 *
 * bwrap itself maps only one. With that one being root, the command would have been root on the machine's files and
 * exempt from the limit on processes; with another, nothing below a folder that only root may enter could be bound.
 * Without a user namespace the limit would have been shared by all sandboxes, and a moment's capabilities real.
 *
 * Returns what went wrong. Then bwrap goes on without a user to be, and stops at once.
 */
function mapIds(pid: number): string | undefined {
  const map = `0 0 1\n${SANDBOX_ID} ${SANDBOX_ID} 1\n`;
  try {
    writeFileSync(`/proc/${pid}/uid_map`, map);
    writeFileSync(`/proc/${pid}/gid_map`, map);
    return undefined;
  } catch (error) {
    return `its user namespace could not be given the users 0 and ${SANDBOX_ID}: ${messageOf(error)}`;
  }
}

/** Looks from outside into the sandbox's own /proc, which lists all its processes, whoever their parent is, and no other. */
function viewOf(init: number): ProcessView | undefined {
  const procDir = `/proc/${init}/root/proc`;
  try {
    // While bwrap sets up, that is still the machine's own.
    if (statSync(procDir).dev === statSync("/proc").dev) return undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
  const memoryMounts = Object.keys(MEMORY_MOUNTS).map((path) => `/proc/${init}/root${path}`);
  return { procDir, pids: listPids(procDir), memoryMounts };
}

function readable(stream: Readable | Writable | null | undefined): Readable {
  if (stream instanceof Readable) return stream;
  throw new AtosError("sandbox/start", "The sandbox could not be started: a pipe to it was not made.");
}

function writable(stream: Readable | Writable | null | undefined): Writable {
  if (!(stream instanceof Writable)) {
    throw new AtosError("sandbox/start", "The sandbox could not be started: a pipe to it was not made.");
  }
  // A bwrap that fails early reads no further; what it has to say about that comes on its standard error.
  stream.on("error", () => {});
  return stream;
}
