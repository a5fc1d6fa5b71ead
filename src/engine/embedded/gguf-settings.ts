import { type AtosError, usageError } from "../../base/errors.ts";
import type { Adapter, GgufSettings } from "../model.ts";

/** Settings with every default in its place; what stays open depends on the model and the machine. */
export type LoadSettings = {
  readonly contextTokens?: number | undefined;
  readonly gpuLayers?: number | undefined;
  readonly cacheType: "f32" | "f16" | "q8_0" | "q4_0";
  readonly flashAttention?: boolean | undefined;
  readonly batchTokens: number;
  readonly slots: number;
  readonly adapters: readonly Adapter[];
  readonly promptLookup: boolean;
  readonly deterministic: boolean;
};

const DEFAULT_BATCH_TOKENS = 512;
const MAX_SLOTS = 64;

/**
 * Puts defaults in and refuses what can't be (`engine/bad-setting`). Pure.
 *
 * A reply repeats exactly only alone and from an empty cache. So who asks for several slots or for
 * prompt lookup and says nothing about determinism has given it up, and to ask for both is refused. A
 * quantised cache works with flash attention only, which is then switched on.
 */
export function resolveSettings(settings: GgufSettings): LoadSettings {
  const { contextTokens, gpuLayers, batchTokens = DEFAULT_BATCH_TOKENS, slots = 1, adapters = [] } = settings;
  const { cacheType = "f16", promptLookup = false } = settings;
  checkCount("contextTokens", contextTokens, 1);
  checkCount("gpuLayers", gpuLayers, 0);
  checkCount("batchTokens", batchTokens, 1);
  checkCount("slots", slots, 1);
  if (slots > MAX_SLOTS) throw badSetting(`slots is ${slots}, and at most ${MAX_SLOTS} are possible`);
  const badScale = adapters.find(({ scale }) => !Number.isFinite(scale));
  if (badScale !== undefined) throw badSetting(`the adapter ${badScale.path} has the scale ${badScale.scale}`);
  const { deterministic = slots === 1 && !promptLookup } = settings;
  if (deterministic && slots > 1)
    throw badSetting(`${slots} slots can't be deterministic, because a neighbour in the batch changes late tokens`);
  if (deterministic && promptLookup)
    throw badSetting("promptLookup can't be deterministic, because tokens checked together change late tokens");
  const isQuantised = cacheType === "q8_0" || cacheType === "q4_0";
  if (isQuantised && settings.flashAttention === false)
    throw badSetting(`a ${cacheType} cache needs flash attention, which is switched off`);
  return {
    contextTokens,
    gpuLayers,
    cacheType,
    flashAttention: isQuantised ? true : settings.flashAttention,
    batchTokens,
    slots,
    adapters,
    promptLookup,
    deterministic,
  };
}

function checkCount(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw badSetting(`${name} is ${value}, and must be a whole number, ${least} or more`);
}

function badSetting(why: string): AtosError {
  return usageError("engine/bad-setting", `the model can't be loaded like that: ${why}; change its settings`);
}
