import type { PlannedTask } from "../base/events.ts";

/** A task as its developer is shown it. */
export function showTask({ id, tier, files, after, description }: PlannedTask): string {
  return [
    `TASK: ${id}`,
    `TIER: ${tier}`,
    `FILES: ${files.join(", ")}`,
    `AFTER: ${after.length === 0 ? "none" : after.join(", ")}`,
    `DO: ${description}`,
  ].join("\n");
}

/**
 * What `task` may build upon: files and signatures of every task that it comes after, directly or through others, a
 * line each, in the order of the plan. Empty when it comes after none.
 */
export function interfacesOf(task: Pick<PlannedTask, "after">, tasks: readonly PlannedTask[]): string {
  return tasksBefore(task, tasks)
    .map(({ files, description }) => `${files.join(", ")}: ${description}`)
    .join("\n");
}

/** The tasks that `task` comes after, directly or through others, in the order of the plan. */
export function tasksBefore(task: Pick<PlannedTask, "after">, tasks: readonly PlannedTask[]): readonly PlannedTask[] {
  const found = new Set<string>(task.after);
  // A set is walked over what is added meanwhile too; it ends as there are so many tasks.
  for (const id of found) for (const earlier of tasks.find((other) => other.id === id)?.after ?? []) found.add(earlier);
  return tasks.filter(({ id }) => found.has(id));
}
