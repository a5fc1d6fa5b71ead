import type { PlannedTask } from "../base/events.ts";
import { insertTaskResult } from "../store/task-results.ts";
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
  const { task, ...result } = end;
  const { id: buildId, worker, deps } = strand.build;
  await strand.once(`tasks/${task.id}/${end.tier} ended`, async (trx) => {
    const { kind, covers } = task;
    const size = covers.length;
    await insertTaskResult(trx, { ...result, buildId, task: task.id, worker, kind, size, at: deps.journal.now() });
    return { result: null, events: [{ type: "tier-ended", task: task.id, ...result }] };
  });
}
