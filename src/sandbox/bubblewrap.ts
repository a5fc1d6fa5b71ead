import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { AtosError, missingError } from "../base/errors.ts";
import { NODE_PATH } from "./bubblewrap-arguments.ts";
import type { BubblewrapHost } from "./bubblewrap-host.ts";
import { bubblewrapHost } from "./bubblewrap-host.ts";
import { openDiskWatch } from "./disk-watch.ts";
import { checkedEnv } from "./environment.ts";
import { fullLimits } from "./full-limits.ts";
import { readIfThere } from "./process-view.ts";
import { readOnlyPaths, workspacePath } from "./request-paths.ts";
import type { Sandbox, SandboxReport, SandboxRequest } from "./sandbox.ts";
import { startBubblewrap } from "./start-bubblewrap.ts";
import { supervise } from "./supervise.ts";

/**
 * Opens the sandbox made of bubblewrap's name spaces, a system call filter and a watchdog, after trying it once.
 *
 * Promised for each call: it starts afresh and leaves nothing but its workspace; it sees the machine's programs and
 * libraries, what the request shows it, its own processes, and no other file, process, user, socket or network; it
 * has no privilege and can get none; all its processes are dead when the call settles, and die with this process.
 * The limits on memory and disk are kept by looking every 50 ms, so a fast command can pass them for that long.
 *
 * Not promised: safety from bugs in the kernel, secrecy of the machine's size, load and version and of the host
 * paths of its mounts, its share of the CPU beside other work, or memory that the kernel holds for it, such as socket
 * buffers. Calls that share a workspace see each other's changes. As root, the workspace's files come to belong to
 * the user that commands run as.
 *
 * @param node the Node binary to show inside.
 * @throws `sandbox/none` when it does not work on this machine, with how to change that.
 */
export async function openBubblewrap(bwrap: string, node: string): Promise<Sandbox> {
  const { stdout: help } = await promisify(execFile)(bwrap, ["--help"], { env: {} });
  const host = bubblewrapHost(bwrap, node, help);
  const sandbox: Sandbox = {
    level: "bubblewrap",
    mounts: true,
    nodePath: NODE_PATH,
    pythonPath: host.pythonPath,
    run: (request, signal) => run(host, request, signal),
  };
  await probe(sandbox);
  return sandbox;
}

async function run(host: BubblewrapHost, request: SandboxRequest, signal: AbortSignal): Promise<SandboxReport> {
  signal.throwIfAborted();
  const limits = fullLimits(request.limits);
  const root = workspacePath(request.root);
  const env = checkedEnv(request.env);
  const plan = { root, readOnly: readOnlyPaths(root, request), env, limits, command: request.command };
  const disk = await openDiskWatch(root, limits.diskMib);
  signal.throwIfAborted();
  const command = startBubblewrap(host, plan);
  const report = await supervise(command, { limits, disk }, signal);
  const problem = report.limitHit === undefined ? command.problem() : undefined;
  if (problem === undefined) return { level: "bubblewrap", ...report };
  const words = report.stderr.trim() || `exit code ${report.exitCode}`;
  throw new AtosError("sandbox/start", `bubblewrap did not run ${request.command[0]}: ${problem} (${words}).`);
}

/** Writes a file in a workspace of its own: what every command must be able to do. */
async function probe(sandbox: Sandbox): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "atos-sandbox-"));
  try {
    const request: SandboxRequest = { command: ["/usr/bin/touch", "probe"], root, limits: { wallMs: 10_000 } };
    const report = await sandbox.run(request, new AbortController().signal);
    if (report.exitCode !== 0) throw new AtosError("sandbox/start", `a first command failed: ${report.stderr.trim()}`);
  } catch (error) {
    if (!(error instanceof AtosError) || error.code !== "sandbox/start") throw error;
    const advice = kernelAdvice() ?? "In a container, it must be allowed to create user namespaces and to mount /proc.";
    throw missingError(
      "sandbox/none",
      `bubblewrap is installed but does not work here: ${error.message} ${advice} --unsafe runs commands without a sandbox.`,
      error,
    );
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The kernel setting that denies user namespaces on this machine, and how to change it. */
function kernelAdvice(): string | undefined {
  const denials = [
    { file: "kernel/unprivileged_userns_clone", denied: "0", allow: "kernel.unprivileged_userns_clone=1" },
    {
      file: "kernel/apparmor_restrict_unprivileged_userns",
      denied: "1",
      allow: "kernel.apparmor_restrict_unprivileged_userns=0",
    },
    { file: "user/max_user_namespaces", denied: "0", allow: "user.max_user_namespaces=10000" },
  ];
  const found = denials.find(({ file, denied }) => readIfThere(`/proc/sys/${file}`)?.trim() === denied);
  return found && `This kernel denies user namespaces: as root, run sysctl -w ${found.allow}.`;
}
