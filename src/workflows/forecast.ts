import type { PlannedTask } from "../base/events.ts";
import type { Seat } from "../agents/role.ts";
import { modelFor, reviewerModel, type Roster } from "../agents/roster.ts";
import { roleFor, type Team } from "../agents/team.ts";
import type { ModelSource } from "../engine/model.ts";
import type { ForeseenJob } from "../pool/pool-works.ts";

type Stage = { readonly done: string; readonly task: string; readonly role: Seat };

/** What every build asks before there is code, in this order. */
const BEFORE_CODE: readonly Stage[] = [
  { done: "spec", task: "spec", role: "product-manager" },
  { done: "plan", task: "plan", role: "tech-lead" },
  { done: "tests", task: "tests", role: "tester" },
];

/**
 * The jobs that a build still needs models for, as far as it knows: those of `BEFORE_CODE` that are not among `done`,
 * then a developer and a reviewer for each task whose `tasks/ID` is not, behind those of the tasks it comes after. Until
 * `code/ID` is done the developer may be needed again, and the reviewer waits for that. Pure.
 */
export function forecast(
  { roster, team }: { readonly roster: Roster; readonly team: Team },
  tasks: readonly PlannedTask[],
  done: ReadonlySet<string>,
): readonly ForeseenJob<ModelSource>[] {
  const early = BEFORE_CODE.filter((stage) => !done.has(stage.done));
  const jobs = early.map(({ task, role }, at): ForeseenJob<ModelSource> => {
    const before = early[at - 1];
    const source = modelFor(roster, roleFor(team, role, "complex"), "complex");
    return { task, role, source, after: before === undefined ? [] : [{ task: before.task, role: before.role }] };
  });
  const last = early.at(-1);
  const waiting = tasks.filter(({ id }) => !done.has(`tasks/${id}`));
  const open = new Set(waiting.map(({ id }) => id));
  const coding = waiting.flatMap(({ id, tier, after }): readonly ForeseenJob<ModelSource>[] => {
    const earlier = after.filter((task) => open.has(task)).map((task) => ({ task, role: "reviewer" }));
    const first = earlier.length > 0 || last === undefined ? earlier : [{ task: last.task, role: last.role }];
    const developer = modelFor(roster, roleFor(team, "developer", tier), tier);
    const coded = done.has(`code/${id}`);
    const written = { task: id, role: "developer" };
    return [
      ...(coded ? [] : [{ ...written, source: developer, after: first }]),
      {
        task: id,
        role: "reviewer",
        source: reviewerModel(roster, team, tier),
        after: coded ? [] : [written],
      },
    ];
  });
  return [...jobs, ...coding];
}
