import type { DeviceKind, DeviceReading } from "../devices/device-reading.ts";
import { neededSystemBytes, type ProcessMemory } from "../devices/measure-processes.ts";
import type { OwnUse } from "./device-budgets.ts";
import type { PlacementChoice } from "./placements-of.ts";

/** A loaded model, as it is seen from outside. */
export type LoadedModel = {
  readonly choice: PlacementChoice;
  readonly slots: number;
  /** It is being loaded or resized. */
  readonly opening?: boolean | undefined;
  /** Of its process (`measureProcesses`); absent where that can't be told. */
  readonly memory?: ProcessMemory | undefined;
};

/** What it needs of a kind of device beside what was estimated for it: for `learnMemory`. */
export type UseSeen = { readonly kind: DeviceKind; readonly measuredBytes: number; readonly estimatedBytes: number };

/** What `deviceBudgets` and `MachineClaims` are to know of a loaded model. Pure. */
export function ownUse({ choice, slots, opening, memory }: LoadedModel, devices: readonly DeviceReading[]): OwnUse {
  const { loadedBytes, slotBytes } = choice.placement;
  const bookedBytes = devices.map((_, at) => (loadedBytes[at] ?? 0) + slots * (slotBytes[at] ?? 0));
  const takenBytes = devices.map((device, at) => {
    if (memory === undefined) return undefined;
    if (device.kind === "system") return memory.anonymousBytes;
    return bookedBytes[at] === 0 ? 0 : memory.gpuBytes.get(device.key);
  });
  return { bookedBytes, takenBytes, opening };
}

/**
 * What was measured beside what was estimated, for each device where both are known. Only of a model that has
 * computed something since it was loaded or resized: before that, not all it needs is in memory. Pure.
 */
export function usesSeen(
  { choice, slots, memory }: LoadedModel,
  devices: readonly DeviceReading[],
): readonly UseSeen[] {
  if (memory === undefined) return [];
  const { weightsBytes, loadedBytes, slotBytes } = choice.estimated;
  return devices.flatMap(({ kind, key }, at) => {
    const estimatedBytes = (loadedBytes[at] ?? 0) + slots * (slotBytes[at] ?? 0);
    const weights = weightsBytes[at] ?? 0;
    const expected = { weightsBytes: weights, otherBytes: estimatedBytes - weights };
    const measuredBytes = kind === "system" ? neededSystemBytes(memory, expected) : memory.gpuBytes.get(key);
    return measuredBytes === undefined || estimatedBytes === 0 ? [] : [{ kind, measuredBytes, estimatedBytes }];
  });
}
