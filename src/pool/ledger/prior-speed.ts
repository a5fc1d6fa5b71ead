import type { MemoryEstimate } from "../../engine/model.ts";
import type { DeviceKind } from "../devices/device-reading.ts";
import type { LedgerModel } from "./placements-of.ts";

const GB = 1e9;

/**
 * Bytes a second that a device's memory gives to one step, assumed until a speed was measured. Of makers'
 * figures for the smallest machines that ATOS is made for, reduced to the two thirds that llama.cpp reaches:
 * two channels of DDR4-3200 (51 GB/s), an RTX 3050 or GTX 1650 (192), an RX 6500 XT to 6600 (144 to 224),
 * an Apple M2 (100).
 */
const BANDWIDTH: Readonly<Record<DeviceKind, number>> = {
  system: 34 * GB,
  nvidia: 128 * GB,
  amd: 110 * GB,
  apple: 66 * GB,
};

/** Operations a second on prompts, assumed likewise: a processor with AVX2, and small GPUs. Far from peaks. */
const OPERATIONS: Readonly<Record<DeviceKind, number>> = { system: 1e11, nvidia: 4e12, amd: 2.5e12, apple: 2e12 };

/** What every step costs besides: sampling, and the way between the processes. */
const STEP_OVERHEAD_MS = 1;

/**
 * Milliseconds of a step before one was measured: every weight that serves a token is read once, and a cache that
 * is half full; of experts, those that serve it. Pure.
 */
export function priorStepMs({ shape }: LedgerModel, estimate: MemoryEstimate, kind: DeviceKind): number {
  const { inputBytes = 0, outputBytes = inputBytes, experts, weightsBytes } = shape;
  // Of the input's matrix a step reads one row, unless it serves as the output too.
  const unread = outputBytes > 0 ? inputBytes : 0;
  const idle = experts === undefined || experts.count === 0 ? 0 : experts.bytes * (1 - experts.used / experts.count);
  const part = weightsBytes > 0 ? Math.max(0, weightsBytes - unread - idle) / weightsBytes : 0;
  const systemBytes = estimate.weights.system * part + estimate.cachePerSlot.system / 2;
  const gpuBytes = estimate.weights.gpu * part + estimate.cachePerSlot.gpu / 2;
  const ms = 1000 * (systemBytes / BANDWIDTH.system + gpuBytes / BANDWIDTH[kind]);
  return STEP_OVERHEAD_MS + ms;
}

/** Milliseconds for each token of a prompt before it was measured: two operations for each weight. Pure. */
export function priorPromptTokenMs({ shape }: LedgerModel, kind: DeviceKind): number {
  const { experts, parameters, weightsBytes } = shape;
  const idle = experts === undefined || experts.count === 0 ? 0 : experts.bytes * (1 - experts.used / experts.count);
  const serving = weightsBytes > 0 ? parameters * (1 - idle / weightsBytes) : parameters;
  return (1000 * 2 * serving) / OPERATIONS[kind];
}
