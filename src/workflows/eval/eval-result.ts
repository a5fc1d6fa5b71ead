import { z } from "zod";
import { TASK_TIERS } from "../../base/task.ts";
import type { WorkspaceFile } from "../../journal/workspaces.ts";
import type { EvalTask } from "./suite.ts";

/** `single`: one reply to the goal. `team`: an ordinary build. Both on the same weights. */
export const WAYS = ["single", "team"] as const;
export type Way = (typeof WAYS)[number];

const OUTCOMES = ["green", "red", "refused", "none"] as const;

const costShape = {
  turns: z.number(),
  promptTokens: z.number(),
  outputTokens: z.number(),
  /** Models that were loaded for it, the first one counted. */
  swaps: z.number(),
  durationMs: z.number(),
  /** The build that made it. */
  build: z.string().optional(),
};

/** What came of a goal. `outcome` is what the solver says of it; the hidden tests have not been asked. */
export type Solution = Readonly<z.infer<typeof solutionSchema>> & { readonly files: readonly WorkspaceFile[] };
const solutionSchema = z.object({ outcome: z.enum(OUTCOMES), why: z.string(), ...costShape });

/**
 * Solves one task in one way. What the models could not do is an outcome.
 *
 * @throws what keeps the whole evaluation from going on.
 */
export type Solve = (way: Way, task: EvalTask, signal: AbortSignal) => Promise<Solution>;

/** One task in one way, judged by its hidden tests: one line of a results file. */
export const evalResultSchema = z.object({
  type: z.literal("result"),
  task: z.string(),
  way: z.enum(WAYS),
  language: z.string(),
  tier: z.enum(TASK_TIERS).optional(),
  passed: z.boolean(),
  outcome: z.enum(OUTCOMES),
  /** Why it did not pass; else what the solver said. */
  why: z.string(),
  testsPassed: z.number(),
  testsFailed: z.number(),
  ...costShape,
});
export type EvalResult = Readonly<z.infer<typeof evalResultSchema>>;
