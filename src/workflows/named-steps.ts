import { usageError } from "../base/errors.ts";
import type { Effect } from "../store/effects.ts";
import type { Task } from "../store/tasks.ts";
import { strandOf } from "./step-place.ts";

type Named = Pick<Effect, "name" | "task">;

const MOST_NAMED = 20;

/**
 * The step that a person names, whole or by its end, such as `simple-1/turn-2`. Pure.
 *
 * @throws {AtosError} `workflows/no-such-step` when there is none, or more than one.
 */
export function stepNamed(
  effects: readonly Named[],
  { task, step }: { readonly task: string | undefined; readonly step: string },
): string {
  const own = effects.filter((effect) => task === undefined || effect.task === task || isOf(effect.name, task));
  const names = own.map(({ name }) => name);
  const found = names.includes(step) ? [step] : names.filter((name) => name.endsWith(`/${step}`));
  const [only, other] = found;
  if (only !== undefined && other === undefined) return only;
  const what = other === undefined ? "no step" : "more than one step";
  throw usageError(
    "workflows/no-such-step",
    `there is ${what} ${JSON.stringify(step)}${task === undefined ? "" : ` of ${task}`}; there are ${shown(other === undefined ? names : found)}`,
  );
}

function shown(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : "";
  return `${names.slice(0, MOST_NAMED).join(", ")}${more}`;
}

function isOf(name: string, task: string): boolean {
  return name.startsWith(`tasks/${task}/`) || name.startsWith(`tasks/${task}: `);
}

export type Retry = { readonly steps: readonly string[]; readonly why?: string };

/**
 * The first steps of a task that is done again: its own, and for one that was skipped those of the red tasks that
 * it waited for. `why`: why it is not. Pure.
 */
export function retrySteps(
  effects: readonly Named[],
  tasks: readonly Pick<Task, "id" | "after" | "state">[],
  id: string,
): Retry {
  const task = tasks.find((one) => one.id === id);
  if (task === undefined) {
    const stage = effects.filter((effect) => effect.task === id).map(({ name }) => name);
    return stage.length > 0 ? { steps: firstOfStrands(stage) } : { steps: [], why: `there is no task ${id}` };
  }
  if (task.state === "green") return { steps: [], why: `the task ${id} is green` };
  const red = task.state === "skipped" ? redBefore(tasks, id) : [id];
  const steps = effects.map(({ name }) => name).filter((name) => red.some((one) => isOf(name, one)));
  return steps.length > 0 ? { steps: firstOfStrands(steps) } : { steps: [], why: `the task ${id} was never begun` };
}

/** Those after the first depend on it. */
function firstOfStrands(steps: readonly string[]): readonly string[] {
  const strands = Map.groupBy(steps, strandOf);
  return [...strands.values()].flatMap(([first]) => (first === undefined ? [] : [first]));
}

/** The tasks that `id` waited for, directly or not, and that did not become green. */
function redBefore(tasks: readonly Pick<Task, "id" | "after" | "state">[], id: string): readonly string[] {
  const before = new Set<string>([id]);
  for (const one of before) for (const task of tasks.find((each) => each.id === one)?.after ?? []) before.add(task);
  return tasks.filter((task) => before.has(task.id) && task.state === "red").map((task) => task.id);
}
