import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { AtosError } from "../base/errors.ts";

type Process = {
  readonly pid: number;
  readonly parentPid: number;
  readonly uid: number;
  readonly zombie: boolean;
  readonly command: string;
};

/** A process of one embedded server. `supervisorPid` is who started a postmaster; its children have none. */
export type ServerProcess = Process & { readonly supervisorPid: number | undefined };

/**
 * The `cluster_name` of the server for `dataDirectory` started by process `supervisorPid`.
 *
 * Postgres keeps it on the command line of the postmaster and in the title of each child, so that a killed
 * server's processes can be told from all others, even those that outlive their postmaster.
 */
export function clusterName(dataDirectory: string, supervisorPid: number): string {
  return `${clusterPrefix(dataDirectory)}${supervisorPid}`;
}

function clusterPrefix(dataDirectory: string): string {
  return `atos-${createHash("sha256").update(dataDirectory).digest("hex").slice(0, 16)}-`;
}

/** The living processes of this user that belong to the server for `dataDirectory`: the postmaster and its children. */
export function serverProcesses(dataDirectory: string): readonly ServerProcess[] {
  const prefix = clusterPrefix(dataDirectory);
  const postmaster = new RegExp(` cluster_name=${prefix}(\\d+)`);
  return processes(prefix).flatMap((process) => {
    const supervisor = postmaster.exec(process.command)?.[1];
    if (supervisor === undefined && !process.command.startsWith(`postgres: ${prefix}`)) return [];
    return [{ ...process, supervisorPid: supervisor === undefined ? undefined : Number(supervisor) }];
  });
}

/** True when the one who started this postmaster is alive and still its parent. */
export function isSupervised(process: ServerProcess): boolean {
  return process.supervisorPid === process.parentPid;
}

/** True when process `pid` is a Postgres that works in `dataDirectory`, started by whomever. */
export function servesDirectory(pid: number, dataDirectory: string): boolean {
  const command = commandOf(pid);
  if (!/\bpostgres\b/.test(command)) return false;
  if (process.platform !== "linux") return command.includes(dataDirectory);
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === dataDirectory;
  } catch {
    // Gone, or another user's, who can't work in a directory that only its owner may enter.
    return false;
  }
}

/**
 * Ends the server for `dataDirectory` and returns when none of its processes is left: fast shutdown, and after
 * `graceMs` SIGKILL to whatever remains.
 *
 * @throws {AtosError} `store/server-survives` when a process outlives SIGKILL by ten seconds.
 */
export async function endServer(dataDirectory: string, graceMs: number): Promise<void> {
  const started = performance.now();
  let asked = false;
  for (;;) {
    const left = serverProcesses(dataDirectory);
    if (left.length === 0) return;
    const waitedMs = performance.now() - started;
    if (waitedMs > graceMs + 10_000) {
      throw new AtosError(
        "store/server-survives",
        `Processes ${left.map(({ pid }) => pid).join(", ")} of the Postgres for ${dataDirectory} survive SIGKILL. ` +
          "They may hang on a broken disk; end them and try again.",
      );
    }
    if (waitedMs >= graceMs) for (const { pid } of left) send(pid, "SIGKILL");
    else if (!asked) for (const { pid, supervisorPid } of left) if (supervisorPid !== undefined) send(pid, "SIGINT");
    asked = true;
    await sleep(20);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

// Read synchronously: no other process can come between two lines of one list.
function processes(having: string): readonly Process[] {
  const all = process.platform === "linux" ? linuxProcesses(having) : listedProcesses(having);
  const uid = process.getuid?.();
  return all.filter((found) => found.uid === uid && !found.zombie);
}

// From /proc and not from ps, which slim container images lack.
function linuxProcesses(having: string): readonly Process[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const command = commandOf(Number(name));
    if (!command.includes(having)) return [];
    const status = readOrEmpty(`/proc/${name}/status`);
    const field = (key: string) => new RegExp(`^${key}:\\s+(\\S+)`, "m").exec(status)?.[1];
    const [parentPid, uid, state] = [field("PPid"), field("Uid"), field("State")];
    if (parentPid === undefined || uid === undefined) return [];
    return [{ pid: Number(name), parentPid: Number(parentPid), uid: Number(uid), zombie: state === "Z", command }];
  });
}

function listedProcesses(having: string): readonly Process[] {
  return ps(["-axww", "-o", "pid=,ppid=,uid=,stat=,command="]).flatMap((line) => {
    const [, pid, parentPid, uid, state, command] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (command === undefined || !command.includes(having)) return [];
    return [
      {
        pid: Number(pid),
        parentPid: Number(parentPid),
        uid: Number(uid),
        zombie: state?.startsWith("Z") === true,
        command,
      },
    ];
  });
}

function commandOf(pid: number): string {
  if (process.platform === "linux") return readOrEmpty(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
  return ps(["-ww", "-o", "command=", "-p", String(pid)])[0] ?? "";
}

function ps(args: readonly string[]): readonly string[] {
  try {
    return execFileSync("ps", args, { encoding: "utf8", maxBuffer: 64 << 20, stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")
      .filter((line) => line !== "");
  } catch (error) {
    // What ps says of a process that isn't there; anything else must not pass for "no process".
    if (error instanceof Error && "status" in error && error.status === 1) return [];
    throw error;
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // The process ended between the list and this line.
    return "";
  }
}
