import { z } from "zod";
import { ROLES } from "../agents/prompt-set.ts";
import type { ModelSource } from "../engine/model.ts";

const rolePromptSchema = z.object({
  role: z.enum(ROLES),
  maxTokens: z.number(),
  temperature: z.number(),
  system: z.string().optional(),
  user: z.string(),
  failure: z.string().optional(),
  rejected: z.string().optional(),
});

const modelSourceSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("gguf"),
    id: z.string(),
    path: z.string(),
    contextTokens: z.number().optional(),
    gpuLayers: z.number().optional(),
    cacheType: z.enum(["f32", "f16", "q8_0", "q4_0"]).optional(),
    flashAttention: z.boolean().optional(),
    batchTokens: z.number().optional(),
    slots: z.number().optional(),
    adapters: z
      .array(z.object({ path: z.string(), scale: z.number() }))
      .readonly()
      .optional(),
    promptLookup: z.boolean().optional(),
    deterministic: z.boolean().optional(),
    thinking: z.enum(["on", "off"]).optional(),
    pinned: z.boolean().optional(),
  }),
  z.object({
    kind: z.literal("openai"),
    id: z.string(),
    baseUrl: z.string(),
    model: z.string(),
    contextTokens: z.number(),
    apiKeyVariable: z.string().optional(),
    apiKeyFile: z.string().optional(),
    concurrency: z.number().optional(),
    requestsPerMinute: z.number().optional(),
    thinking: z.enum(["on", "off"]).optional(),
    pinned: z.boolean().optional(),
  }),
]) satisfies z.ZodType<ModelSource>;

/**
 * Changes when a build's steps, or the words that enter them (scaffolds, shown specs and plans, explained
 * failures), change so that an unfinished build of an older ATOS could not be replayed.
 */
export const WORKFLOW_VERSION = "atos-build-3";

/**
 * Everything that decides a build, fixed when it is asked for: the goal, the models, the words
 * they are asked with, the limits. A resumed build reads it again and finds the same.
 */
export const buildRequestSchema = z.object({
  workflowVersion: z.string(),
  goal: z.string(),
  outDirectory: z.string(),
  /** Milliseconds since 1970; the date of the commits. */
  createdAtMs: z.number(),
  seed: z.number(),
  unsafe: z.boolean(),
  maxFixRounds: z.number(),
  roster: z.object({
    name: z.string(),
    models: z.array(modelSourceSchema),
    tiers: z.object({ simple: z.string(), medium: z.string(), complex: z.string() }),
    roles: z.partialRecord(z.enum(ROLES), z.string()),
  }),
  prompts: z.record(z.enum(ROLES), rolePromptSchema),
  /** For a model of a closed domain: what its spec must agree with. Absent for general models. */
  domain: z
    .object({
      families: z.array(z.string()),
      name: z.string().optional(),
      language: z.string().optional(),
    })
    .optional(),
});

export type BuildRequest = z.infer<typeof buildRequestSchema>;
