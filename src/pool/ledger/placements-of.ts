import type { MemoryEstimate } from "../../engine/model.ts";
import {
  estimateMemory,
  layersThatFit,
  type MemorySettings,
  type ModelShape,
} from "../../engine/gguf/memory-estimate.ts";
import { type DeviceKind, type DeviceReading, MIB } from "../devices/device-reading.ts";
import type { DeviceBytes, Placement } from "../plan/pool-state.ts";
import { type BudgetSettings, reserveBytes } from "./device-budgets.ts";
import { priorStepMs } from "./prior-speed.ts";

/** A model to place: `GgufInfo` has its shape. */
export type LedgerModel = {
  readonly shape: ModelShape & { readonly experts?: Experts | undefined };
  /** `slots` are the most that may ever be open; `adapterBytes` the sizes of the adapters' files together. */
  readonly settings: MemorySettings;
};

export type Experts = { readonly count: number; readonly used: number; readonly bytes: number };

/** What was learned of the model: `correctionsOf` has it. All absent: the estimate as it is. */
export type Corrections = {
  /** Measured memory by estimated, for each kind of device. */
  readonly memoryRatio?: Partial<Readonly<Record<DeviceKind, number>>> | undefined;
  /** Measured milliseconds of a step, by `PlacementChoice.way`. */
  readonly stepMs?: Readonly<Record<string, number>> | undefined;
};

export type PlacementChoice = {
  readonly placement: Placement;
  /** How the loader is told: `GgufSettings.gpuLayers`, and the GPUs it may use (`DeviceReading.visibleAs`). */
  readonly load: { readonly gpuLayers: number; readonly gpus: readonly string[] };
  /** Names the placement among those of all machines with such devices, to remember its speed by. */
  readonly way: string;
  /** By device, in their order; corrected. `cache` is one slot's. */
  readonly parts: readonly DeviceParts[];
  /** Before correction, in the devices' order: what measured bytes are compared with. */
  readonly estimated: {
    readonly weightsBytes: DeviceBytes;
    /** Weights included. */
    readonly loadedBytes: DeviceBytes;
    readonly slotBytes: DeviceBytes;
  };
};

/** Bytes of one model on one device. */
export type DeviceParts = {
  readonly weights: number;
  readonly cache: number;
  readonly adapters: number;
  /** Scratch buffers, and what the process and the GPU's driver keep for it. */
  readonly compute: number;
};

/**
 * What a process has of its own before it loads a model, which estimates leave out: Node and llama.cpp. Measured: 72 to
 * 84 MiB of anonymous memory (Linux, x86-64, the fixtures of bench/embedded).
 */
export const PROCESS_BYTES: number = 84 * MIB;
/** What a driver keeps on a GPU for each process that uses it. Assumed; measured use corrects it. */
export const DRIVER_BYTES: Readonly<Record<DeviceKind, number>> = {
  system: 0,
  nvidia: 256 * MIB,
  amd: 192 * MIB,
  apple: 0,
};

export type PlacingOptions = {
  readonly corrections?: Corrections | undefined;
  /** As for `deviceBudgets`. */
  readonly budget?: BudgetSettings | undefined;
  /** What models may take of each device as things are, if none is loaded: less than when nothing else ran. */
  readonly roomBytes?: DeviceBytes | undefined;
};

/**
 * The ways to load a model on these devices, the fastest first; at least one if there is a device. Pure.
 *
 * 1. Whole on each GPU that could hold it with one slot if it were empty.
 * 2. Where none could, spread over all GPUs, if they could hold it together.
 * 3. On each GPU that has not the room for it now, as many layers as fit there, the rest in system memory.
 * 4. On the processor.
 *
 * `settings.gpuLayers` narrows them: 0 leaves the processor; any other number exactly so many layers, on each
 * GPU that could hold them, else spread, else on the largest GPU, where it will never fit and the planner says so.
 */
export function placementsOf(
  model: LedgerModel,
  devices: readonly DeviceReading[],
  options: PlacingOptions = {},
): readonly PlacementChoice[] {
  const scene: Scene = { model, devices, options };
  const asked = model.settings.gpuLayers;
  const all = model.shape.layers + 1;
  const gpus = devices.flatMap((device, at) => (device.kind === "system" ? [] : [at]));
  if (asked === 0 || gpus.length === 0) return onProcessor(scene);
  const layers = Math.min(asked ?? all, all);
  const holds = (choice: PlacementChoice): boolean =>
    fits(
      choice,
      devices.map((_, at) => emptyBytes(scene, at)),
    );
  const single = gpus.map((gpu) => choose(scene, { gpus: [gpu], layers })).filter(holds);
  const spread = gpus.length > 1 && single.length === 0 ? [choose(scene, { gpus, layers })].filter(holds) : [];
  const choices = [...single, ...spread];
  if (asked === undefined)
    choices.push(...gpus.flatMap((gpu) => partlyOn(scene, gpu)).filter(holds), ...onProcessor(scene));
  if (choices.length === 0) choices.push(choose(scene, { gpus: [largest(devices, gpus)], layers }));
  return choices.toSorted((one, other) => one.placement.stepMs - other.placement.stepMs);
}

/** What all helpers need to know. */
type Scene = {
  readonly model: LedgerModel;
  readonly devices: readonly DeviceReading[];
  readonly options: PlacingOptions;
};

/** Layers on some GPUs, given by their place among the devices; the rest is in system memory. */
type Layout = { readonly gpus: readonly number[]; readonly layers: number };

function onProcessor(scene: Scene): readonly PlacementChoice[] {
  return scene.devices.length === 0 ? [] : [choose(scene, { gpus: [], layers: 0 })];
}

/** Not on unified memory: what does not fit on its GPU is in the very memory that is full. */
function partlyOn(scene: Scene, gpu: number): readonly PlacementChoice[] {
  const device = scene.devices[gpu];
  if (device === undefined || device.unified === true) return [];
  const empty = emptyBytes(scene, gpu);
  const room = Math.min(empty, scene.options.roomBytes?.[gpu] ?? empty);
  const { shape, settings } = scene.model;
  const forEstimate = room / ratioOf(scene, device.kind) - DRIVER_BYTES[device.kind];
  const layers = layersThatFit(shape, { ...settings, slots: 1 }, forEstimate);
  if (layers === 0 || layers > shape.layers) return [];
  return [choose(scene, { gpus: [gpu], layers })];
}

function choose(scene: Scene, layout: Layout): PlacementChoice {
  const { model, devices, options } = scene;
  const estimate = estimateMemory(
    model.shape,
    { ...model.settings, gpuLayers: layout.layers },
    { gpuBytes: Number.POSITIVE_INFINITY },
  );
  const plain = devices.map((_, at) => partsOn(scene, { layout, estimate, at }));
  const parts = plain.map((part, at) => corrected(part, ratioOf(scene, devices[at]?.kind ?? "system")));
  const way = wayOf(devices, layout);
  const kind = devices[layout.gpus[0] ?? 0]?.kind ?? "system";
  const measuredMs = options.corrections?.stepMs?.[way];
  return {
    placement: {
      device: layout.gpus[0] ?? systemPlace(devices),
      loadedBytes: parts.map(loaded),
      slotBytes: parts.map(({ cache }) => cache),
      stepMs: measuredMs ?? priorStepMs(model, estimate, layout.layers === 0 ? "system" : kind),
    },
    load: { gpuLayers: layout.layers, gpus: layout.gpus.flatMap((at) => devices[at]?.visibleAs ?? []) },
    way,
    parts,
    estimated: {
      weightsBytes: plain.map(({ weights }) => weights),
      loadedBytes: plain.map(loaded),
      slotBytes: plain.map(({ cache }) => cache),
    },
  };
}

type Part = { readonly layout: Layout; readonly estimate: MemoryEstimate; readonly at: number };

/** Estimated bytes on the device at `at`. */
function partsOn(scene: Scene, { layout, estimate, at }: Part): DeviceParts {
  const isSystem = at === systemPlace(scene.devices);
  const share = shareOf(scene, layout, at);
  const of = ({ system, gpu }: { readonly system: number; readonly gpu: number }): number =>
    (isSystem ? system : 0) + gpu * share;
  // llama.cpp gives whole layers to each of several GPUs: one may get a layer more than its share. Each has all buffers.
  const isSpread = layout.gpus.length > 1 && share > 0;
  const oneMore = isSpread ? 1 / scene.model.shape.layers : 0;
  const kept = (isSystem ? PROCESS_BYTES : 0) + (share > 0 ? DRIVER_BYTES[scene.devices[at]?.kind ?? "system"] : 0);
  const compute = isSpread ? estimate.compute.gpu : of(estimate.compute);
  return {
    weights: Math.ceil(of(estimate.weights) + oneMore * estimate.weights.gpu),
    cache: Math.ceil(of(estimate.cachePerSlot) + oneMore * estimate.cachePerSlot.gpu),
    adapters: Math.ceil(of(estimate.adapters) + oneMore * estimate.adapters.gpu),
    compute: Math.ceil(compute + kept),
  };
}

/** A GPU's share of what is on GPUs: several get it by their size, as llama.cpp splits by free memory. */
function shareOf({ devices }: Scene, { gpus }: Layout, at: number): number {
  if (!gpus.includes(at)) return 0;
  const sum = gpus.reduce((all, gpu) => all + (devices[gpu]?.totalBytes ?? 0), 0);
  return (devices[at]?.totalBytes ?? 0) / sum;
}

function corrected(parts: DeviceParts, ratio: number): DeviceParts {
  return {
    weights: correctedBytes(parts.weights, ratio),
    cache: correctedBytes(parts.cache, ratio),
    adapters: correctedBytes(parts.adapters, ratio),
    compute: correctedBytes(parts.compute, ratio),
  };
}

/** An estimate, corrected by what was measured for the model on that kind of device. Pure. */
function correctedBytes(estimatedBytes: number, ratio: number): number {
  return Math.ceil(estimatedBytes * ratio);
}

function loaded({ weights, adapters, compute }: DeviceParts): number {
  return weights + adapters + compute;
}

/** With one slot. */
function fits({ placement }: PlacementChoice, room: DeviceBytes): boolean {
  const { loadedBytes, slotBytes } = placement;
  return room.every((bytes, at) => (loadedBytes[at] ?? 0) + (slotBytes[at] ?? 0) <= bytes);
}

/** What models could take of a device if nothing else were on it. */
function emptyBytes({ devices, options: { budget = {} } }: Scene, at: number): number {
  const device = devices[at];
  if (device === undefined) return 0;
  const { totalBytes, limitBytes = totalBytes } = device;
  const isMain = device.kind !== "system" || devices.every(({ kind }) => kind === "system");
  const setting = isMain ? (budget.budgetBytes ?? totalBytes) : totalBytes;
  return Math.max(0, Math.min(limitBytes, setting, totalBytes - reserveBytes(device, budget)));
}

function ratioOf({ options }: Scene, kind: DeviceKind): number {
  return options.corrections?.memoryRatio?.[kind] ?? 1;
}

/** Where what is in system memory lies: there, or in the one memory of a machine without any other. */
function systemPlace(devices: readonly DeviceReading[]): number {
  return Math.max(
    0,
    devices.findIndex(({ kind, unified }) => kind === "system" || unified === true),
  );
}

function wayOf(devices: readonly DeviceReading[], { gpus, layers }: Layout): string {
  if (layers === 0) return "processor";
  return `${gpus.map((at) => devices[at]?.name ?? "GPU").join(" + ")}, ${layers} layers`;
}

function largest(devices: readonly DeviceReading[], gpus: readonly number[]): number {
  const size = (at: number): number => devices[at]?.totalBytes ?? 0;
  return gpus.reduce((most, at) => (size(at) > size(most) ? at : most));
}
