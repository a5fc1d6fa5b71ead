import { sql } from "kysely";
import { z } from "zod";
import { TASK_TIERS, type TaskTier } from "../base/task.ts";
import type { Db } from "./database.ts";

/** What one tier made of one task. */
export type TaskResult = {
  readonly task: string;
  readonly tier: TaskTier;
  /** The installation: its machine and its models are what the result is true of. */
  readonly worker: string;
  readonly model: string;
  readonly kind: string;
  /** Criteria the task answers for. */
  readonly size: number;
  readonly green: boolean;
  readonly samples: number;
  /** Repairs, over all samples. */
  readonly rounds: number;
};

/** How often a model got a kind of task right at a tier. */
export type PassRate = {
  readonly model: string;
  readonly kind: string;
  readonly tier: TaskTier;
  readonly size: TaskSize;
  readonly passed: number;
  readonly tried: number;
};

const TASK_SIZES = ["small", "medium", "large"] as const;
/** By criteria: up to 2, up to 5, more. */
export type TaskSize = (typeof TASK_SIZES)[number];

const rateRow = z.object({
  model: z.string(),
  kind: z.string(),
  tier: z.enum(TASK_TIERS),
  size: z.enum(TASK_SIZES),
  passed: z.coerce.number(),
  tried: z.coerce.number(),
});

/** The pass rates of an installation, of one model if it is named, in a fixed order. */
export async function passRates(db: Db, worker: string, model?: string): Promise<readonly PassRate[]> {
  const size = sql<string>`case when size <= 2 then 'small' when size <= 5 then 'medium' else 'large' end`;
  let query = db
    .selectFrom("atos.task_results")
    .select(["model", "kind", "tier"])
    .select(size.as("size"))
    .select((eb) => [eb.fn.countAll().as("tried"), eb.fn.count("task").filterWhere("green", "=", true).as("passed")])
    .where("worker", "=", worker)
    .groupBy(["model", "kind", "tier", size])
    .orderBy("model")
    .orderBy("kind")
    .orderBy("tier")
    .orderBy(size);
  if (model !== undefined) query = query.where("model", "=", model);
  return rateRow.array().parse(await query.execute());
}
