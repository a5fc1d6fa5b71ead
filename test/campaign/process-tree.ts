import { readdirSync, readFileSync } from "node:fs";

/** Process ids of all that runs, by /proc. */
export function allProcesses(): readonly number[] {
  return readdirSync("/proc").map(Number).filter(Number.isSafeInteger);
}

export function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** Arguments with a NUL behind each; empty for a process that is gone. */
export function commandOf(pid: number): string {
  return readOf(pid, "cmdline");
}

/** What it was started with; empty for a process that is gone or another user's. */
export function environmentOf(pid: number): string {
  return readOf(pid, "environ");
}

function readOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
