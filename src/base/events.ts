import { z } from "zod";
import { TASK_TIERS } from "./task.ts";

/** Token counts of one model reply. `cachedTokens` is the part of the prompt that was not evaluated again. */
const tokenUsageSchema = z.object({ promptTokens: z.number(), cachedTokens: z.number(), outputTokens: z.number() });
export type TokenUsage = Readonly<z.infer<typeof tokenUsageSchema>>;

const effectKindSchema = z.enum(["turn", "tests", "workspace", "deliver", "tool", "record"]);
export type EffectKind = z.infer<typeof effectKindSchema>;

/** `invalid`: no such tool, or wrong arguments. `denied`: by agent, policy, limit or person. `doubtful`: it may have happened, and nobody can say. */
export const TOOL_OUTCOMES = ["ok", "failed", "invalid", "denied", "doubtful"] as const;

const taskStateSchema = z.enum(["waiting", "running", "green", "red", "skipped"]);
export type TaskState = z.infer<typeof taskStateSchema>;

const plannedTaskSchema = z
  .object({
    id: z.string(),
    tier: z.enum(TASK_TIERS),
    files: z.array(z.string()).readonly(),
    after: z.array(z.string()).readonly(),
    description: z.string(),
    /** The criteria of the specification that are this task's, counted from 1. */
    covers: z.array(z.int()).readonly().default([]),
    /** What sort of work it is, such as `parsing`; what pass rates are kept by. */
    kind: z.string().default("other"),
  })
  .readonly();
export type PlannedTask = z.infer<typeof plannedTaskSchema>;

/** How a build ended. `refused`: the goal is outside what the models can do, found before any work. */
const outcomeSchema = z.enum(["green", "red", "refused", "cancelled"]);

const strings = z.array(z.string()).readonly();

/**
 * Everything a build reports, in the order it happened: one row of the audit trail each.
 *
 * Lower rooms emit these and never learn who listens; `app.ts` connects them.
 */
export const buildEventSchema = z.discriminatedUnion("type", [
  /**
   * First of a build that goes on from another one: up to but without `step` it has that one's steps, `steps` of them.
   * The next `events` events are that one's, told again.
   */
  z.object({
    type: z.literal("build-forked"),
    from: z.string(),
    step: z.string(),
    steps: z.number(),
    events: z.number(),
    seed: z.number(),
  }),
  z.object({ type: z.literal("build-started"), goal: z.string(), models: strings, sandbox: z.string() }),
  z.object({ type: z.literal("spec-written"), name: z.string(), language: z.string(), criteria: strings }),
  z.object({ type: z.literal("plan-made"), tasks: z.array(plannedTaskSchema).readonly() }),
  /** A task that the plan did not have: what a merge broke. */
  z.object({ type: z.literal("task-added"), task: plannedTaskSchema }),
  z.object({ type: z.literal("tests-frozen"), files: strings, sha256: z.string() }),
  /** Where a graph went on, and by which of its edges; `task` is empty for the build's own graph. */
  z.object({
    type: z.literal("edge-taken"),
    graph: z.string(),
    task: z.string(),
    from: z.string(),
    to: z.string(),
    on: z.string(),
  }),
  z.object({ type: z.literal("task-state"), task: z.string(), state: taskStateSchema, why: z.string().optional() }),
  z.object({
    type: z.literal("attempt-started"),
    step: z.string(),
    kind: effectKindSchema,
    task: z.string(),
    attempt: z.number(),
    model: z.string().optional(),
    /** The tool call that is about to be made, as a person reads it. */
    call: z.string().optional(),
  }),
  z.object({ type: z.literal("attempt-failed"), step: z.string(), attempt: z.number(), why: z.string() }),
  z.object({
    type: z.literal("turn-finished"),
    step: z.string(),
    task: z.string(),
    role: z.string(),
    model: z.string(),
    usage: tokenUsageSchema,
    durationMs: z.number(),
    finish: z.string(),
  }),
  z.object({
    type: z.literal("context-compacted"),
    step: z.string(),
    task: z.string(),
    role: z.string(),
    tokensBefore: z.number(),
    /** Stretches that were shortened so that the prompt fits, in characters. */
    shortened: z.array(z.object({ part: z.string(), from: z.number(), to: z.number() }).readonly()).readonly(),
  }),
  /** What a reply wrote: the tree before it, and the tree with its files. */
  z.object({
    type: z.literal("files-written"),
    step: z.string(),
    task: z.string(),
    from: z.string(),
    tree: z.string(),
  }),
  /** What a developer with tools changed and was not its task's: it stays as it was. */
  z.object({ type: z.literal("files-put-back"), step: z.string(), task: z.string(), paths: strings }),
  z.object({ type: z.literal("reply-rejected"), task: z.string(), role: z.string(), why: z.string() }),
  z.object({
    type: z.literal("tests-ran"),
    step: z.string(),
    task: z.string(),
    passed: z.number(),
    failed: z.number(),
    durationMs: z.number(),
  }),
  /** How a tool call ended. Not all calls get as far as being made: `outcome` tells. */
  z.object({
    type: z.literal("tool-called"),
    step: z.string(),
    task: z.string(),
    tool: z.string(),
    /** The call as a person reads it, secrets taken out and long ones cut. */
    call: z.string(),
    outcome: z.enum(TOOL_OUTCOMES),
    /** What decided that it may be made or not. */
    because: z.string(),
    durationMs: z.number(),
    /** Characters that the model was shown, and those it was not. */
    characters: z.number(),
    leftOut: z.number(),
    redactions: z.number(),
  }),
  /** A person is asked; only this call waits for the answer. `shown` is the call as a person reads it, and why it is asked about. */
  z.object({
    type: z.literal("approval-asked"),
    task: z.string(),
    step: z.string(),
    approval: z.string(),
    tool: z.string(),
    shown: z.string(),
    expiresAtMs: z.number(),
  }),
  z.object({
    type: z.literal("approval-answered"),
    approval: z.string(),
    decision: z.enum(["approved", "denied", "expired"]),
    /** Who answered; empty when nobody did. */
    by: z.string(),
    reason: z.string().optional(),
  }),
  /** The webhook could not be told of a question. The question stays. */
  z.object({ type: z.literal("approval-notice-failed"), approval: z.string(), why: z.string() }),
  z.object({
    type: z.literal("reviewed"),
    task: z.string(),
    score: z.number(),
    verdict: z.string(),
    findings: strings,
  }),
  /** What one tier made of a task. `rounds` are repairs, over all its `samples`. */
  z.object({
    type: z.literal("tier-ended"),
    task: z.string(),
    tier: z.enum(TASK_TIERS),
    model: z.string(),
    green: z.boolean(),
    samples: z.number(),
    rounds: z.number(),
  }),
  /** A task's branch came into the build's. `paths`: what both had changed. */
  z.object({
    type: z.literal("merged"),
    task: z.string(),
    how: z.enum(["fast-forward", "merge", "conflict", "red", "left-out"]),
    commit: z.string(),
    tree: z.string(),
    paths: strings,
  }),
  /** The build begins nothing new any more; what is there is verified and delivered. */
  z.object({ type: z.literal("limit-reached"), limit: z.enum(["minutes", "tokens"]), most: z.number() }),
  z.object({ type: z.literal("committed"), commit: z.string(), tree: z.string() }),
  z.object({
    type: z.literal("verified"),
    commit: z.string(),
    green: z.boolean(),
    passed: z.number(),
    failed: z.number(),
  }),
  z.object({ type: z.literal("delivered"), directory: z.string(), branch: z.string(), receiptCommit: z.string() }),
  /** A turn can't begin yet; told once for each turn, and only when it waits for memory or a load. */
  z.object({ type: z.literal("turn-waiting"), task: z.string(), role: z.string(), model: z.string(), why: z.string() }),
  z.object({ type: z.literal("model-loading"), model: z.string(), evict: strings, why: z.string() }),
  z.object({
    type: z.literal("model-loaded"),
    model: z.string(),
    durationMs: z.number(),
    /** Absent for a model on a server, whose memory is not ATOS's. */
    slots: z.number().optional(),
    contextTokens: z.number().optional(),
    devices: strings.optional(),
    /** Booked for it. */
    bytes: z.number().optional(),
  }),
  z.object({
    type: z.literal("model-resized"),
    model: z.string(),
    slots: z.number(),
    contextTokens: z.number(),
    why: z.string(),
  }),
  z.object({ type: z.literal("model-unloaded"), model: z.string(), why: z.string() }),
  /** It did not fit although it was expected to, and is tried with less. */
  z.object({
    type: z.literal("model-shrunk"),
    model: z.string(),
    slots: z.number(),
    contextTokens: z.number(),
    why: z.string(),
  }),
  z.object({ type: z.literal("model-crashed"), model: z.string(), why: z.string(), crashes: z.number() }),
  z.object({ type: z.literal("build-paused"), why: z.string(), exitCode: z.number() }),
  z.object({ type: z.literal("build-resumed") }),
  z.object({ type: z.literal("build-finished"), outcome: outcomeSchema, why: z.string() }),
]);

export type BuildEvent = Readonly<z.infer<typeof buildEventSchema>>;
