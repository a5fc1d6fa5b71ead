import { AtosError } from "../base/errors.ts";
import type { ProcessState } from "./process-view.ts";
import { listPids, readProcess } from "./process-view.ts";
import type { RunningCommand } from "./running-command.ts";
import { killIfThere, startChild, waitUntilDead } from "./running-command.ts";
import type { SandboxLimits } from "./sandbox.ts";

export type SessionPlan = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  /** What runs it: a program and its arguments, to which the command is added. */
  readonly within: readonly string[];
  readonly command: readonly [string, ...string[]];
};

/**
 * Starts a command as the leader of a session of its own, with the limits on CPU time and file size that the kernel
 * keeps for each process.
 *
 * At the end its session is killed, on systems without /proc its process group; a process that made itself a session
 * of its own escapes.
 */
export function startSession(plan: SessionPlan): RunningCommand {
  const [program, ...args] = [...plan.within, "/bin/sh", "-c", limitsScript(plan.limits), "sh", ...plan.command];
  const child = startChild(program ?? "/bin/sh", args, { env: plan.env, cwd: plan.cwd, extraPipes: 0 });
  const { pid, stdout, stderr } = child;
  if (stdout === null || stderr === null) {
    throw new AtosError("sandbox/start", "The command could not be started: a pipe to it was not made.");
  }
  const living = (): ProcessState[] => (pid === undefined ? [] : sessionOf(pid));
  return {
    child,
    stdout,
    stderr,
    view: () =>
      process.platform === "linux"
        ? { procDir: "/proc", pids: living().map((found) => found.pid), memoryMounts: [] }
        : undefined,
    kill: () => {
      if (pid === undefined) return;
      killIfThere(-pid);
      // A shell with job control gives each job a group of its own within the session.
      for (const found of living()) killIfThere(found.pid);
    },
    gone: () => waitUntilDead(living),
  };
}

/** A hard limit below one of these may refuse to be set, and is kept anyway. File size counts blocks of 512 bytes. */
function limitsScript({ cpuSeconds, fileMib }: SandboxLimits): string {
  const cpu = `ulimit -t ${cpuSeconds + 1}; ulimit -S -t ${cpuSeconds}`;
  return `{ ulimit -c 0; ${cpu}; ulimit -f ${fileMib * 2048}; } 2>/dev/null\nexec "$@"`;
}

/** The processes of the session that `leader` was made the leader of; none where the system does not show them. */
function sessionOf(leader: number): ProcessState[] {
  if (process.platform !== "linux") return [];
  return listPids("/proc")
    .map((pid) => readProcess("/proc", pid))
    .filter((found) => found !== undefined)
    .filter((found) => found.session === leader && found.state !== "Z");
}
