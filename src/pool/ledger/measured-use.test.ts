import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceReading } from "../devices/device-reading.ts";
import type { ProcessMemory } from "../devices/measure-processes.ts";
import { ownUse, usesSeen } from "./measured-use.ts";
import type { PlacementChoice } from "./placements-of.ts";

const base = { name: "", totalBytes: 9000, freeBytes: 9000 };
const devices: readonly DeviceReading[] = [
  { ...base, id: "system", key: "system", kind: "system" },
  { ...base, id: "gpu0", key: "GPU-1", kind: "nvidia" },
  { ...base, id: "gpu1", key: "GPU-2", kind: "nvidia" },
];
/** On the first GPU, and a part of it in system memory; corrected to twice the estimate. */
const choice: PlacementChoice = {
  placement: { device: 1, loadedBytes: [400, 2000, 0], slotBytes: [0, 200, 0], stepMs: 1 },
  load: { gpuLayers: 5, gpus: ["GPU-1"] },
  way: "",
  parts: [],
  estimated: { weightsBytes: [100, 800, 0], loadedBytes: [200, 1000, 0], slotBytes: [0, 100, 0] },
};
const memory = (gpuBytes: ProcessMemory["gpuBytes"]): ProcessMemory => ({
  anonymousBytes: 110,
  mappedBytes: 700,
  gpuBytes,
});

test("a model has booked its slots too, and has taken what is measured", () => {
  const known = memory(new Map([["GPU-1", 1500]]));
  assert.deepEqual(ownUse({ choice, slots: 3, memory: known, opening: true }, devices), {
    bookedBytes: [400, 2600, 0],
    takenBytes: [110, 1500, 0],
    opening: true,
  });
});

test("what can't be measured is not known, but on a GPU that it does not use", () => {
  assert.deepEqual(ownUse({ choice, slots: 1, memory: memory(new Map()) }, devices).takenBytes, [110, undefined, 0]);
  assert.deepEqual(ownUse({ choice, slots: 1 }, devices).takenBytes, [undefined, undefined, undefined]);
});

test("what was measured is compared with the estimate before its correction", () => {
  const known = memory(new Map([["GPU-1", 1500]]));
  assert.deepEqual(usesSeen({ choice, slots: 2, memory: known }, devices), [
    { kind: "system", measuredBytes: 210, estimatedBytes: 200 },
    { kind: "nvidia", measuredBytes: 1500, estimatedBytes: 1200 },
  ]);
  assert.deepEqual(
    usesSeen({ choice, slots: 2, memory: memory(new Map()) }, devices).map(({ kind }) => kind),
    ["system"],
  );
  assert.deepEqual(usesSeen({ choice, slots: 2 }, devices), []);
});
