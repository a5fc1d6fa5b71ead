import type { PlannedTask } from "../base/events.ts";
import type { Role } from "../agents/prompt-set.ts";
import { modelFor, type Roster } from "../agents/roster.ts";
import type { ModelSource } from "../engine/model.ts";
import type { ForeseenJob } from "../pool/pool-works.ts";

type Stage = { readonly done: string; readonly task: string; readonly role: Role; readonly tier: PlannedTask["tier"] };

/** What every build asks before there is code, in this order. */
const BEFORE_CODE: readonly Stage[] = [
  { done: "spec", task: "spec", role: "product-manager", tier: "complex" },
  { done: "plan", task: "plan", role: "tech-lead", tier: "complex" },
  { done: "tests", task: "tests", role: "tester", tier: "complex" },
];

/**
 * The jobs that a build still needs models for, as far as it knows: those of `BEFORE_CODE` that are not among
 * `done`, then a developer and a reviewer for each task whose `tasks/ID` is not. Tasks follow one another. Pure.
 */
export function forecast(
  roster: Roster,
  tasks: readonly PlannedTask[],
  done: ReadonlySet<string>,
): readonly ForeseenJob<ModelSource>[] {
  const coding = tasks.flatMap(({ id, tier }): readonly Stage[] => [
    { done: `tasks/${id}`, task: id, role: "developer", tier },
    { done: `tasks/${id}`, task: id, role: "reviewer", tier },
  ]);
  const stages = [...BEFORE_CODE, ...coding].filter((stage) => !done.has(stage.done));
  return stages.map(({ task, role, tier }, at) => {
    const before = stages[at - 1];
    const after = before === undefined ? [] : [{ task: before.task, role: before.role }];
    return { task, role, source: modelFor(roster, role, tier), after };
  });
}
