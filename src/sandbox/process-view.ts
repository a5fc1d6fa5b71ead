import { readdirSync, readFileSync } from "node:fs";

/** The processes of one command, as this process can look at them. Linux only. */
export type ProcessView = {
  /** A procfs mount that lists them. */
  readonly procDir: string;
  /** Their ids in that mount. */
  readonly pids: readonly number[];
  /** File systems in memory that only they fill. */
  readonly memoryMounts: readonly string[];
};

export type ProcessState = {
  readonly pid: number;
  /** As in `/proc/PID/stat`: R, S, D, Z and so on. */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  /** With the pid, names one process for ever: a pid is used again. */
  readonly startTime: string;
};

/** Reads one process; undefined when it is gone. */
export function readProcess(procDir: string, pid: number): ProcessState | undefined {
  const text = readIfThere(`${procDir}/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name, in parentheses, may hold anything, parentheses too; the rest is counted from its last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    session: Number(fields[3]),
    startTime: fields[19] ?? "",
  };
}

/** The process ids that a procfs mount lists; none when the mount is gone. */
export function listPids(procDir: string): number[] {
  try {
    return readdirSync(procDir)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The processes whose parent is `pid`; one that ends meanwhile may hide another. */
export function childrenOf(pid: number): number[] {
  const threads = listPids(`/proc/${pid}/task`);
  const text = threads.map((thread) => readIfThere(`/proc/${pid}/task/${thread}/children`) ?? "").join(" ");
  return text.split(" ").filter(Boolean).map(Number);
}

/** A small file's text, or undefined when it, or the process it tells of, is gone or hides it. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Whether an error says that a file or process is not there (any more) or not to be looked at. */
export function isGone(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return ["ENOENT", "ESRCH", "ENOTDIR", "EACCES", "EPERM", "EINVAL"].includes(String(error.code));
}
