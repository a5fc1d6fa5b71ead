import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { AtosError, messageOf, missingError } from "../base/errors.ts";
import type { BubblewrapPlan } from "./bubblewrap-arguments.ts";
import { NODE_PATH, SANDBOX_ID } from "./bubblewrap-arguments.ts";
import type { BubblewrapHost } from "./bubblewrap-host.ts";
import { bubblewrapHost } from "./bubblewrap-host.ts";
import { openDiskWatch } from "./disk-watch.ts";
import { checkedEnv } from "./environment.ts";
import { fullLimits } from "./full-limits.ts";
import { holdMountPoints } from "./mount-points.ts";
import { BRIDGE_FILE, bridgeCommand, proxyEnv } from "./network/bridge-command.ts";
import { openNetwork } from "./network/open-network.ts";
import { readIfThere } from "./process-view.ts";
import { readOnlyPaths, workspacePath } from "./request-paths.ts";
import type { Sandbox, SandboxReport, SandboxRequest } from "./sandbox.ts";
import { startBubblewrap } from "./start-bubblewrap.ts";
import { supervise } from "./supervise.ts";
import { tryOnce } from "./try-once.ts";

/** Where the way to the proxy is inside; the port is in a network of the sandbox's own. */
const BRIDGE = { path: "/opt/atos/network/bridge.mjs", sockets: "/opt/atos/network/socket", port: 3128 };

const CERTIFICATES = "/etc/ssl/certs";

/**
 * Opens the sandbox made of bubblewrap's name spaces, a system call filter and a watchdog, after trying it once.
 *
 * Promised for each call: it starts afresh and leaves nothing but its workspace; it sees the machine's programs and
 * libraries, what the request shows it, its own processes, and no other file, process, user, socket or network; of its
 * workspace it neither sees nor makes `.git` and `.atos`; it has no privilege and can get none, and no file of it runs
 * as its owner; all its processes are dead when the call settles, and die with this process. The limits on memory and
 * disk are kept by looking every 50 ms, so a fast command can pass them for that long.
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
  const host = bubblewrapHost(bwrap, node, await helpOf(bwrap));
  const sandbox: Sandbox = {
    level: "bubblewrap",
    mounts: true,
    nodePath: NODE_PATH,
    pythonPath: host.pythonPath,
    run: (request, signal) => run(host, request, signal),
  };
  await tryOnce(sandbox, "bubblewrap is installed but does not work here", kernelAdvice);
  return sandbox;
}

async function helpOf(bwrap: string): Promise<string> {
  try {
    return (await promisify(execFile)(bwrap, ["--help"], { env: {} })).stdout;
  } catch (error) {
    throw missingError("sandbox/none", `${bwrap} does not start: ${messageOf(error)}`, error);
  }
}

async function run(host: BubblewrapHost, request: SandboxRequest, signal: AbortSignal): Promise<SandboxReport> {
  signal.throwIfAborted();
  const limits = fullLimits(request.limits);
  const root = workspacePath(request.root);
  const env = checkedEnv(request.env);
  const readOnly = readOnlyPaths(root, request);
  const disk = await openDiskWatch([root], limits.diskMib);
  await using network = request.network && (await openNetwork(request.network.allow, signal));
  signal.throwIfAborted();
  using mountPoints = holdMountPoints(root);
  const give = host.root && [...disk.owners].some((owner) => owner !== SANDBOX_ID);
  const { hidden } = mountPoints;
  const plan: BubblewrapPlan = { root, readOnly, hidden, give, env, limits, command: request.command };
  const command = startBubblewrap(host, network === undefined ? plan : withNetwork(plan, network.socketPath));
  const report = await supervise(command, { limits, disk }, signal);
  const problem = report.limitHit === undefined ? command.problem() : undefined;
  if (problem === undefined) {
    const refusedHosts = network?.refused() ?? [];
    return { level: "bubblewrap", ...report, ...(refusedHosts.length > 0 ? { refusedHosts } : {}) };
  }
  const words = report.stderr.trim() || `exit code ${report.exitCode}`;
  throw new AtosError("sandbox/start", `bubblewrap did not run ${request.command[0]}: ${problem} (${words}).`);
}

function withNetwork(plan: BubblewrapPlan, socketPath: string): BubblewrapPlan {
  const { path: bridgePath, sockets, port } = BRIDGE;
  const places = {
    nodePath: NODE_PATH,
    bridgePath,
    port,
    socketPath: socketPath.replace(dirname(socketPath), sockets),
  };
  const shown = [
    { source: BRIDGE_FILE, target: bridgePath },
    { source: dirname(socketPath), target: sockets },
    // Only who has a network asks others for their certificates.
    ...[CERTIFICATES].filter(existsSync).map((path) => ({ source: path, target: path })),
  ];
  return {
    ...plan,
    readOnly: [...plan.readOnly, ...shown],
    env: { ...proxyEnv(port), ...plan.env },
    command: bridgeCommand(places, plan.command),
  };
}

/** How to make a kernel that denies user namespaces allow them. */
function kernelAdvice(): string {
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
  return found === undefined
    ? "In a container, it must be allowed to create user namespaces and to mount /proc."
    : `This kernel denies user namespaces: as root, run sysctl -w ${found.allow}.`;
}
