import { z } from "zod";
import { SEATS } from "../agents/role.ts";
import { teamSchema } from "../agents/team.ts";
import type { ModelSource } from "../engine/model.ts";
import { languageSchema } from "../tools/language.ts";

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
export const WORKFLOW_VERSION = "atos-build-4";

/** What a specification must agree with. */
const domainPartSchema = z.object({
  goal: z.string(),
  families: z.array(z.string()),
  name: z.string().optional(),
  language: z.string().optional(),
});
export type DomainPart = Readonly<z.infer<typeof domainPartSchema>>;

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
  /** Of a fork: the turns it has from the build before, by their steps, and the seeds that those were drawn with. */
  keptSeeds: z.record(z.string(), z.number()).optional(),
  unsafe: z.boolean(),
  /** How much is tried for a task: repairs of a sample, by the model's id, and samples of a tier. */
  bounds: z.object({ rounds: z.record(z.string(), z.number()), samples: z.number() }),
  limits: z.object({ minutes: z.number().optional(), tokens: z.number().optional() }),
  roster: z.object({
    name: z.string(),
    models: z.array(modelSourceSchema),
    tiers: z.object({ simple: z.string(), medium: z.string(), complex: z.string() }),
    roles: z.partialRecord(z.enum(SEATS), z.string()),
  }),
  team: teamSchema,
  languages: z.array(languageSchema),
  /** Whether a person looks at plan and tests first, and whether that is all that was asked for. */
  askPlan: z.boolean(),
  planOnly: z.boolean(),
  /** How long that person has to answer, in milliseconds. */
  approvalExpiresMs: z.number().optional(),
  /** `single`: one reply of one model, not tested, to be compared with the team's work. */
  shape: z.enum(["team", "single"]),
  /** The repository to work on; absent for a new one. */
  repository: z.object({ directory: z.string(), revision: z.string(), branch: z.string() }).optional(),
  /** For a model of a closed domain: its goal in parts, each of which is one job that it knows. Absent for general models. */
  domain: z.object({ parts: z.array(domainPartSchema) }).optional(),
});

export type BuildRequest = z.infer<typeof buildRequestSchema>;
