import type { TaskTier } from "../base/task.ts";
import type { ClassifiedTask } from "./classify-task.ts";
import { modelFor, nextTier, type Roster } from "./roster.ts";
import { roleFor, type Team } from "./team.ts";

/** How tasks of one kind and tier went that a model did on this installation. */
export type PassRate = {
  readonly model: string;
  readonly kind: string;
  readonly tier: TaskTier;
  readonly passed: number;
  readonly tried: number;
};

/** Fewer tasks are no experience. */
const MIN_TRIED = 5;
const GOOD_ENOUGH = 0.5;

/**
 * The tier a task begins at: its own, or the next one when the model of its own has mostly failed at such tasks here
 * and the next one's model has done no worse. Pure.
 *
 * A model's rate is taken over the narrowest of these that holds at least 5 tasks: this kind and tier, this kind, all
 * it ever did. With fewer, the model keeps its chance. Rates are smoothed (one success and one failure are added), so
 * that a model nobody has tried counts as one half.
 */
export function startTier(
  { kind, tier }: Pick<ClassifiedTask, "kind" | "tier">,
  rates: readonly PassRate[],
  { roster, team }: { readonly roster: Roster; readonly team: Team },
): { readonly tier: TaskTier; readonly because: string } {
  const stay = { tier, because: `its tier is ${tier}` };
  const next = nextTier(roster, team, tier);
  const tally = (of: TaskTier): Tally =>
    tallyOf(modelFor(roster, roleFor(team, "developer", of), of).id, { kind, tier: of }, rates);
  const own = tally(tier);
  if (next === undefined || own.tried < MIN_TRIED || smoothed(own) >= GOOD_ENOUGH) return stay;
  const better = tally(next);
  if (smoothed(better) < smoothed(own)) return stay;
  return { tier: next, because: `${own.model} passed ${own.passed} of ${own.tried} such tasks here` };
}

type Tally = { readonly model: string; readonly passed: number; readonly tried: number };

function tallyOf(
  model: string,
  task: { readonly kind: string; readonly tier: TaskTier },
  rates: readonly PassRate[],
): Tally {
  const own = rates.filter((rate) => rate.model === model);
  const ofKind = own.filter((rate) => rate.kind === task.kind);
  const narrowing = [ofKind.filter((rate) => rate.tier === task.tier), ofKind, own].map((rows) => ({
    model,
    passed: rows.reduce((sum, { passed }) => sum + passed, 0),
    tried: rows.reduce((sum, { tried }) => sum + tried, 0),
  }));
  return narrowing.find(({ tried }) => tried >= MIN_TRIED) ?? { model, passed: 0, tried: 0 };
}

function smoothed({ passed, tried }: Tally): number {
  return (passed + 1) / (tried + 2);
}
