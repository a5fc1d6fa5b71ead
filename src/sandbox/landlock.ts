import { chownSync, lstatSync, statSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { AtosError, usageError } from "../base/errors.ts";
import { SANDBOX_ID } from "./bubblewrap-arguments.ts";
import { openDiskWatch } from "./disk-watch.ts";
import { checkedEnv } from "./environment.ts";
import { fullLimits } from "./full-limits.ts";
import { HIDDEN_NAMES } from "./hidden-names.ts";
import type { LandlockHost } from "./landlock-host.ts";
import { landlockHost } from "./landlock-host.ts";
import type { LandlockPlan } from "./landlock-plan.ts";
import { noNetwork } from "./no-network.ts";
import { workspacePath } from "./request-paths.ts";
import { samePaths } from "./same-paths.ts";
import type { Sandbox, SandboxReport, SandboxRequest } from "./sandbox.ts";
import { startLandlock } from "./start-landlock.ts";
import { supervise } from "./supervise.ts";
import { tryOnce } from "./try-once.ts";

/**
 * Opens the sandbox made of Landlock, a system call filter, resource limits and a watchdog, after trying it once. For
 * machines that deny user namespaces. Needs Linux 6.12 (Landlock ABI 6), where signals can be kept inside: below that
 * a command could end this very process, so it is not opened.
 *
 * Promised for each call: it opens, makes, changes and deletes files in its workspace and in a scratch folder of its
 * own only, and their modes and times; it reads the system's programs and libraries and what the request shows, and no
 * other file; no file of it runs as its owner; it has no socket, so no network and no loopback; it signals and traces
 * its own processes only, and sees no other's; it gains no privilege; all its processes are dead when the call
 * settles, and when this process is killed. The limits on memory and disk are kept by looking every 50 ms.
 *
 * A workspace with `.git` or `.atos` is refused, for Landlock cannot hide a part of what it allows; one that a command
 * makes is removed at the end of the call, and is there until then.
 *
 * Less than bubblewrap: whether a path exists, its size and its times can be asked for everywhere that the user may
 * enter; there is no /proc, no /dev/shm and no news of files (inotify); the limit on processes comes on top of what
 * the user runs elsewhere at that moment. Landlock does not judge changes of mode and times, so each is made by the
 * launcher, which looks where the file lies (a tenth of a millisecond); where processes may not look into each other,
 * or a container has taken that way for itself, they fail (ENOSYS). Owners and extended attributes cannot be changed.
 * As root the command is another user, to whom the workspace's files then belong; where only root may enter the
 * workspace it keeps the one capability to enter every folder, and Landlock alone decides what it opens.
 *
 * @throws `sandbox/none` when it does not work on this machine, with what is missing.
 */
export async function openLandlock(node: string): Promise<Sandbox> {
  const host = landlockHost(node);
  const sandbox: Sandbox = {
    level: "landlock",
    mounts: false,
    nodePath: host.node,
    pythonPath: host.python,
    run: (request, signal) => run(host, request, signal),
  };
  await tryOnce(sandbox, "Landlock does not work here");
  return sandbox;
}

async function run(host: LandlockHost, request: SandboxRequest, signal: AbortSignal): Promise<SandboxReport> {
  signal.throwIfAborted();
  if (request.network !== undefined) {
    throw noNetwork("landlock", "Landlock knows ports and no addresses, so whoever listens on the port would do");
  }
  const limits = fullLimits(request.limits);
  const root = workspacePath(request.root);
  const shown = samePaths(root, request);
  const env = checkedEnv(request.env);
  refuseHidden(root);
  const scratch = await realpath(await mkdtemp(join(tmpdir(), "atos-command-")));
  try {
    if (host.root) chownSync(scratch, SANDBOX_ID, SANDBOX_ID);
    const plan = planOf(host, { root, scratch, shown, env, limits, command: request.command });
    const disk = await openDiskWatch([root, scratch], limits.diskMib);
    signal.throwIfAborted();
    const command = startLandlock(host, plan);
    const report = await supervise(command, { limits, disk }, signal);
    const problem = report.limitHit === undefined ? command.problem() : undefined;
    if (problem === undefined) return { level: "landlock", ...report };
    const words = report.stderr.trim() || `exit code ${report.exitCode}`;
    throw new AtosError("sandbox/start", `${request.command[0]} did not run under Landlock: ${problem} (${words}).`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Call = Pick<LandlockPlan, "root" | "scratch" | "env" | "limits" | "command"> & {
  readonly shown: readonly string[];
};

function planOf(host: LandlockHost, { shown, env, ...call }: Call): LandlockPlan {
  const { root, scratch } = call;
  const own = [root, scratch].map((path) => ({ kind: "own", path }) as const);
  const run = [host.node, ...shown].map((path) => ({ kind: "run", path }) as const);
  return {
    ...call,
    rules: [...host.systemRules, ...run, ...own],
    remove: HIDDEN_NAMES,
    env: {
      PATH: `${dirname(host.node)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: scratch,
      LANG: "C.UTF-8",
      TMPDIR: scratch,
      PYTHONDONTWRITEBYTECODE: "1",
      ...env,
    },
    filter: host.filter,
    user: host.root ? SANDBOX_ID : undefined,
    search: host.root && ![dirname(root), dirname(scratch), host.node, ...shown].every(isOpenToAll),
  };
}

function refuseHidden(root: string): void {
  for (const name of HIDDEN_NAMES) {
    if (lstatSync(join(root, name), { throwIfNoEntry: false }) === undefined) continue;
    throw usageError(
      "sandbox/not-hidden",
      `The workspace ${root} has a ${name}, which level landlock cannot hide from commands. Work in a copy without it, ` +
        "or install bubblewrap.",
    );
  }
}

/** Whether anybody can enter the folders down to `path`, and read it. */
function isOpenToAll(path: string): boolean {
  const { mode } = statSync(path);
  const needed = (mode & 0o170000) === 0o040000 ? 0o5 : 0o4;
  if ((mode & needed) !== needed) return false;
  return path === "/" || isOpenToAll(dirname(path));
}
