import { decide } from "./decide.ts";
import { improvePlan } from "./improve-plan.ts";
import { nextLoad } from "./next-load.ts";
import { afterLoad, FIRST_PLAN, type Plan } from "./plan.ts";
import type { PoolPolicy, PoolState } from "./pool-state.ts";

export type PlanPolicyOptions = {
  /** What is followed until a search has found something better. */
  readonly plan?: Plan;
};

/**
 * Decides by a plan that it holds, and improves it in spare time. Every action is expected to be carried out
 * before the next call; a load that wasn't only makes the plan a worse one.
 */
export function planPolicy({ plan: first = FIRST_PLAN }: PlanPolicyOptions = {}): PoolPolicy {
  let plan = first;
  let searched = "";
  return {
    name: "plan",
    decide(state) {
      const actions = decide(state, plan);
      if (actions.some((action) => action.kind === "load")) plan = afterLoad(plan);
      return actions;
    },
    improve(state, effort) {
      const situation = situationOf(state);
      const found = improvePlan(state, plan, { ...effort, goesOn: situation === searched });
      searched = situation;
      const isBetter = found.plan !== plan;
      plan = found.plan;
      return isBetter;
    },
    next: (state) => nextLoad(state, plan),
  };
}

/** The same while nothing begins, ends or is opened: time alone makes no new one. */
function situationOf({ works, residents, devices }: PoolState): string {
  const counts = { later: 0, ready: 0, running: 0 };
  for (const { state } of works) counts[state]++;
  const open = residents.map(({ model, slots, state }) => [model, slots, state]);
  return JSON.stringify([counts, open, devices, works.at(0)?.id, works.at(-1)?.id]);
}
