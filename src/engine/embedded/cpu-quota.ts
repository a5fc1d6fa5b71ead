import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";

/**
 * Processors this process may use: those it can run on, and no more than its control groups (version 2
 * or 1) or those above them grant. A part of a processor counts as none, but one there always is.
 *
 * `root` is where the system's files begin; another one is for tests.
 */
export async function usableProcessors(root = "/"): Promise<number> {
  const quotas = await cpuQuotas(root);
  return Math.max(1, Math.floor(Math.min(availableParallelism(), ...quotas)));
}

async function cpuQuotas(root: string): Promise<readonly number[]> {
  const groups = parseGroups((await readText(join(root, "proc/self/cgroup"))) ?? "");
  const mount = join(root, "sys/fs/cgroup");
  const unified = folders(groups.unified).map(async (folder) => {
    const text = await readText(join(mount, folder, "cpu.max"));
    return parseCpuMax(text ?? "");
  });
  const legacy = folders(groups.cpu).map(async (folder) => {
    const [quota, period] = await Promise.all([
      readText(join(mount, "cpu", folder, "cpu.cfs_quota_us")),
      readText(join(mount, "cpu", folder, "cpu.cfs_period_us")),
    ]);
    return parseCpuMax(`${quota ?? ""} ${period ?? ""}`);
  });
  const quotas = await Promise.all([...unified, ...legacy]);
  return quotas.filter((quota) => quota !== undefined);
}

/** Groups of a process, by `/proc/self/cgroup`. In a container a group may be named from outside; its root counts then. */
export type ProcessGroups = { readonly unified: string; readonly cpu: string };

export function parseGroups(text: string): ProcessGroups {
  const lines = text.split("\n").map((line) => /^(\d+):([^:]*):(\/.*)$/.exec(line));
  const pathOf = (isIt: (id: string, controllers: readonly string[]) => boolean): string =>
    lines.find((line) => line !== null && isIt(line[1] ?? "", (line[2] ?? "").split(",")))?.[3] ?? "/";
  return {
    unified: pathOf((id, controllers) => id === "0" && controllers.join("") === ""),
    cpu: pathOf((_, controllers) => controllers.includes("cpu")),
  };
}

/** Processors by `cpu.max`: microseconds of each period, then the period; `max` or -1 is no limit. */
export function parseCpuMax(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return undefined;
  return quota / period;
}

/** A group and all above it. */
function folders(path: string): readonly string[] {
  const all = [path];
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) all.push(dirname(folder));
  return all;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    // Not every system has control groups, and not every group can be seen from inside.
    return undefined;
  }
}
