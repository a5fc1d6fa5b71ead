import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { AtosError, messageOf, missingError } from "../base/errors.ts";
import { SANDBOX_ID } from "./bubblewrap-arguments.ts";
import { openDiskWatch } from "./disk-watch.ts";
import type { DockerPlan } from "./docker-arguments.ts";
import { checkedEnv } from "./environment.ts";
import { fullLimits } from "./full-limits.ts";
import { holdMountPoints } from "./mount-points.ts";
import { noNetwork } from "./no-network.ts";
import { readOnlyPaths, workspacePath } from "./request-paths.ts";
import type { Sandbox, SandboxReport, SandboxRequest } from "./sandbox.ts";
import { startDocker } from "./start-docker.ts";
import { supervise } from "./supervise.ts";
import { tryOnce } from "./try-once.ts";

const FIND_MS = 10_000;

/** The program, and whose image; found once. */
type DockerHost = { readonly docker: string; readonly image: string };

/**
 * Opens a sandbox of containers, one for each call, after trying it once. Only if asked for: who may use Docker is root
 * on the machine.
 *
 * Not run where ATOS is developed, which has no engine: the arguments and the handling of the program are tested with
 * a small program in its place.
 *
 * Meant for each call: the image's files read-only, the workspace without `.git` and `.atos`, small memory folders, no
 * network, no capability, another user than root; the limits, of which memory shows as exit code 137 and not as a
 * limit. The container is removed at the end; when this process is killed it lives on until its time is up.
 * Environment variables can be read by whoever may list this user's processes. The image must be there: nothing is
 * downloaded.
 *
 * @throws `sandbox/none` when it does not work on this machine, with what Docker said.
 */
export async function openDocker(docker: string, image: string): Promise<Sandbox> {
  const host = { docker, image };
  const { nodePath, pythonPath } = await programsIn(host);
  const sandbox: Sandbox = {
    level: "docker",
    mounts: true,
    nodePath,
    pythonPath,
    run: (request, signal) => run(host, request, signal),
  };
  await tryOnce(sandbox, "Docker does not work here");
  return sandbox;
}

async function programsIn({ docker, image }: DockerHost): Promise<Pick<Sandbox, "nodePath" | "pythonPath">> {
  const script = "command -v node; command -v timeout >&2; command -v python3; true";
  const args = [
    "run",
    "--rm",
    "--pull",
    "never",
    "--network",
    "none",
    "--entrypoint",
    "",
    image,
    "/bin/sh",
    "-c",
    script,
  ];
  try {
    const { stdout, stderr } = await promisify(execFile)(docker, args, { timeout: FIND_MS });
    const found = stdout.trim().split("\n");
    const nodePath = found.find((path) => path.endsWith("/node"));
    if (nodePath === undefined || stderr.trim() === "") throw new Error("it has no node, or no timeout");
    return { nodePath, pythonPath: found.find((path) => path.endsWith("/python3")) };
  } catch (error) {
    throw missingError(
      "sandbox/none",
      `The image ${image} cannot be used as a sandbox: ${messageOf(error).trim()}. Is Docker running, and was "docker pull ${image}" done?`,
      error,
    );
  }
}

async function run(host: DockerHost, request: SandboxRequest, signal: AbortSignal): Promise<SandboxReport> {
  signal.throwIfAborted();
  if (request.network !== undefined) throw noNetwork("docker", "its containers have no way to the proxy of ATOS");
  const limits = fullLimits(request.limits);
  const root = workspacePath(request.root);
  const env = checkedEnv(request.env);
  const readOnly = readOnlyPaths(root, request);
  const disk = await openDiskWatch([root], limits.diskMib);
  signal.throwIfAborted();
  using mountPoints = holdMountPoints(root);
  const user = process.getuid?.() ?? SANDBOX_ID;
  if (user === 0) await give(root);
  const plan: DockerPlan = {
    image: host.image,
    name: `atos-${randomBytes(8).toString("hex")}`,
    root,
    user: user === 0 ? SANDBOX_ID : user,
    hidden: mountPoints.hidden,
    readOnly,
    env,
    limits,
    command: request.command,
  };
  signal.throwIfAborted();
  const report = await supervise(startDocker(host.docker, plan), { limits, disk }, signal);
  // Docker's own exit code for "it did not come to that".
  if (report.exitCode !== 125) return { level: "docker", ...report };
  throw new AtosError("sandbox/start", `Docker did not run ${request.command[0]}: ${report.stderr.trim()}.`);
}

/** As root: makes all but the hidden entries the command's own. chown walks by descriptors and follows no link. */
async function give(root: string): Promise<void> {
  const id = `${SANDBOX_ID}:${SANDBOX_ID}`;
  const entries = ["-mindepth", "1", "-maxdepth", "1", "!", "-name", ".git", "!", "-name", ".atos"];
  await promisify(execFile)("chown", ["-h", id, "--", root]);
  await promisify(execFile)("find", [root, ...entries, "-exec", "chown", "-R", "-P", "-h", id, "--", "{}", "+"]);
}
