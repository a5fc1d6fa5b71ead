/**
 * Where in a build a step stands, by its name. `begin` and `end` are of the build's own strand, before and after the
 * tasks; the tests of several tasks are written side by side, and so are the tasks.
 */
export type StepPlace =
  | { readonly stage: "begin" | "end" }
  | { readonly stage: "tests" | "task"; readonly task: string };

const END = /^(?:merge\/|tasks\/merge:|verify$|verified$|deliver$|nothing\/commit$|build finished$)/;

/** Pure. */
export function placeOf(step: string): StepPlace {
  if (END.test(step)) return { stage: "end" };
  const [, task] = /^tasks\/([^/:]+)/.exec(step) ?? [];
  if (task !== undefined) return { stage: "task", task };
  const [, tested] = /^tests\/([^/]+)\/(?:turn-|check-)/.exec(step) ?? [];
  return tested === undefined ? { stage: "begin" } : { stage: "tests", task: tested };
}

/** The strand that a step belongs to, as a text. Pure. */
export function strandOf(step: string): string {
  const place = placeOf(step);
  return "task" in place ? `${place.stage}/${place.task}` : "";
}
