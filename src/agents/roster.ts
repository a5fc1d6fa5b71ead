import type { ModelSource } from "../engine/model.ts";
import { TASK_TIERS, type TaskTier } from "../base/task.ts";
import type { Role, Seat } from "./role.ts";
import { roleFor, type Team } from "./team.ts";

/** Which model serves whom. Pinned in a build's request: what a build began with, it ends with. */
export type Roster = {
  readonly name: string;
  readonly models: readonly ModelSource[];
  readonly tiers: Readonly<Record<TaskTier, string>>;
  /** A seat that always has one model. */
  readonly roles: Readonly<Partial<Record<Seat, string>>>;
};

/**
 * The model that serves `role`, for a task of `tier`. Pure. In this order:
 *
 * 1. the model the role asks for, where the roster has one by that id;
 * 2. the roster's own model for the role's seat;
 * 3. the model of the tier the role asks for;
 * 4. the model of the task's tier for a developer and an integrator, of the tier `complex` for everybody else.
 */
export function modelFor(roster: Roster, role: Pick<Role, "seat" | "model" | "tier">, tier: TaskTier): ModelSource {
  const { seat } = role;
  const asked = roster.models.find(({ id }) => id === role.model);
  if (asked !== undefined) return asked;
  const usual = seat === "developer" || seat === "integrator" ? tier : "complex";
  return modelOf(roster, roster.roles[seat] ?? roster.tiers[role.tier ?? usual]);
}

/**
 * The model that reviews what a developer wrote for a task of `coderTier`: the reviewer's own, unless it serves only
 * lower tiers than the developer's model does; then that of the tier `complex`. A model that serves no tier was named
 * for its role by somebody who knows it, and is taken as it is. Pure.
 */
export function reviewerModel(roster: Roster, team: Team, coderTier: TaskTier): ModelSource {
  const coder = modelFor(roster, roleFor(team, "developer", coderTier), coderTier);
  const reviewer = modelFor(roster, roleFor(team, "reviewer", coderTier), coderTier);
  const needed = strengthOf(roster, coder.id) ?? rank(coderTier);
  const strength = strengthOf(roster, reviewer.id);
  return strength === undefined || strength >= needed ? reviewer : modelOf(roster, roster.tiers.complex);
}

/** The next tier above `tier` whose developer has another model; undefined when there is none. Pure. */
export function nextTier(roster: Roster, team: Team, tier: TaskTier): TaskTier | undefined {
  const developerModel = (of: TaskTier): string => modelFor(roster, roleFor(team, "developer", of), of).id;
  const now = developerModel(tier);
  return TASK_TIERS.slice(rank(tier) + 1).find((higher) => developerModel(higher) !== now);
}

/** A roster in which one model does everything. */
export function singleModelRoster(source: ModelSource): Roster {
  return {
    name: source.id,
    models: [source],
    tiers: { simple: source.id, medium: source.id, complex: source.id },
    roles: {},
  };
}

/** The highest tier that a model serves, counted from 0; undefined for one that serves none. */
function strengthOf({ tiers }: Roster, model: string): number | undefined {
  const highest = TASK_TIERS.findLastIndex((tier) => tiers[tier] === model);
  return highest === -1 ? undefined : highest;
}

function rank(tier: TaskTier): number {
  return TASK_TIERS.indexOf(tier);
}

function modelOf(roster: Roster, id: string): ModelSource {
  const source = roster.models.find((model) => model.id === id);
  if (source === undefined) throw new Error(`roster ${roster.name} has no model ${id}`);
  return source;
}
