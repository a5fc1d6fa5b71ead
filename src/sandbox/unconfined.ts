import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { usageError } from "../base/errors.ts";
import { openDiskWatch } from "./disk-watch.ts";
import { checkedEnv } from "./environment.ts";
import { fullLimits } from "./full-limits.ts";
import { workspacePath } from "./request-paths.ts";
import type { Sandbox, SandboxReport, SandboxRequest } from "./sandbox.ts";
import { startSession } from "./start-session.ts";
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
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: root,
    LANG: "C.UTF-8",
    TMPDIR: tmpdir(),
    PYTHONDONTWRITEBYTECODE: "1",
    ...checkedEnv(request.env),
  };
  const shown = request.readOnly?.[0];
  if (shown !== undefined) {
    throw usageError(
      "sandbox/unsafe",
      `${shown.source} cannot be shown at ${shown.target} without a sandbox: take away --unsafe.`,
    );
  }
  const disk = await openDiskWatch([root], limits.diskMib);
  signal.throwIfAborted();
  const command = startSession({ cwd: root, env, limits, within: [], command: request.command });
  return { level: "none", ...(await supervise(command, { limits, disk }, signal)) };
}
