import type { DeviceIo } from "./device-io.ts";
import { controlGroupMemory } from "./control-group-memory.ts";
import type { KindReading } from "./device-reading.ts";

/** System memory by `/proc/meminfo`, within the limits of this process's control groups. */
export async function readSystem(io: DeviceIo): Promise<KindReading> {
  const text = await io.readFile("/proc/meminfo");
  const memory = text === undefined ? undefined : parseMeminfo(text);
  if (memory === undefined) return { devices: [], notes: ["/proc/meminfo does not tell the system's memory"] };
  const groups = await controlGroupMemory(io);
  const limits = groups.filter(({ limitBytes }) => limitBytes < memory.totalBytes);
  const totalBytes = Math.min(memory.totalBytes, ...limits.map(({ limitBytes }) => limitBytes));
  const free = limits.map(({ limitBytes, usedBytes }) => Math.max(0, limitBytes - usedBytes));
  const freeBytes = Math.min(memory.freeBytes, totalBytes, ...free);
  const name = limits.length === 0 ? "system memory" : "system memory of this container";
  return { devices: [{ id: "system", key: "system", kind: "system", name, totalBytes, freeBytes }], notes: [] };
}

/** Pure. Kernels before 3.14 tell no `MemAvailable`: then free memory, buffers and cached files stand for it. */
function parseMeminfo(text: string): { readonly totalBytes: number; readonly freeBytes: number } | undefined {
  const kib = (key: string): number | undefined => {
    const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const total = kib("MemTotal");
  const available = kib("MemAvailable") ?? (kib("MemFree") ?? 0) + (kib("Buffers") ?? 0) + (kib("Cached") ?? 0);
  if (total === undefined || total === 0) return undefined;
  return { totalBytes: total * 1024, freeBytes: Math.min(total, available) * 1024 };
}
