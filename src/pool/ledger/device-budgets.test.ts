import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeviceReading, GIB, MIB } from "../devices/device-reading.ts";
import { type BudgetInput, type DeviceBudget, deviceBudgets, reserveBytes } from "./device-budgets.ts";

const system: DeviceReading = {
  id: "system",
  key: "system",
  kind: "system",
  name: "system memory",
  totalBytes: 16 * GIB,
  freeBytes: 12 * GIB,
};
const gpu: DeviceReading = {
  id: "gpu0",
  key: "GPU-1",
  kind: "nvidia",
  name: "RTX",
  totalBytes: 8 * GIB,
  freeBytes: 7 * GIB,
  visibleAs: "GPU-1",
};
const second: DeviceReading = { ...gpu, id: "gpu1", key: "GPU-2", visibleAs: "GPU-2" };

const input = (changes: Partial<BudgetInput>): BudgetInput => ({
  readings: [system],
  own: [],
  settings: {},
  othersUnused: [],
  ...changes,
});
const budgets = (changes: Partial<BudgetInput>): readonly number[] =>
  deviceBudgets(input(changes)).devices.map(({ budgetBytes }) => budgetBytes);

test("a budget is what there is without the reserve and what other programs use, with its arithmetic", () => {
  const result = deviceBudgets(input({ readings: [system, gpu] }));
  assert.deepEqual(result.devices, [
    { id: "system", budgetBytes: 10 * GIB },
    { id: "gpu0", budgetBytes: 6.5 * GIB },
  ]);
  assert.deepEqual(result.parts[0], {
    id: "system",
    kind: "system",
    name: "system memory",
    totalBytes: 16 * GIB,
    freeBytes: 12 * GIB,
    reserveBytes: 2 * GIB,
    othersBytes: 4 * GIB,
    claimedBytes: 0,
    budgetBytes: 10 * GIB,
  });
});

test("what our own models take is not other programs' use: as measured, else as booked", () => {
  const bookedBytes = [3 * GIB];
  assert.deepEqual(budgets({ own: [{ bookedBytes }] }), [13 * GIB]);
  assert.deepEqual(budgets({ own: [{ bookedBytes, takenBytes: [GIB] }] }), [11 * GIB]);
  assert.deepEqual(budgets({ own: [{ bookedBytes, takenBytes: [undefined] }] }), [13 * GIB]);
  // More booked than is used at all.
  assert.deepEqual(budgets({ own: [{ bookedBytes: [9 * GIB] }] }), [14 * GIB]);
});

test("what other workers have claimed and not taken is theirs", () => {
  assert.deepEqual(budgets({ othersUnused: [3 * GIB] }), [7 * GIB]);
  assert.deepEqual(budgets({ othersUnused: [30 * GIB] }), [0]);
});

test("a budget is never below nothing, and told in steps of 64 MiB", () => {
  assert.deepEqual(budgets({ readings: [{ ...system, freeBytes: 0 }] }), [0]);
  assert.deepEqual(budgets({ readings: [{ ...system, freeBytes: 12 * GIB - MIB }] }), [10 * GIB - 64 * MIB]);
});

test("the setting holds down system memory where there is no GPU, and the GPU where there is one", () => {
  const settings = { budgetBytes: 4 * GIB };
  assert.deepEqual(budgets({ settings }), [4 * GIB]);
  assert.deepEqual(budgets({ settings, readings: [system, gpu] }), [10 * GIB, 4 * GIB]);
  assert.deepEqual(budgets({ settings: { budgetBytes: 400 * GIB } }), [10 * GIB]);
});

test("the setting is for all GPUs together, and the first ones use it up", () => {
  const readings = [system, gpu, second];
  assert.deepEqual(budgets({ settings: { budgetBytes: 4 * GIB }, readings }), [10 * GIB, 4 * GIB, 0]);
  assert.deepEqual(budgets({ settings: { budgetBytes: 8 * GIB }, readings }), [10 * GIB, 6.5 * GIB, 1.5 * GIB]);
  assert.deepEqual(budgets({ settings: { budgetBytes: 80 * GIB }, readings }), [10 * GIB, 6.5 * GIB, 6.5 * GIB]);
});

test("a reserve can be set, and one memory of GPU and processor has the system's", () => {
  const settings = { gpuReserveBytes: GIB, systemReserveBytes: 4 * GIB };
  assert.deepEqual(budgets({ settings, readings: [system, gpu] }), [8 * GIB, 6 * GIB]);
  const apple: DeviceReading = { ...gpu, kind: "apple", totalBytes: 16 * GIB, freeBytes: 15 * GIB, unified: true };
  assert.deepEqual(budgets({ readings: [apple] }), [13 * GIB]);
  assert.deepEqual(budgets({ readings: [{ ...apple, limitBytes: 10 * GIB }] }), [10 * GIB]);
});

test("the reserve is an eighth of system memory and a sixteenth of a GPU's, within bounds", () => {
  const sizes = [1, 4, 16, 128];
  const reserves = (device: DeviceReading): readonly number[] =>
    sizes.map((gib) => reserveBytes({ ...device, totalBytes: gib * GIB }, {}) / GIB);
  assert.deepEqual(reserves(system), [0.5, 0.5, 2, 8]);
  assert.deepEqual(reserves(gpu), [0.5, 0.5, 1, 2]);
});

/** Budgets over time, each knowing the ones before. */
function over(frees: readonly number[], own: BudgetInput["own"] = []): readonly number[] {
  let previous: readonly DeviceBudget[] | undefined;
  return frees.map((freeBytes) => {
    const { parts } = deviceBudgets(input({ readings: [{ ...system, freeBytes }], own, previous }));
    previous = parts;
    return (parts[0]?.budgetBytes ?? 0) / GIB;
  });
}

test("free memory that swings by less than half of the reserve leaves a budget as it is", () => {
  const noise = [12, 11.6, 12.03, 11.2, 11.9, 11.1, 12.01].map((gib) => gib * GIB);
  assert.deepEqual(over(noise), [10, 10, 10, 10, 10, 10, 10]);
});

test("a budget follows what other programs take beyond half of the reserve, and give back", () => {
  const uses = [12, 10.9, 11.5, 10.5, 13].map((gib) => gib * GIB);
  assert.deepEqual(over(uses), [10, 8.875, 9.5, 9.5, 11]);
});

test("a budget never promises more than half of the reserve beyond what is free of it", () => {
  // A generator with a fixed seed: any walk of free memory will do.
  let seed = 7;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  const frees = Array.from({ length: 2000 }, () => Math.floor(random() * 16 * GIB));
  for (const [at, budget] of over(frees).entries()) {
    const exact = Math.max(0, (frees[at] ?? 0) - 2 * GIB) / GIB;
    assert.ok(budget <= exact + 1, `${budget} of ${exact}`);
  }
});

test("while a model that can't be measured is loading, others' use is not taken to shrink", () => {
  const { parts: previous } = deviceBudgets(input({ readings: [gpu] }));
  const booked = { bookedBytes: [4 * GIB], opening: true };
  const at = (freeBytes: number, own: BudgetInput["own"]): number | undefined =>
    deviceBudgets(input({ readings: [{ ...gpu, freeBytes }], own, previous })).devices[0]?.budgetBytes;
  // Nothing of the 4 GiB is taken yet: without care other programs would seem to use nothing.
  assert.equal(at(7 * GIB, [booked]), 6.5 * GIB);
  assert.equal(at(3 * GIB, [{ ...booked, opening: false }]), 6.5 * GIB);
});

test("claims count exactly, however calm the budget is", () => {
  const { parts: previous } = deviceBudgets(input({}));
  assert.deepEqual(budgets({ previous, othersUnused: [GIB / 2] }), [9.5 * GIB]);
});
