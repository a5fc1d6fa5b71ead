import type { TaskState } from "../base/events.ts";

export type TimedTask = {
  readonly id: string;
  readonly after: readonly string[];
  readonly state: TaskState;
  readonly spentMs: number;
  /** It cost this build no time. */
  readonly kept: boolean;
};

/**
 * How long the tasks will still take, if each takes as long as those that are done did on average, as many go on side
 * by side as now, and each waits for those before it. Undefined where no task is done, or none is left. Pure.
 */
export function expectedLeftMs(tasks: readonly TimedTask[]): number | undefined {
  const done = tasks.filter(({ state, kept }) => (state === "green" || state === "red") && !kept);
  const left = tasks.filter(({ state }) => state === "waiting" || state === "running");
  if (done.length === 0 || left.length === 0) return undefined;
  const usualMs = done.reduce((sum, { spentMs }) => sum + spentMs, 0) / done.length;
  const leftMs = new Map(left.map((task) => [task.id, Math.max(0, usualMs - task.spentMs)]));
  const together = Math.max(1, left.filter(({ state }) => state === "running").length);
  const allMs = [...leftMs.values()].reduce((sum, ms) => sum + ms, 0);
  return Math.round(Math.max(longestChain(left, leftMs), allMs / together));
}

/** The longest way through the tasks that wait for each other. */
function longestChain(left: readonly TimedTask[], leftMs: ReadonlyMap<string, number>): number {
  const endMs = new Map<string, number>();
  // A plan has each task after those it waits for; what a merge added waits for none of these.
  for (const { id, after } of left)
    endMs.set(id, (leftMs.get(id) ?? 0) + Math.max(0, ...after.map((one) => endMs.get(one) ?? 0)));
  return Math.max(0, ...endMs.values());
}
