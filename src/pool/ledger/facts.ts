import { z } from "zod";

/*
 * What the pool has learned on this machine: plain values, and their file. Everything in it is bounded, so that
 * the file stays small and a damaged number can't lead far.
 */

const FACTS_VERSION = 1;
export const MAX_MODELS = 200;
export const MAX_ROLES = 50;
export const MAX_WAYS = 16;
export const MAX_CRASHES = 20;
export const MIN_RATIO = 0.5;
export const MAX_RATIO = 3;

const finite = z.number().finite().nonnegative();
const ratio = z.number().min(MIN_RATIO).max(MAX_RATIO);

/** Speed of one placement: milliseconds of a step and of a prompt's token, as far as they were seen. */
const speedSchema = z.object({ stepMs: finite.optional(), promptTokenMs: finite.optional() });

/** Moving averages of a role's turns. */
const roleSchema = z.object({
  replyTokens: finite.optional(),
  /** Of the prompt, those that no cache held. */
  promptTokens: finite.optional(),
  turnsPerTask: finite.optional(),
});

const modelSchema = z.object({
  usedAtMs: finite,
  memoryRatio: z.partialRecord(z.enum(["system", "nvidia", "amd", "apple"]), ratio),
  loadMs: finite.optional(),
  /** By `PlacementChoice.way`. */
  speeds: z.record(z.string(), speedSchema),
  roles: z.record(z.string(), roleSchema),
  /** When its process died under it, the last ones. */
  crashedAtMs: z.array(finite).max(MAX_CRASHES),
});

export const factsSchema = z.object({
  version: z.literal(FACTS_VERSION),
  models: z.record(z.string(), modelSchema),
  /** Of all models, for those that have not played a role yet. */
  roles: z.record(z.string(), roleSchema),
  /** Of all loads, for models that were never loaded. */
  loadMsPerGib: finite.optional(),
});

export type Facts = Readonly<z.infer<typeof factsSchema>>;
export type ModelFacts = Readonly<z.infer<typeof modelSchema>>;
export type RoleFacts = Readonly<z.infer<typeof roleSchema>>;

export const NO_FACTS: Facts = { version: FACTS_VERSION, models: {}, roles: {} };
