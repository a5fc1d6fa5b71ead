import { z } from "zod";
import type { PlannedTask } from "../base/events.ts";
import { pathProblem } from "../base/safe-path.ts";
import { TASK_TIERS } from "../base/task.ts";
import { questionHash } from "../tools/gate/approval-question.ts";

const MAX_TEXT_CHARS = 256 * 1024;
const MAX_TEST_FILES = 200;

const taskSchema = z.strictObject({
  id: z.string(),
  tier: z.enum(TASK_TIERS),
  files: z.array(z.string()).readonly(),
  after: z.array(z.string()).readonly(),
  description: z.string(),
  covers: z.array(z.int()).readonly(),
  kind: z.string(),
}) satisfies z.ZodType<PlannedTask>;

const testFileSchema = z.strictObject({
  /** Whose test it is. */
  task: z.string().regex(/^[A-Za-z][\w-]{0,79}$/, "is no task's name"),
  path: z.string().refine((path) => pathProblem(path) === undefined, "is no plain relative path"),
  content: z.string().max(MAX_TEXT_CHARS),
});
export type PlanTestFile = Readonly<z.infer<typeof testFileSchema>>;

/** Specification, plan and tests as a person has changed them: the texts, in the roles' own form. */
export const planEditSchema = z.strictObject({
  spec: z.string().max(MAX_TEXT_CHARS),
  plan: z.string().max(MAX_TEXT_CHARS),
  tests: z.array(testFileSchema).max(MAX_TEST_FILES).readonly(),
});
export type PlanEdit = Readonly<z.infer<typeof planEditSchema>>;

/** What a person is shown of a plan, whole. It is what the answer is bound to. */
export const shownPlanSchema = z.strictObject({
  kind: z.literal("plan"),
  /** How often it was asked, from 1. */
  round: z.int(),
  /** How often it may be changed still. */
  editsLeft: z.int(),
  spec: z.strictObject({
    name: z.string(),
    language: z.string(),
    summary: z.string(),
    criteria: z.array(z.string()).readonly(),
  }),
  tasks: z.array(taskSchema).readonly(),
  tests: z.array(testFileSchema).readonly(),
  /** The change before, where it could not be used; what is shown is without it. */
  rejected: z.strictObject({ why: z.string(), edit: planEditSchema }).optional(),
});
export type ShownPlan = Readonly<z.infer<typeof shownPlanSchema>>;

/** The hash that binds an answer to what is shown, and the call that it is about. Pure. */
export function bindPlan(buildId: string, shown: ShownPlan): { readonly callId: string; readonly hash: string } {
  const callId = `${buildId}/plan/${shown.round}`;
  return { callId, hash: questionHash(callId, shown) };
}
