import { reserveGib } from "../../engine/catalog/roster-budget.ts";
import { type DeviceReading, GIB, MIB } from "../devices/device-reading.ts";
import type { DeviceBytes, PoolDevice } from "../plan/pool-state.ts";

/** What a loaded model of this worker takes of each device, in the devices' order. */
export type OwnUse = {
  /** What was reckoned with when it was loaded, slots included. */
  readonly bookedBytes: DeviceBytes;
  /**
   * What the system counts as used by it (`ProcessMemory.anonymousBytes`, not its mapped weights, and
   * `gpuBytes`); undefined for a device where that can't be measured.
   */
  readonly takenBytes?: readonly (number | undefined)[] | undefined;
  /** It is being loaded or resized, so that what it takes changes by the moment. */
  readonly opening?: boolean | undefined;
};

export type BudgetSettings = {
  /** Most for ATOS's models of the main memory: of all GPUs together, or of system memory where there is none. */
  readonly budgetBytes?: number | undefined;
  /** What is kept free, instead of the usual. */
  readonly gpuReserveBytes?: number | undefined;
  readonly systemReserveBytes?: number | undefined;
};

export type BudgetInput = {
  readonly readings: readonly DeviceReading[];
  readonly own: readonly OwnUse[];
  readonly settings: BudgetSettings;
  /** What other ATOS workers have claimed and not taken yet: `othersUnused` of their claims. */
  readonly othersUnused: DeviceBytes;
  /** The budgets from before, which a little more or less free memory leaves as they are. Absent: exact ones. */
  readonly previous?: readonly DeviceBudget[] | undefined;
};

/** How a device's budget comes about, for people. */
export type DeviceBudget = {
  readonly id: string;
  readonly kind: DeviceReading["kind"];
  readonly name: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly reserveBytes: number;
  /** Used by other programs. */
  readonly othersBytes: number;
  /** Claimed by other ATOS workers and not taken yet. */
  readonly claimedBytes: number;
  /** What ATOS's models may take. */
  readonly budgetBytes: number;
  /** The setting that holds it down, where one does. */
  readonly limitBytes?: number | undefined;
};

export type DeviceBudgets = { readonly devices: readonly PoolDevice[]; readonly parts: readonly DeviceBudget[] };

/** Budgets are told in such steps. */
const STEP_BYTES = 64 * MIB;
/** Less that other programs give back is no news. */
const RELEASED_BYTES = 64 * MIB;

/**
 * What ATOS's models may take of each device now: what there is, without the reserve, what other programs use
 * and what other workers have claimed, and no more than the settings say; never below 0. Pure.
 *
 * With `previous`, budgets are calm: others' use is taken to be what it was until it has grown by half of
 * the reserve, or shrunk by 64 MiB. So a budget changes back and forth only if use swings by more than half of
 * the reserve, and never promises more than that half of it. Claims count exactly. Whoever books a load asks
 * without `previous`.
 */
export function deviceBudgets(input: BudgetInput): DeviceBudgets {
  const { readings, settings } = input;
  const isMain = (device: DeviceReading): boolean =>
    device.kind !== "system" || readings.every(({ kind }) => kind === "system");
  let left = settings.budgetBytes;
  const parts = readings.map((device, at) => {
    const part = deviceBudget(input, device, at);
    if (!isMain(device) || left === undefined) return part;
    const limited = { ...part, limitBytes: left, budgetBytes: Math.min(part.budgetBytes, Math.max(0, left)) };
    // The setting is for all GPUs together; the first ones use it up, so that a large model has one that is whole.
    left -= limited.budgetBytes;
    return limited.budgetBytes < part.budgetBytes ? limited : part;
  });
  return { devices: parts.map(({ id, budgetBytes }) => ({ id, budgetBytes })), parts };
}

/**
 * What is kept free of a device. Of a GPU as rosters are made for. Of system memory an eighth, from half a GiB to
 * 8 GiB: ATOS's own tests, its database and the person's programs grow beside the models, and watchdogs such
 * as earlyoom kill the largest process, which is a model, when less than a tenth is left. Pure.
 */
export function reserveBytes(device: DeviceReading, settings: BudgetSettings): number {
  const { kind, totalBytes } = device;
  if (kind === "system" || kind === "apple")
    return settings.systemReserveBytes ?? Math.min(8 * GIB, Math.max(GIB / 2, Math.ceil(totalBytes / 8)));
  return settings.gpuReserveBytes ?? Math.ceil(reserveGib(totalBytes / GIB) * GIB);
}

function deviceBudget(input: BudgetInput, device: DeviceReading, at: number): DeviceBudget {
  const { id, kind, name, totalBytes, freeBytes, limitBytes = totalBytes } = device;
  const reserve = reserveBytes(device, input.settings);
  const before = input.previous?.find((part) => part.id === id);
  const othersBytes = calm(othersUse(input, device, at), { before: before?.othersBytes, reserve, input, at });
  const claimedBytes = input.othersUnused[at] ?? 0;
  const room = Math.min(limitBytes, totalBytes - reserve - othersBytes) - claimedBytes;
  const budgetBytes = Math.max(0, Math.floor(room / STEP_BYTES) * STEP_BYTES);
  return { id, kind, name, totalBytes, freeBytes, reserveBytes: reserve, othersBytes, claimedBytes, budgetBytes };
}

function othersUse({ own }: BudgetInput, { totalBytes, freeBytes }: DeviceReading, at: number): number {
  const ours = own.reduce((sum, { takenBytes, bookedBytes }) => sum + (takenBytes?.[at] ?? bookedBytes[at] ?? 0), 0);
  return Math.max(0, totalBytes - freeBytes - ours);
}

type Before = {
  readonly before: number | undefined;
  readonly reserve: number;
  readonly input: BudgetInput;
  readonly at: number;
};

function calm(others: number, { before, reserve, input, at }: Before): number {
  if (before === undefined) return others;
  // While a model that can't be measured fills its memory, what is not ours can't be told from what is.
  const isBlind = input.own.some(
    ({ opening, takenBytes, bookedBytes }) =>
      opening === true && takenBytes?.[at] === undefined && (bookedBytes[at] ?? 0) > 0,
  );
  if (isBlind) return Math.max(others, before);
  return others > before + reserve / 2 || others < before - RELEASED_BYTES ? others : before;
}
