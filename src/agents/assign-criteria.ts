import type { PlannedTask } from "../base/events.ts";
import { orderTasks } from "./read-plan.ts";

/**
 * A plan of which every criterion belongs to at least one task. Pure.
 *
 * - Criteria that nobody covers go to the last task in order. They may be about any part of the whole, so that task
 *   then comes after every other.
 * - A task that covers nothing and on which nothing depends has no test of its own. The last task is made to come
 *   after it, so that its files are there when the last tests run.
 *
 * Nothing comes after the last task, so neither can make a circle. Tasks that others build upon may cover nothing: the
 * tests of those others go through them.
 */
export function assignCriteria(tasks: readonly PlannedTask[], criteriaCount: number): readonly PlannedTask[] {
  const known = tasks.map((task) => ({ ...task, covers: task.covers.filter((number) => number <= criteriaCount) }));
  const covered = new Set(known.flatMap((task) => task.covers));
  const left = Array.from({ length: criteriaCount }, (_, index) => index + 1).filter((number) => !covered.has(number));
  const last = orderTasks(known)?.at(-1);
  const needed = new Set(known.flatMap((task) => task.after));
  const joined = known.filter(
    ({ id, covers }) => id !== last && !needed.has(id) && (left.length > 0 || covers.length === 0),
  );
  return known.map((task) => {
    if (task.id !== last) return task;
    const after = [...task.after, ...joined.map(({ id }) => id)];
    return { ...task, after, covers: [...task.covers, ...left].toSorted((a, b) => a - b) };
  });
}
