import assert from "node:assert/strict";
import { test } from "node:test";
import { type MemorySettings, type ModelShape, estimateMemory } from "../../engine/gguf/memory-estimate.ts";
import { type DeviceReading, GIB, MIB } from "../devices/device-reading.ts";
import {
  DRIVER_BYTES,
  type PlacementChoice,
  type PlacingOptions,
  placementsOf,
  PROCESS_BYTES,
} from "./placements-of.ts";

/** Of the size of a 3B model at 4 bits. */
const shape: ModelShape = {
  parameters: 3_000_000_000,
  weightsBytes: 2000 * MIB,
  layers: 36,
  embeddingLength: 2048,
  hiddenLength: 11_008,
  heads: 16,
  keyValueHeads: 2,
  keyLength: 128,
  valueLength: 128,
  vocabulary: 151_936,
  trainedContextTokens: 32_768,
  inputBytes: 250 * MIB,
  outputBytes: 0,
};
const settings: MemorySettings = { contextTokens: 8192, slots: 4 };

const system: DeviceReading = {
  id: "system",
  key: "system",
  kind: "system",
  name: "system memory",
  totalBytes: 16 * GIB,
  freeBytes: 14 * GIB,
};
const gpu = (gib: number, index = 0): DeviceReading => ({
  id: `gpu${index}`,
  key: `GPU-${index}`,
  kind: "nvidia",
  name: `RTX ${gib}`,
  totalBytes: gib * GIB,
  freeBytes: gib * GIB,
  visibleAs: `GPU-${index}`,
});
const mac: DeviceReading = { ...gpu(16), kind: "apple", key: "apple", name: "M2", visibleAs: undefined, unified: true };

const place = (
  devices: readonly DeviceReading[],
  changes: MemorySettings = {},
  options?: PlacingOptions,
): readonly PlacementChoice[] => placementsOf({ shape, settings: { ...settings, ...changes } }, devices, options);
const ways = (choices: readonly PlacementChoice[]): readonly string[] => choices.map(({ way }) => way);

test("without a GPU a model is in system memory, with what its process takes", () => {
  const choices = place([system]);
  const estimate = estimateMemory(shape, settings);
  assert.deepEqual(ways(choices), ["processor"]);
  const [only] = choices;
  assert.deepEqual(only?.load, { gpuLayers: 0, gpus: [] });
  assert.equal(only?.placement.device, 0);
  assert.deepEqual(only?.placement.loadedBytes, [estimate.weights.system + estimate.compute.system + PROCESS_BYTES]);
  assert.deepEqual(only?.placement.slotBytes, [estimate.cachePerSlot.system]);
});

test("a GPU that can hold a model comes first, then the processor", () => {
  const choices = place([system, gpu(8)]);
  assert.deepEqual(ways(choices), ["RTX 8, 37 layers", "processor"]);
  const [whole] = choices;
  const { weights, compute, cachePerSlot } = estimateMemory(shape, { ...settings, gpuLayers: 37 }, { gpuBytes: 1e18 });
  assert.deepEqual(whole?.load, { gpuLayers: 37, gpus: ["GPU-0"] });
  assert.equal(whole?.placement.device, 1);
  assert.deepEqual(whole?.placement.loadedBytes, [
    weights.system + compute.system + PROCESS_BYTES,
    weights.gpu + compute.gpu + DRIVER_BYTES.nvidia,
  ]);
  assert.deepEqual(whole?.placement.slotBytes, [0, cachePerSlot.gpu]);
});

test("each of several GPUs that can hold a model is a way", () => {
  const choices = place([system, gpu(8), gpu(12, 1)]);
  assert.deepEqual(
    choices.map(({ placement, load }) => [placement.device, load.gpus]),
    [
      [1, ["GPU-0"]],
      [2, ["GPU-1"]],
      [0, []],
    ],
  );
});

test("a model too large for each GPU is spread over all, by their size", () => {
  const choices = place([system, gpu(2.5), gpu(2.5, 1)]);
  assert.equal(choices[0]?.way, "RTX 2.5 + RTX 2.5, 37 layers");
  assert.deepEqual(choices[0]?.load, { gpuLayers: 37, gpus: ["GPU-0", "GPU-1"] });
  const [, one = 0, other = 0] = choices[0]?.placement.loadedBytes ?? [];
  assert.equal(one, other);
  const { weights, compute } = estimateMemory(shape, { ...settings, gpuLayers: 37 }, { gpuBytes: 1e18 });
  // Half of the weights and one layer more, and all scratch buffers.
  assert.ok(one > weights.gpu / 2 + compute.gpu && one < weights.gpu * 0.53 + compute.gpu + DRIVER_BYTES.nvidia);
});

test("a GPU that is too small gets as many layers as fit beside one slot, the rest is in system memory", () => {
  const choices = place([system, gpu(2)]);
  assert.deepEqual(
    choices.map(({ load }) => load.gpus),
    [["GPU-0"], []],
  );
  const [partly] = choices;
  const layers = partly?.load.gpuLayers ?? 0;
  assert.ok(layers > 0 && layers < 37);
  const taken = (partly?.placement.loadedBytes[1] ?? 0) + (partly?.placement.slotBytes[1] ?? 0);
  assert.ok(taken <= 1.5 * GIB && taken > 1.3 * GIB, String(taken));
  assert.ok((partly?.placement.slotBytes[0] ?? 0) > 0);
});

test("a GPU that other programs have filled offers fewer layers besides, for as long as that lasts", () => {
  const devices = [system, gpu(8)];
  const choices = place(devices, {}, { roomBytes: [12 * GIB, 2 * GIB] });
  assert.equal(choices.length, 3);
  assert.equal(choices[0]?.load.gpuLayers, 37);
  assert.ok((choices[1]?.load.gpuLayers ?? 0) < 37);
  assert.ok((choices[1]?.placement.loadedBytes[1] ?? 0) < 2 * GIB);
});

test("the setting of the budget decides what a GPU can hold", () => {
  const [first] = place([system, gpu(24)], {}, { budget: { budgetBytes: 1.5 * GIB } });
  assert.ok((first?.load.gpuLayers ?? 0) < 37);
});

test("gpuLayers 0 leaves the processor, and a number is kept exactly", () => {
  assert.deepEqual(ways(place([system, gpu(8)], { gpuLayers: 0 })), ["processor"]);
  assert.deepEqual(ways(place([system, gpu(8), gpu(8, 1)], { gpuLayers: 10 })), [
    "RTX 8, 10 layers",
    "RTX 8, 10 layers",
  ]);
  assert.deepEqual(ways(place([system, gpu(8)], { gpuLayers: 1000 })), ["RTX 8, 37 layers"]);
});

test("layers that were asked for and fit nowhere are placed on the largest GPU, where the planner refuses them", () => {
  const choices = place([system, gpu(1), gpu(1.5, 1)], { gpuLayers: 37, contextTokens: 32_768 });
  assert.deepEqual(
    choices.map(({ placement, load }) => [placement.device, load]),
    [[2, { gpuLayers: 37, gpus: ["GPU-1"] }]],
  );
});

test("where GPU and processor share one memory, everything is in it once", () => {
  const [whole, ...others] = place([mac]);
  assert.deepEqual(
    others.map(({ way }) => way),
    ["processor"],
  );
  const { weights, compute, cachePerSlot } = estimateMemory(shape, { ...settings, gpuLayers: 37 }, { gpuBytes: 1e18 });
  assert.deepEqual(whole?.placement.loadedBytes, [
    weights.system + weights.gpu + compute.system + compute.gpu + PROCESS_BYTES,
  ]);
  assert.deepEqual(whole?.placement.slotBytes, [cachePerSlot.gpu]);
  assert.deepEqual(whole?.load, { gpuLayers: 37, gpus: [] });
});

test("a machine without a memory to tell has no way to load anything", () => {
  assert.deepEqual(place([]), []);
});

test("what was measured corrects memory by kind of device, and the estimate stays beside it", () => {
  const [plain] = place([system, gpu(8)]);
  const [corrected] = place([system, gpu(8)], {}, { corrections: { memoryRatio: { nvidia: 1.5 } } });
  assert.equal(corrected?.placement.loadedBytes[0], plain?.placement.loadedBytes[0]);
  const [, before = 0] = plain?.placement.loadedBytes ?? [];
  const [, after = 0] = corrected?.placement.loadedBytes ?? [];
  assert.ok(Math.abs(after - before * 1.5) <= 3);
  assert.deepEqual(corrected?.estimated, plain?.estimated);
  assert.deepEqual(plain?.estimated.loadedBytes, plain?.placement.loadedBytes);
});

test("a measured step goes before the assumed one, and the faster way before the slower", () => {
  const stepMs = { "RTX 8, 37 layers": 900, processor: 50 };
  const choices = place([system, gpu(8)], {}, { corrections: { stepMs } });
  assert.deepEqual(
    choices.map(({ way, placement }) => [way, placement.stepMs]),
    [
      ["processor", 50],
      ["RTX 8, 37 layers", 900],
    ],
  );
});

test("an assumed step reads the weights that serve a token, from where they are", () => {
  const [onGpu, onProcessor] = place([system, gpu(8)]);
  const read = 2000 * MIB + (onGpu?.placement.slotBytes[1] ?? 0) / 2;
  assert.ok(Math.abs((onProcessor?.placement.stepMs ?? 0) - (1 + (1000 * read) / 34e9)) < 0.01);
  const experts = { count: 8, used: 2, bytes: 1600 * MIB };
  const [sparse] = placementsOf({ shape: { ...shape, experts }, settings }, [system]);
  const fewer = read - 1200 * MIB;
  assert.ok(Math.abs((sparse?.placement.stepMs ?? 0) - (1 + (1000 * fewer) / 34e9)) < 0.01);
});

test("the parts of each device add up to what is booked there, with the caches of open slots", () => {
  const devices = [system, gpu(8), gpu(8, 1)];
  const [whole] = place(devices, { adapterBytes: 36 * MIB });
  assert.ok(whole !== undefined);
  const sums = whole.parts.map(({ weights, cache, adapters, compute }) => weights + 3 * cache + adapters + compute);
  assert.deepEqual(
    sums.map((bytes) => bytes > 0),
    [true, true, false],
  );
  assert.deepEqual(
    whole.parts.map(({ adapters }) => adapters),
    [0, 36 * MIB, 0],
  );
  const { loadedBytes, slotBytes } = whole.placement;
  assert.deepEqual(
    sums,
    loadedBytes.map((bytes, at) => bytes + 3 * (slotBytes[at] ?? 0)),
  );
});
