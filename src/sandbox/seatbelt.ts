import { existsSync, realpathSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { missingError } from "../base/errors.ts";
import { openDiskWatch } from "./disk-watch.ts";
import { checkedEnv } from "./environment.ts";
import { fullLimits } from "./full-limits.ts";
import { noNetwork } from "./no-network.ts";
import { workspacePath } from "./request-paths.ts";
import { samePaths } from "./same-paths.ts";
import type { Sandbox, SandboxReport, SandboxRequest } from "./sandbox.ts";
import { seatbeltProfile } from "./seatbelt-profile.ts";
import { startSession } from "./start-session.ts";
import { supervise } from "./supervise.ts";
import { tryOnce } from "./try-once.ts";

const SANDBOX_EXEC = "/usr/bin/sandbox-exec";

/**
 * Opens macOS's own sandbox (Seatbelt, by sandbox-exec), after trying it once.
 *
 * Never run where ATOS is developed, which has no macOS: its profile and its refusals are unit-tested, and the first
 * use on a Mac tries it before anything else.
 *
 * Meant for each call: files are read in the system's folders, the workspace, a scratch folder and what the request
 * shows, written in the workspace and the scratch folder only, but for `.git` and `.atos`; no network, no socket. The
 * limits on wall clock, CPU time, file size, disk and output hold. Not kept: memory and the number of processes. At the
 * end the process group is killed; a process that made itself one of its own lives on, confined.
 *
 * @throws `sandbox/none` when it does not work on this machine.
 */
export async function openSeatbelt(node: string): Promise<Sandbox> {
  if (process.platform !== "darwin" || !existsSync(SANDBOX_EXEC)) {
    throw missingError("sandbox/none", `Seatbelt is macOS's own: there is no ${SANDBOX_EXEC} on this machine.`);
  }
  const nodePath = realpathSync(node);
  const python = ["/opt/homebrew/bin/python3", "/usr/local/bin/python3", "/usr/bin/python3"].find(existsSync);
  const sandbox: Sandbox = {
    level: "seatbelt",
    mounts: false,
    nodePath,
    pythonPath: python,
    run: (request, signal) => run(nodePath, request, signal),
  };
  await tryOnce(sandbox, "Seatbelt does not work here");
  return sandbox;
}

async function run(nodePath: string, request: SandboxRequest, signal: AbortSignal): Promise<SandboxReport> {
  signal.throwIfAborted();
  if (request.network !== undefined) throw noNetwork("seatbelt", "its rules know no names of hosts");
  const limits = fullLimits(request.limits);
  const root = workspacePath(request.root);
  const readable = [nodePath, ...samePaths(root, request)];
  const env = checkedEnv(request.env);
  const scratch = await realpath(await mkdtemp(join(tmpdir(), "atos-command-")));
  try {
    const disk = await openDiskWatch([root, scratch], limits.diskMib);
    signal.throwIfAborted();
    const command = startSession({
      cwd: root,
      env: {
        PATH: `${dirname(nodePath)}:/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin`,
        HOME: scratch,
        LANG: "C.UTF-8",
        TMPDIR: scratch,
        PYTHONDONTWRITEBYTECODE: "1",
        ...env,
      },
      limits,
      within: [SANDBOX_EXEC, "-p", seatbeltProfile({ root, scratch, readable })],
      command: request.command,
    });
    return { level: "seatbelt", ...(await supervise(command, { limits, disk }, signal)) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
