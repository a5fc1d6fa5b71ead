import type { DeviceReading } from "../devices/device-reading.ts";
import type { PlacementChoice } from "./placements-of.ts";

/** What a loaded model takes of one device, by part, for people. */
export type MemoryParts = {
  readonly device: string;
  readonly weights: number;
  /** Of all open slots. */
  readonly caches: number;
  readonly adapters: number;
  readonly compute: number;
};

/** The parts of a model with so many open slots on each device that has any of them. Pure. */
export function memoryParts(
  { parts }: PlacementChoice,
  slots: number,
  devices: readonly DeviceReading[],
): readonly MemoryParts[] {
  const all = parts.map(({ weights, cache, adapters, compute }, at) => ({
    device: devices[at]?.id ?? `device ${at}`,
    weights,
    caches: cache * slots,
    adapters,
    compute,
  }));
  return all.filter(({ weights, caches, adapters, compute }) => weights + caches + adapters + compute > 0);
}
