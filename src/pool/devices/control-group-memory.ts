import { dirname, join } from "node:path";
import type { DeviceIo } from "./device-io.ts";

/** A control group that limits memory, and what is used in it without what can be taken back. */
export type GroupMemory = { readonly limitBytes: number; readonly usedBytes: number };

const MOUNT = "/sys/fs/cgroup";
/** Groups are nested no deeper than that by anybody's tools. */
const MAX_DEPTH = 32;

/**
 * The limits of this process's control group and all above it, version 2 and 1. In a container the group may
 * be named from outside and not be found: the topmost, which is the container's own, counts then.
 *
 * Cached files don't count as used, be they active or not, as they don't in `MemAvailable`: a model's mapped
 * weights are such files, active ones because each token reads them.
 */
export async function controlGroupMemory(io: DeviceIo): Promise<readonly GroupMemory[]> {
  const paths = parseMemoryGroups((await io.readFile("/proc/self/cgroup")) ?? "");
  const unified = folders(paths.unified).map((folder) => readUnified(io, join(MOUNT, folder)));
  const legacy = folders(paths.memory).map((folder) => readLegacy(io, join(MOUNT, "memory", folder)));
  return (await Promise.all([...unified, ...legacy])).filter((group) => group !== undefined);
}

/** Where this process is, by `/proc/self/cgroup`; `/` where nothing is said. Pure. */
function parseMemoryGroups(text: string): { readonly unified: string; readonly memory: string } {
  const lines = text.split("\n").map((line) => /^(\d+):([^:]*):(\/.*)$/.exec(line));
  const unified = lines.find((line) => line?.[1] === "0" && line[2] === "");
  const memory = lines.find((line) => line?.[2]?.split(",").includes("memory"));
  return { unified: unified?.[3] ?? "/", memory: memory?.[3] ?? "/" };
}

async function readUnified(io: DeviceIo, folder: string): Promise<GroupMemory | undefined> {
  const [limit, used, stat] = await Promise.all(
    ["memory.max", "memory.current", "memory.stat"].map((name) => io.readFile(join(folder, name))),
  );
  return group({ limit, used, cached: cachedBytes(stat, ["active_file", "inactive_file"]) });
}

async function readLegacy(io: DeviceIo, folder: string): Promise<GroupMemory | undefined> {
  const [limit, used, stat] = await Promise.all(
    ["memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"].map((name) => io.readFile(join(folder, name))),
  );
  return group({ limit, used, cached: cachedBytes(stat, ["total_active_file", "total_inactive_file"]) });
}

type GroupFiles = { readonly limit: string | undefined; readonly used: string | undefined; readonly cached: number };

/** A group without a limit has `max`, or a number beyond any memory, which the reader drops. */
function group({ limit, used, cached }: GroupFiles): GroupMemory | undefined {
  const [limitBytes, usedBytes] = [limit, used].map((text) => Number(/^\d+$/.exec(text?.trim() ?? "")?.[0]));
  if (limitBytes === undefined || usedBytes === undefined) return undefined;
  if (!Number.isFinite(limitBytes) || !Number.isFinite(usedBytes)) return undefined;
  return { limitBytes, usedBytes: Math.max(0, usedBytes - cached) };
}

function cachedBytes(stat: string | undefined, keys: readonly string[]): number {
  const found = keys.map((key) => Number(new RegExp(`^${key} (\\d+)$`, "m").exec(stat ?? "")?.[1] ?? 0));
  return found.reduce((sum, bytes) => sum + bytes, 0);
}

/** A group and all above it. */
function folders(path: string): readonly string[] {
  const all = [path];
  for (let folder = path; folder !== dirname(folder) && all.length < MAX_DEPTH; folder = dirname(folder))
    all.push(dirname(folder));
  return all.includes("/") ? all : [...all, "/"];
}
