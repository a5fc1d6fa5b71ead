import { usageError } from "../base/errors.ts";
import type { Effect } from "../store/effects.ts";

/** Tasks that models were asked for or that code was checked for, in the order they began. Pure. */
export function tasksOf(effects: readonly Effect[]): readonly string[] {
  return [...new Set(effects.filter(({ kind }) => kind === "turn" || kind === "tests").map(({ task }) => task))];
}

/** @throws {AtosError} `cli/no-such-task` */
export function requireTask(build: string, tasks: readonly string[], task: string): void {
  if (tasks.includes(task)) return;
  throw usageError(
    "cli/no-such-task",
    `the build ${build} has no steps of a task ${task}; those it has are ${tasks.join(", ") || "none yet"}`,
  );
}
