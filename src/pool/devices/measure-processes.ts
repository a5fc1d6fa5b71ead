import type { CommandOutcome, DeviceIo } from "./device-io.ts";
import { MIB } from "./device-reading.ts";

/** What a process has in memory now. */
export type ProcessMemory = {
  /** Its own, which nobody gets back before it ends: what `MemAvailable` and control groups count as used. */
  readonly anonymousBytes: number;
  /** In memory now of the data files it has mapped: a model's weights. The system takes such pages back. */
  readonly mappedBytes: number;
  /** On each GPU, by `DeviceReading.key`. What is not there is not known; it may be more than nothing. */
  readonly gpuBytes: ReadonlyMap<string, number>;
};

/**
 * Measures running processes; one that is gone or can't be read is left out. System memory is read on Linux
 * alone, GPU memory where nvidia-smi tells it by process: not in most containers, whose process ids are others.
 */
export async function measureProcesses(
  pids: readonly number[],
  io: DeviceIo,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, ProcessMemory>> {
  if (pids.length === 0 || io.platform === "darwin") return new Map();
  const query = ["--query-compute-apps=pid,gpu_uuid,used_memory", "--format=csv,noheader,nounits"];
  const [apps, ...maps] = await Promise.all([
    io.run("nvidia-smi", query, signal),
    ...pids.map((pid) => io.readFile(`/proc/${pid}/smaps`)),
  ]);
  const onGpus = parseComputeApps(apps);
  const measured = new Map<number, ProcessMemory>();
  for (const [at, pid] of pids.entries()) {
    const memory = parseSmaps(maps[at] ?? "");
    if (memory !== undefined) measured.set(pid, { ...memory, gpuBytes: onGpus.get(pid) ?? new Map() });
  }
  return measured;
}

/**
 * System memory that a model's process needs, with its weights counted once. `expected` is the estimate for
 * this process: `weightsBytes` in system memory, and `otherBytes` for everything else there. Pure.
 *
 * What bench/memory.js shows: with the file mapped, "own" (anonymous) and "mapped" together exceed what
 * is taken when the file is read, because processors that rearrange weights hold a copy of most, after which
 * the mapped pages are read no more and cost nothing. How much was copied can't be seen from outside. So what is
 * anonymous beyond `otherBytes` is taken for the copy, if it is at least a quarter of the weights; less is
 * the estimate's error and stays visible. Never less than what is anonymous, which is certainly taken, and no more
 * of the mapped pages than there are weights: those that went to a GPU were only read.
 */
export function neededSystemBytes(
  { anonymousBytes, mappedBytes }: Pick<ProcessMemory, "anonymousBytes" | "mappedBytes">,
  expected: { readonly weightsBytes: number; readonly otherBytes: number },
): number {
  const beyond = Math.max(0, anonymousBytes - expected.otherBytes);
  const weights = Math.min(mappedBytes, expected.weightsBytes);
  const copied = beyond >= expected.weightsBytes / 4 ? Math.min(beyond, weights) : 0;
  return anonymousBytes + weights - copied;
}

/**
 * Adds up `/proc/<pid>/smaps`, or undefined when it is none. A mapped file of which no part is executable is
 * data: weights have many names, a program and its libraries always have such a part. Pure.
 */
export function parseSmaps(text: string): Omit<ProcessMemory, "gpuBytes"> | undefined {
  const files = new Map<string, { fileBytes: number; executable: boolean }>();
  let file: { fileBytes: number; executable: boolean } | undefined;
  let [anonymousBytes, isSmaps] = [0, false];
  for (const line of text.split("\n")) {
    const mapping = /^[0-9a-f]+-[0-9a-f]+ (\S{4}) [0-9a-f]+ (\S+) (\d+)/.exec(line);
    if (mapping !== null) {
      const [, rights = "", device, inode = "0"] = mapping;
      const id = `${device} ${inode}`;
      file = inode === "0" ? undefined : (files.get(id) ?? { fileBytes: 0, executable: false });
      if (file !== undefined) files.set(id, file);
      if (file !== undefined && rights.includes("x")) file.executable = true;
      isSmaps = true;
      continue;
    }
    const [, key, kib] = /^(Rss|Anonymous):\s+(\d+) kB/.exec(line) ?? [];
    if (key === undefined) continue;
    const bytes = Number(kib) * 1024;
    if (key === "Anonymous") anonymousBytes += bytes;
    // Pages of the file that the process has changed for itself are anonymous.
    if (file !== undefined) file.fileBytes += key === "Rss" ? bytes : -bytes;
  }
  const mappedBytes = [...files.values()].reduce((sum, one) => sum + (one.executable ? 0 : one.fileBytes), 0);
  return isSmaps ? { anonymousBytes, mappedBytes } : undefined;
}

/** Bytes by process and GPU; lines without a figure (`[N/A]`, `[Insufficient Permissions]`) say nothing. */
function parseComputeApps(outcome: CommandOutcome): ReadonlyMap<number, ReadonlyMap<string, number>> {
  const all = new Map<number, Map<string, number>>();
  if (outcome.kind !== "output") return all;
  for (const line of outcome.text.split("\n")) {
    const [, pid, uuid, mib] = /^\s*(\d+)\s*,\s*((?:GPU|MIG)-\S+)\s*,\s*(\d+)\s*$/.exec(line) ?? [];
    if (pid === undefined || uuid === undefined) continue;
    const ofProcess = all.get(Number(pid)) ?? new Map<string, number>();
    ofProcess.set(uuid, (ofProcess.get(uuid) ?? 0) + Number(mib) * MIB);
    all.set(Number(pid), ofProcess);
  }
  return all;
}
