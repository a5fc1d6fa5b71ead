import type { PlannedTask } from "../base/events.ts";
import type { TaskTier } from "../base/task.ts";
import type { Strand } from "./strand.ts";

/** What a tier made of a task; `samples` and `rounds` are those of this tier. */
export type TierEnd = {
  readonly task: PlannedTask;
  readonly tier: TaskTier;
  readonly model: string;
  readonly green: boolean;
  readonly samples: number;
  readonly rounds: number;
};

/** Tells the trail how a tier ended, and keeps it for this installation's pass rates. */
export async function recordTier(strand: Strand, end: TierEnd): Promise<void> {
  const { task, ...ended } = end;
  const event = { type: "tier-ended", task: task.id, ...ended } as const;
  const { kind, covers } = task;
  const result = { ...ended, task: task.id, worker: strand.build.worker, kind, size: covers.length };
  await strand.step(`tasks/${task.id}/${end.tier} ended`, [event], { kind: "task-result", result });
}
