import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { AtosError, usageError } from "../base/errors.ts";
import { openDiskWatch } from "./disk-watch.ts";
import { checkedEnv } from "./environment.ts";
import { fullLimits } from "./full-limits.ts";
import type { ProcessState } from "./process-view.ts";
import { listPids, readProcess } from "./process-view.ts";
import { workspacePath } from "./request-paths.ts";
import type { RunningCommand } from "./running-command.ts";
import { killIfThere, startChild, waitUntilDead } from "./running-command.ts";
import type { Sandbox, SandboxLimits, SandboxReport, SandboxRequest } from "./sandbox.ts";
import { supervise } from "./supervise.ts";

/**
 * Runs commands as plain children of this process: no confinement at all, by `--unsafe` only.
 *
 * The command sees the machine as this process does and can change it; its workspace is `root` itself, there is no
 * /workspace. Kept: a minimal environment, nothing on standard input, no descriptor of ours, and the limits on wall
 * clock, output, disk, CPU and file size, on Linux on memory. Not kept: the number of processes. At the end its
 * session is killed; a process that made itself a session of its own escapes.
 */
export function openUnconfined(): Sandbox {
  const python = ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"].find((path) =>
    existsSync(path),
  );
  return { level: "none", mounts: false, nodePath: process.execPath, pythonPath: python, run };
}

async function run(request: SandboxRequest, signal: AbortSignal): Promise<SandboxReport> {
  signal.throwIfAborted();
  const limits = fullLimits(request.limits);
  const root = workspacePath(request.root);
  const env = checkedEnv(request.env);
  const shown = request.readOnly?.[0];
  if (shown !== undefined) {
    throw usageError(
      "sandbox/unsafe",
      `${shown.source} cannot be shown at ${shown.target} without a sandbox: take away --unsafe.`,
    );
  }
  const disk = await openDiskWatch(root, limits.diskMib);
  signal.throwIfAborted();
  const report = await supervise(start(root, { command: request.command, env }, limits), { limits, disk }, signal);
  return { level: "none", ...report };
}

function start(root: string, request: Pick<SandboxRequest, "command" | "env">, limits: SandboxLimits): RunningCommand {
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: root,
    LANG: "C.UTF-8",
    TMPDIR: tmpdir(),
    PYTHONDONTWRITEBYTECODE: "1",
    ...request.env,
  };
  const args = ["-c", limitScript(limits), "sh", ...request.command];
  const child = startChild("/bin/sh", args, { env, cwd: root, extraPipes: 0 });
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
function limitScript(limits: SandboxLimits): string {
  const set = `{ ulimit -c 0; ulimit -t ${limits.cpuSeconds}; ulimit -f ${limits.fileMib * 2048}; } 2>/dev/null`;
  return `${set}\nexec "$@"`;
}

/** The processes of the session that `leader` was made the leader of; none where the system does not show them. */
function sessionOf(leader: number): ProcessState[] {
  if (process.platform !== "linux") return [];
  return listPids("/proc")
    .map((pid) => readProcess("/proc", pid))
    .filter((found) => found !== undefined)
    .filter((found) => found.session === leader && found.state !== "Z");
}
