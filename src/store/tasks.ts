import { z } from "zod";
import { AtosError } from "../base/errors.ts";
import type { PlannedTask, TaskState } from "../base/events.ts";
import { TASK_TIERS } from "../base/task.ts";
import { type Db, jsonText } from "./database.ts";

const TASK_STATES = {
  waiting: "waiting",
  running: "running",
  green: "green",
  red: "red",
  skipped: "skipped",
} as const satisfies { readonly [State in TaskState]: State };

const taskRow = z
  .object({
    build_id: z.string(),
    id: z.string(),
    position: z.int(),
    tier: z.enum(TASK_TIERS),
    state: z.enum(TASK_STATES),
    files: z.array(z.string()).readonly(),
    after: z.array(z.string()).readonly(),
    description: z.string(),
    covers: z.array(z.int()).readonly(),
    kind: z.string(),
    model: z.string().nullable(),
    updated_at: z.date(),
  })
  .transform(({ build_id, updated_at, ...rest }) => ({ ...rest, buildId: build_id, updatedAt: updated_at }));

/** A planned task and how far it is; `model` is the last one that worked on it. */
export type Task = Readonly<z.infer<typeof taskRow>>;

/** Adds the tasks of a plan, all waiting, in the order given; the first has the position `from` (0). */
export async function insertTasks(
  db: Db,
  plan: {
    readonly buildId: string;
    readonly tasks: readonly PlannedTask[];
    readonly from?: number;
    readonly at: Date;
  },
): Promise<void> {
  if (plan.tasks.length === 0) return;
  const rows = plan.tasks.map((task, index) => ({
    build_id: plan.buildId,
    id: task.id,
    position: (plan.from ?? 0) + index,
    tier: task.tier,
    state: "waiting",
    files: jsonText(task.files),
    after: jsonText(task.after),
    description: task.description,
    covers: jsonText(task.covers),
    kind: task.kind,
    model: null,
    updated_at: plan.at,
  }));
  await db.insertInto("atos.tasks").values(rows).execute();
}

/** Puts the tasks of another plan, all waiting, in the place of those that are there. */
export async function replaceTasks(
  db: Db,
  plan: { readonly buildId: string; readonly tasks: readonly PlannedTask[]; readonly at: Date },
): Promise<void> {
  await db.deleteFrom("atos.tasks").where("build_id", "=", plan.buildId).execute();
  await insertTasks(db, plan);
}

/**
 * Sets the state; an absent `model` leaves the recorded one.
 *
 * @throws {AtosError} `store/no-such-task`.
 */
export async function setTaskState(
  db: Db,
  change: {
    readonly buildId: string;
    readonly id: string;
    readonly state: TaskState;
    readonly model?: string;
    readonly at: Date;
  },
): Promise<void> {
  const model = change.model === undefined ? {} : { model: change.model };
  const row = await db
    .updateTable("atos.tasks")
    .set({ state: change.state, updated_at: change.at, ...model })
    .where("build_id", "=", change.buildId)
    .where("id", "=", change.id)
    .returning("id")
    .executeTakeFirst();
  if (row === undefined) throw noSuchTask(change);
}

function noSuchTask({ buildId, id, state }: { buildId: string; id: string; state: TaskState }): AtosError {
  return new AtosError("store/no-such-task", `Build ${buildId} has no task ${id} to become ${state}.`);
}

/** In the order of the plan. */
export async function listTasks(db: Db, buildId: string): Promise<readonly Task[]> {
  const rows = await db
    .selectFrom("atos.tasks")
    .selectAll()
    .where("build_id", "=", buildId)
    .orderBy("position")
    .execute();
  return taskRow.array().parse(rows);
}
