import type { ModelSource } from "../engine/model.ts";
import type { TaskTier } from "../base/task.ts";
import type { Role } from "./prompt-set.ts";

/**
 * Which model serves whom. Pinned in a build's request: what a build began with, it ends with.
 *
 * `roles` overrides the tier of a role; without an entry the planner's roles (product manager,
 * tech lead, tester) and the reviewer use the complex tier, and a developer its task's tier.
 */
export type Roster = {
  readonly name: string;
  readonly models: readonly ModelSource[];
  readonly tiers: Readonly<Record<TaskTier, string>>;
  readonly roles: Readonly<Partial<Record<Role, string>>>;
};

/** The model that serves `role`, for a task of `tier`. */
export function modelFor(roster: Roster, role: Role, tier: TaskTier): ModelSource {
  const id = roster.roles[role] ?? roster.tiers[role === "developer" ? tier : "complex"];
  const source = roster.models.find((model) => model.id === id);
  if (source === undefined) throw new Error(`roster ${roster.name} has no model ${id}`);
  return source;
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
