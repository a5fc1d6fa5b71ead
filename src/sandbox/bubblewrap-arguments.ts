import type { BubblewrapHost } from "./bubblewrap-host.ts";
import type { SandboxLimits } from "./sandbox.ts";

/**
 * Whom a command runs as. Not 65534, as which the embedded Postgres may run: two that share a uid could signal and
 * trace each other.
 */
export const SANDBOX_ID = 65532;

export const NODE_PATH = "/opt/node/bin/node";

/** What the command finds at `descriptor` while bwrap sets up, and nothing of it afterwards. */
export const DESCRIPTOR = { seccomp: 3, hosts: 4, status: 5, go: 6, mapped: 7, nothing: 8 } as const;

/** Enough for a name that the machine itself answers; no other is to be found. */
export const HOSTS_FILE = "127.0.0.1 localhost\n::1 localhost\n";

const OPEN_FILES = 1024;
const MIB = 1024 * 1024;

/** Memory file systems, writable by all, with their sizes in MiB. */
export const MEMORY_MOUNTS = { "/tmp": 64, "/dev/shm": 64, "/home": 16 } as const;

/** One call, its paths checked and resolved. */
export type BubblewrapPlan = {
  readonly root: string;
  readonly readOnly: readonly { readonly source: string; readonly target: string }[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  readonly command: readonly [string, ...string[]];
};

/** The arguments of bwrap for one call. Pure. */
export function bubblewrapArguments(host: BubblewrapHost, plan: BubblewrapPlan): string[] {
  const env = Object.entries({ ...MINIMAL_ENV, ...plan.env }).map(([name, value]) => `${name}=${value}`);
  return [
    isolation(host),
    folders(["/etc/ssl/certs", NODE_PATH, ...plan.readOnly.map(({ target }) => target)]),
    host.systemOptions,
    ["--ro-bind", host.node, NODE_PATH],
    ["--proc", "/proc", "--remount-ro", "/proc"],
    ["--dev", "/dev"],
    Object.entries(MEMORY_MOUNTS).flatMap(([path, mib]) => memoryMount(path, mib)),
    // Both /dev and / are memory too, without a size: nothing may be written to them.
    ["--remount-ro", "/dev"],
    ["--file", String(DESCRIPTOR.hosts), "/etc/hosts"],
    ["--bind", plan.root, "/workspace", "--chdir", "/workspace"],
    plan.readOnly.flatMap(({ source, target }) => ["--ro-bind", source, target]),
    ["--remount-ro", "/", "--"],
    ["/bin/sh", "-c", host.root ? `${AWAIT_GO}\n${DROP_ROOT}` : `${AWAIT_GO}\nexec "$@"`, "sh"],
    ["/usr/bin/env", "-i", ...env],
    ["/usr/bin/prlimit", ...processLimits(host.hardLimits, plan.limits), "--"],
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

function memoryMount(path: string, mib: number): string[] {
  return ["--perms", "1777", "--size", String(mib * MIB), "--tmpfs", path];
}

const MINIMAL_ENV: Readonly<Record<string, string>> = {
  PATH: "/opt/node/bin:/usr/local/bin:/usr/bin:/bin",
  HOME: "/home",
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
const AWAIT_GO = `echo >&${DESCRIPTOR.go} && read -r _ <&${DESCRIPTOR.go} || exit 1\nexec ${DESCRIPTOR.go}<&-`;

/**
 * As root: makes the workspace the command's own and becomes the command's user.
 *
 * It runs inside, after the mounts and where only the workspace is writable, so a link that points out of it cannot
 * make it change anything else; folders mounted read-only are passed over. Programs by their full paths and an empty
 * environment, for nothing in the workspace may run before the uid is dropped.
 */
const DROP_ROOT = `exec ${DESCRIPTOR.mapped}<&-
/usr/bin/find /workspace -type d ! -writable -prune -o ! -user ${SANDBOX_ID} -writable -exec /bin/chown -h ${SANDBOX_ID}:${SANDBOX_ID} '{}' +
exec /usr/bin/setpriv --reuid=${SANDBOX_ID} --regid=${SANDBOX_ID} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs "$@"`;

function isolation(host: BubblewrapHost): string[] {
  return [
    ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"],
    ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv", "--cap-drop", "ALL"],
    ["--seccomp", String(DESCRIPTOR.seccomp), "--json-status-fd", String(DESCRIPTOR.status)],
    host.root ? asRoot() : asUser(host),
  ].flat();
}

/**
 * Root waits for its id maps (see `mapIds`), and keeps until DROP_ROOT what that needs. The capabilities are those of
 * the new user namespace: over the sandbox, not over the machine.
 */
function asRoot(): string[] {
  const kept = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_CHOWN", "CAP_FOWNER", "CAP_DAC_OVERRIDE"];
  // bwrap takes no --userns-block-fd without an --info-fd; what it tells there, the status tells as well.
  const waiting = ["--userns-block-fd", String(DESCRIPTOR.mapped), "--info-fd", String(DESCRIPTOR.nothing)];
  return [...kept.flatMap((capability) => ["--cap-add", capability]), ...waiting];
}

function asUser(host: BubblewrapHost): string[] {
  const identity = ["--uid", String(SANDBOX_ID), "--gid", String(SANDBOX_ID)];
  return host.disableUserNamespaces ? [...identity, "--disable-userns"] : identity;
}

/**
 * Limits the kernel keeps for each process; `processes` it keeps for the whole sandbox, which is a user namespace of
 * its own. None for address space: Node reserves many times what it uses.
 */
function processLimits(hard: BubblewrapHost["hardLimits"], limits: SandboxLimits): string[] {
  return [
    `--nproc=${Math.min(limits.processes, hard.processes)}`,
    `--nofile=${Math.min(OPEN_FILES, hard.openFiles)}`,
    `--fsize=${Math.min(limits.fileMib, hard.fileMib) * MIB}`,
    `--cpu=${Math.min(limits.cpuSeconds, hard.cpuSeconds)}`,
    "--core=0",
  ];
}
