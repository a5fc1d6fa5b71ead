import { createHash } from "node:crypto";
import type { GgufSettings } from "../../engine/model.ts";
import { type DeviceReading, GIB } from "../devices/device-reading.ts";
import type { Facts, ModelFacts } from "./facts.ts";
import type { Corrections } from "./placements-of.ts";

/*
 * What is to be expected, by what was learned, else by what is stated here. All pure.
 */

/** Before a role was played: a short reply, a prompt of a few files, and one repair now and then. */
export const PRIOR_ROLE: RoleExpected = { replyTokens: 300, promptTokens: 1200, turnsPerTask: 2 };
/** Before anything was loaded: starting the process, and a disk that gives 1.5 GB/s. */
const PRIOR_LOAD_MS = 1000;
const PRIOR_LOAD_MS_PER_GIB = 716;

export type RoleExpected = {
  readonly replyTokens: number;
  /** Of the prompt, those that no cache holds. */
  readonly promptTokens: number;
  readonly turnsPerTask: number;
};

/** Settings that change what a model takes or how fast it is. */
export type FactsSettings = Pick<
  GgufSettings,
  "contextTokens" | "cacheType" | "flashAttention" | "batchTokens" | "adapters" | "promptLookup"
>;

/**
 * Names a model's facts: its weights (their hash, or whatever tells them apart), the settings that matter, and
 * the machine (`machineKey`), because a state folder may be shared by several.
 */
export function modelKey(weights: string, settings: FactsSettings, machine: string): string {
  const { contextTokens, cacheType, flashAttention, batchTokens, adapters, promptLookup } = settings;
  const matters = [contextTokens, cacheType, flashAttention, batchTokens, adapters ?? [], promptLookup ?? false];
  return createHash("sha256")
    .update(JSON.stringify([weights, matters, machine]))
    .digest("hex")
    .slice(0, 24);
}

/** Machines with the same devices and processor (`os.cpus()[0].model`) are one. */
export function machineKey(devices: readonly DeviceReading[], processor: string): string {
  return [processor, ...devices.map(({ kind, name }) => (kind === "system" ? "system" : name))].join(" | ");
}

/** For `placementsOf`. */
export function correctionsOf(facts: Facts, model: string): Corrections {
  const known = modelFacts(facts, model);
  if (known === undefined) return {};
  const steps = Object.entries(known.speeds).flatMap(([way, { stepMs }]) =>
    stepMs === undefined || stepMs === 0 ? [] : [[way, stepMs] as const],
  );
  return { memoryRatio: known.memoryRatio, stepMs: Object.fromEntries(steps) };
}

/** Milliseconds a load of so many bytes will take: as this model's, else as other models' by size, else the prior. */
export function expectedLoadMs(facts: Facts, model: string, bytes: number): number {
  const known = modelFacts(facts, model)?.loadMs;
  if (known !== undefined) return known;
  if (facts.loadMsPerGib !== undefined) return (facts.loadMsPerGib * bytes) / GIB;
  return PRIOR_LOAD_MS + (PRIOR_LOAD_MS_PER_GIB * bytes) / GIB;
}

/** Measured milliseconds for a token of a prompt, where some were; else `priorPromptTokenMs` is for the caller. */
export function learnedPromptTokenMs(facts: Facts, model: string, way: string): number | undefined {
  return modelFacts(facts, model)?.speeds[way]?.promptTokenMs;
}

/** What a turn in a role will need: as this model's turns, else as other models', else the prior; each figure by itself. */
export function expectedRole(facts: Facts, model: string, role: string): RoleExpected {
  const ofModel = own(modelFacts(facts, model)?.roles ?? {}, role);
  const ofAll = own(facts.roles, role);
  const figure = (key: keyof RoleExpected): number => ofModel?.[key] ?? ofAll?.[key] ?? PRIOR_ROLE[key];
  return {
    replyTokens: figure("replyTokens"),
    promptTokens: figure("promptTokens"),
    turnsPerTask: figure("turnsPerTask"),
  };
}

/** How often the model's process died since then; at most 20 are remembered. */
export function crashesSince(facts: Facts, model: string, sinceMs: number): number {
  return (modelFacts(facts, model)?.crashedAtMs ?? []).filter((atMs) => atMs >= sinceMs).length;
}

function modelFacts(facts: Facts, model: string): ModelFacts | undefined {
  return own(facts.models, model);
}

function own<Value>(all: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(all, key) ? all[key] : undefined;
}
