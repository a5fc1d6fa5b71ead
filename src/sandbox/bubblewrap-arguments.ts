import type { BubblewrapHost } from "./bubblewrap-host.ts";
import type { ProcessLimits } from "./limit-script.ts";
import { limitScript } from "./limit-script.ts";
import { HIDDEN_NAMES } from "./hidden-names.ts";
import type { HiddenEntry } from "./mount-points.ts";
import type { SandboxLimits } from "./sandbox.ts";

/**
 * Whom a command runs as. Not 65534, as which the embedded Postgres may run: two that share a uid could signal and
 * trace each other.
 */
export const SANDBOX_ID = 65532;

export const NODE_PATH = "/opt/node/bin/node";

/** What is at each descriptor while bwrap sets up; afterwards the command finds nothing of it. */
type Descriptors = {
  readonly seccomp: number;
  readonly files: readonly { readonly descriptor: number; readonly path: string }[];
  readonly status: number;
  /** Both ways: on it bwrap waits for its users, as root, and the script for its caller. */
  readonly go: number;
  /** Reads as an empty file; bwrap takes each for itself. */
  readonly empty: readonly [number, number];
};

export function descriptorsOf(host: Pick<BubblewrapHost, "files">): Descriptors {
  const seccomp = 3;
  const files = host.files.map(({ path }, index) => ({ descriptor: seccomp + 1 + index, path }));
  const status = seccomp + 1 + files.length;
  return { seccomp, files, status, go: status + 1, empty: [status + 2, status + 3] };
}

const OPEN_FILES = 1024;
const MIB = 1024 * 1024;

/** Memory file systems, writable by all, with their sizes in MiB. */
export const MEMORY_MOUNTS = { "/tmp": 64, "/dev/shm": 64 } as const;

/** One call, its paths checked and resolved. */
export type BubblewrapPlan = {
  readonly root: string;
  readonly readOnly: readonly { readonly source: string; readonly target: string }[];
  /** Entries of the workspace to show empty. */
  readonly hidden: readonly HiddenEntry[];
  /** Whether something in the workspace may belong to another user than the command's. As root only. */
  readonly give: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  readonly command: readonly [string, ...string[]];
};

/** The arguments of bwrap for one call. Pure. */
export function bubblewrapArguments(host: BubblewrapHost, plan: BubblewrapPlan): string[] {
  const env = Object.entries(plan.env).map(([name, value]) => `${name}=${value}`);
  const { files } = descriptorsOf(host);
  const shown = [...files.map(({ path }) => path), ...plan.readOnly.map(({ target }) => target)];
  return [
    isolation(host),
    folders([NODE_PATH, ...shown]),
    host.systemOptions,
    files.flatMap(({ descriptor, path }) => ["--file", String(descriptor), path]),
    ["--ro-bind", host.node, NODE_PATH],
    ["--proc", "/proc", "--remount-ro", "/proc"],
    ["--dev", "/dev"],
    Object.entries(MEMORY_MOUNTS).flatMap(([path, mib]) => memoryMount(path, mib)),
    folders(shown.filter(isInMemory)),
    // Both /dev and / are memory too, without a size: nothing may be written to them.
    ["--remount-ro", "/dev"],
    ["--bind", plan.root, "/workspace", "--chdir", "/workspace"],
    plan.hidden.flatMap((entry) => hide(host, entry)),
    plan.readOnly.flatMap(({ source, target }) => ["--ro-bind", source, target]),
    ["--remount-ro", "/", "--"],
    ["/bin/sh", "-c", script(host, plan), "sh"],
    // Only now: nothing that a caller asks for may change how the programs before this run.
    env.length > 0 ? ["/usr/bin/env", ...env] : [],
    plan.command,
  ].flat();
}

/** The folders above `paths`, outside the workspace. Left to bwrap, only their maker could enter them. */
function folders(paths: readonly string[]): string[] {
  const outside = paths.filter((path) => !path.startsWith("/workspace/"));
  const above = outside.flatMap((path) => [...path.matchAll(/\//g)].map((slash) => path.slice(0, slash.index)));
  const made = new Set(above.filter((folder) => folder !== ""));
  return [...made].flatMap((folder) => ["--perms", "0755", "--dir", folder]);
}

/** Whether a path is hidden by a memory file system until it is made in there. */
function isInMemory(path: string): boolean {
  return Object.keys(MEMORY_MOUNTS).some((mount) => path.startsWith(`${mount}/`));
}

function memoryMount(path: string, mib: number): string[] {
  return ["--perms", "1777", "--size", String(mib * MIB), "--tmpfs", path];
}

function hide(host: BubblewrapHost, { name, kind }: HiddenEntry): string[] {
  const path = `/workspace/${name}`;
  if (kind === "file") return ["--perms", "0444", "--ro-bind-data", String(descriptorsOf(host).empty[1]), path];
  const empty = ["--perms", "0555", "--size", "4096", "--tmpfs", path];
  // As root it is root's, and the command is not; an ordinary user's command is its maker and could change its mode.
  return host.root ? empty : [...empty, "--remount-ro", path];
}

const MINIMAL_ENV: Readonly<Record<string, string>> = {
  PATH: "/opt/node/bin:/usr/local/bin:/usr/bin:/bin",
  HOME: "/tmp",
  LANG: "C.UTF-8",
  TMPDIR: "/tmp",
  PYTHONDONTWRITEBYTECODE: "1",
};

/**
 * Says that bwrap has done its part, and goes on only if the caller, still there, answers.
 *
 * bwrap's process 1 asks to die with its parent only late, so a caller killed while it sets up would have left a
 * command that nobody holds to anything.
 */
function awaitGo(host: BubblewrapHost): string {
  const { go } = descriptorsOf(host);
  return `echo >&${go} && read -r _ <&${go} || exit 1\nexec ${go}<&-`;
}

/**
 * As root: makes the workspace the command's own.
 *
 * It runs inside, after the mounts and where only the workspace is writable, so a link that points out of it cannot
 * make it change anything else; what is hidden or mounted read-only is passed over. Programs by their full paths and
 * an environment of our own, for nothing in the workspace may run before the uid is dropped.
 */
const GIVE = `/usr/bin/find /workspace ${HIDDEN_NAMES.map((name) => `-path /workspace/${name} -prune -o`).join(" ")} -type d ! -writable -prune -o ! -user ${SANDBOX_ID} -writable -exec /bin/chown -h ${SANDBOX_ID}:${SANDBOX_ID} '{}' +`;

/** As root: becomes the command's user. */
const DROP_ROOT = `/usr/bin/setpriv --reuid=${SANDBOX_ID} --regid=${SANDBOX_ID} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs`;

/** The shell sets the limits itself: each program less is a third of a millisecond. */
function script(host: BubblewrapHost, plan: BubblewrapPlan): string {
  const limits = limitScript(cappedLimits(host.hardLimits, plan.limits));
  const start = [awaitGo(host), limits, "unset PWD OLDPWD SHLVL"];
  if (!host.root) return [...start, 'exec "$@"'].join("\n");
  return [...start, ...(plan.give ? [GIVE] : []), `exec ${DROP_ROOT} "$@"`].join("\n");
}

function isolation(host: BubblewrapHost): string[] {
  const { seccomp, status } = descriptorsOf(host);
  return [
    ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"],
    ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL"],
    ["--clearenv", ...Object.entries(MINIMAL_ENV).flatMap(([name, value]) => ["--setenv", name, value])],
    ["--seccomp", String(seccomp), "--json-status-fd", String(status)],
    host.root ? asRoot(host) : asUser(host),
  ].flat();
}

/**
 * Root waits for its id maps (see `mapIds`), and keeps until DROP_ROOT what that needs. The capabilities are those of
 * the new user namespace: over the sandbox, not over the machine.
 */
function asRoot(host: BubblewrapHost): string[] {
  const { go, empty } = descriptorsOf(host);
  const kept = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_CHOWN", "CAP_FOWNER", "CAP_DAC_OVERRIDE"];
  // bwrap takes no --userns-block-fd without an --info-fd; what it tells there, the status tells as well.
  const waiting = ["--userns-block-fd", String(go), "--info-fd", String(empty[0])];
  return [...kept.flatMap((capability) => ["--cap-add", capability]), ...waiting];
}

function asUser(host: BubblewrapHost): string[] {
  const identity = ["--uid", String(SANDBOX_ID), "--gid", String(SANDBOX_ID)];
  return host.disableUserNamespaces ? [...identity, "--disable-userns"] : identity;
}

/** What this process may ask for at most; a command's hard limits cannot be higher. */
function cappedLimits(hard: BubblewrapHost["hardLimits"], limits: SandboxLimits): ProcessLimits {
  return {
    processes: Math.min(limits.processes, hard.processes),
    openFiles: Math.min(OPEN_FILES, hard.openFiles),
    fileMib: Math.min(limits.fileMib, hard.fileMib),
    cpuSeconds: Math.min(limits.cpuSeconds, hard.cpuSeconds),
    cpuHardSeconds: Math.min(limits.cpuSeconds + 1, hard.cpuSeconds),
  };
}
