import type { DeviceIo } from "./device-io.ts";
import type { DeviceReading, MachineReading } from "./device-reading.ts";
import { readAmd } from "./read-amd.ts";
import { readApple } from "./read-apple.ts";
import { readNvidia } from "./read-nvidia.ts";
import { readSystem } from "./read-system.ts";

/**
 * Reads which memories this machine has and what is free in each. What can't be read is absent and named in
 * `notes`; only an abort of `signal` throws, its reason.
 */
export async function readDevices(io: DeviceIo, signal: AbortSignal): Promise<MachineReading> {
  const kinds =
    io.platform === "darwin"
      ? [await readApple(io, signal)]
      : await Promise.all([readSystem(io), readNvidia(io, signal), readAmd(io)]);
  const all = kinds.flatMap(({ devices }) => devices);
  let gpus = 0;
  return {
    devices: all.map((device) => ({ ...device, id: device.kind === "system" ? "system" : `gpu${gpus++}` })),
    notes: kinds.flatMap(({ notes }) => notes),
  };
}

/**
 * The devices of `before` with the figures of `now`: the same ones in the same order, because placements
 * name devices by their place. One that is missing now keeps its last figures and is `stale`; a new one is left
 * out. Pure.
 */
export function rereadDevices(before: readonly DeviceReading[], now: MachineReading): MachineReading {
  const found = new Map(now.devices.map((device) => [device.key, device]));
  const notes = [...now.notes];
  const devices = before.map((device) => {
    const fresh = found.get(device.key);
    if (fresh !== undefined) return { ...fresh, id: device.id };
    notes.push(`${device.id} (${device.name}) could not be read; what is known of it is older`);
    return { ...device, stale: true } as const;
  });
  return { devices, notes };
}
