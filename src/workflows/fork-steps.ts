import type { PlannedTask, TaskState } from "../base/events.ts";
import type { Effect } from "../store/effects.ts";
import { placeOf } from "./step-place.ts";

type Step = Pick<Effect, "name" | "state" | "reservedAt">;
type After = Pick<PlannedTask, "id" | "after">;

/** What a build decides anew each time it goes on, and what names the build itself. */
const NEVER_KEPT: ReadonlySet<string> = new Set(["limit reached", "build finished", "verified", "summary", "deliver"]);

/**
 * The finished steps that a fork takes over from a build: all but `steps` and what depends on one of them. Of its
 * own strand that is what came later, of a task also every task behind it, and in any case what puts the tasks together. Pure.
 */
export function keptSteps(
  effects: readonly Step[],
  tasks: readonly After[],
  steps: readonly string[],
): readonly string[] {
  const targets = effects.filter(({ name }) => steps.includes(name));
  const limited = effects.some(({ name }) => name === "limit reached");
  return effects
    .filter(({ name, state }) => state === "done" && !NEVER_KEPT.has(name))
    .filter((effect) => !targets.some((target) => dependsOn(effect, target, tasks)))
    .filter(({ name }) => !(limited && endsUnproven(name)))
    .map(({ name }) => name);
}

function dependsOn(effect: Step, target: Step, tasks: readonly After[]): boolean {
  const [own, from] = [placeOf(effect.name), placeOf(target.name)];
  // Steps of one strand follow one another. Of two that began in the same millisecond both are done again.
  const later = effect.reservedAt >= target.reservedAt;
  switch (from.stage) {
    case "begin":
      return later || own.stage === "end";
    case "tests":
      if (own.stage === "tests") return own.task === from.task && later;
      return own.stage === "begin" ? later : true;
    case "task":
      if (own.stage === "task") return own.task === from.task ? later : tasksBehind(tasks, from.task).has(own.task);
      return own.stage === "end";
    case "end":
      return own.stage === "end" && later;
  }
}

/** How a task ended that the limit of the build before may have stopped: a fork has time for it again. */
function endsUnproven(name: string): boolean {
  return /^tasks\/[^/:]+(?:: (?:red|skipped)|\/commit)$/.test(name);
}

/** Every task that waits for `id`, directly or not. Pure. */
function tasksBehind(tasks: readonly After[], id: string): ReadonlySet<string> {
  const behind = new Set<string>([id]);
  // A set is walked in the order of insertion, also by what is added on the way.
  for (const one of behind) for (const task of tasks) if (task.after.includes(one)) behind.add(task.id);
  behind.delete(id);
  return behind;
}

/** The state of a task by the steps that a fork has taken over. Pure. */
export function keptState(kept: readonly string[], id: string): TaskState {
  const states = ["green", "red", "skipped", "running"] as const;
  return states.find((state) => kept.includes(`tasks/${id}: ${state}`)) ?? "waiting";
}
