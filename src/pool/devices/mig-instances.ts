import type { DeviceIo } from "./device-io.ts";
import { MIB } from "./device-reading.ts";

/** A part of a divided NVIDIA GPU. `gpu` is the index of the whole. */
export type MigInstance = {
  readonly gpu: number;
  readonly uuid: string;
  /** As `3g.20gb`. */
  readonly profile: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
};

/**
 * Instances of divided NVIDIA GPUs. `nvidia-smi -L` tells their UUIDs, and `-q -x` their memory without them;
 * what both count alike, the GPU and the number within it, brings them together. Empty when either fails.
 */
export async function readMigInstances(io: DeviceIo, signal: AbortSignal): Promise<readonly MigInstance[]> {
  const [list, query] = await Promise.all([
    io.run("nvidia-smi", ["-L"], signal),
    io.run("nvidia-smi", ["-q", "-x"], signal),
  ]);
  if (list.kind !== "output" || query.kind !== "output") return [];
  return migInstances(list.text, query.text);
}

/** Pure. */
function migInstances(list: string, xml: string): readonly MigInstance[] {
  const memories = migMemories(xml);
  const instances: MigInstance[] = [];
  // GPUs are counted by place, as in the XML: an index may be missing where a GPU is hidden.
  let [place, gpu] = [-1, -1];
  for (const line of list.split("\n")) {
    const whole = /^GPU (\d+):/.exec(line);
    if (whole !== null) [place, gpu] = [place + 1, Number(whole[1])];
    const [, profile, device, uuid] = /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)/.exec(line) ?? [];
    const memory = memories.get(`${place}/${device}`);
    if (profile !== undefined && uuid !== undefined && memory !== undefined)
      instances.push({ gpu, uuid, profile, ...memory });
  }
  return instances;
}

type Memory = { readonly totalBytes: number; readonly freeBytes: number };

/** By place of the GPU and index of the instance. */
function migMemories(xml: string): ReadonlyMap<string, Memory> {
  const found = new Map<string, Memory>();
  for (const [place, gpu] of xml
    .split(/<gpu id=/)
    .slice(1)
    .entries()) {
    for (const part of gpu.split("<mig_device>").slice(1)) {
      const index = /<index>(\d+)<\/index>/.exec(part)?.[1];
      const memory = /<fb_memory_usage>([\s\S]*?)<\/fb_memory_usage>/.exec(part)?.[1] ?? "";
      const [total, free] = ["total", "free"].map((key) =>
        Number(new RegExp(`<${key}>(\\d+) MiB</${key}>`).exec(memory)?.[1]),
      );
      if (index === undefined || !(total !== undefined && total > 0) || !(free !== undefined && free >= 0)) continue;
      found.set(`${place}/${index}`, { totalBytes: total * MIB, freeBytes: Math.min(total, free) * MIB });
    }
  }
  return found;
}
