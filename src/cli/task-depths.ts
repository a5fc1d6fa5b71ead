import type { PlannedTask } from "../base/events.ts";

/** How many tasks stand in a row before each one, by their ids. They are in an order that respects what they come after. Pure. */
export function taskDepths(tasks: readonly Pick<PlannedTask, "id" | "after">[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const { id, after } of tasks) depths.set(id, Math.max(0, ...after.map((other) => (depths.get(other) ?? 0) + 1)));
  return depths;
}
