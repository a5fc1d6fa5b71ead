import type { KnownModels } from "./known-models.ts";
import type { PoolModel, PoolState, Resident as PlannedResident } from "./plan/pool-state.ts";
import type { PoolMachine } from "./pool-machine.ts";
import type { PoolStatus } from "./pool-status.ts";
import type { PoolWorks } from "./pool-works.ts";
import type { Resident } from "./resident.ts";

export type PoolParts = {
  readonly machine: PoolMachine;
  readonly models: KnownModels;
  readonly works: PoolWorks;
  readonly residents: ReadonlyMap<string, Resident>;
};

/**
 * The pool as the planner sees it. Models that nobody needs it does not see, nor those that failed or are in
 * quarantine, nor their works.
 */
export function poolState(parts: PoolParts, { nowMs, maxWaitMs }: { nowMs: number; maxWaitMs: number }): PoolState {
  const { machine, models, works, residents } = parts;
  const shown = new Map<string, PoolModel>();
  const planned: PlannedResident[] = [];
  const needed = works.models;
  for (const known of models.all) {
    const resident = residents.get(known.name);
    if (resident === undefined && !needed.has(known.name)) continue;
    if (resident === undefined && (known.failed !== undefined || known.quarantinedUntilMs > nowMs)) continue;
    const model = models.toPoolModel(known);
    shown.set(known.name, resident === undefined ? model : withPlacementOf(resident, model));
    if (resident !== undefined) planned.push(plannedResident(resident, shown.get(known.name) ?? model));
  }
  const expect = (name: string, role: string) => {
    const known = models.named(name);
    return known === undefined ? { stepsPerTurn: 1, turns: 1 } : models.expect(known, role);
  };
  return {
    nowMs,
    maxWaitMs,
    // Threads of two processes that compute at once wait for each other.
    devices: machine.parts.map(({ id, kind, budgetBytes }) =>
      kind === "system" ? { id, budgetBytes, oneModelAtATime: true } : { id, budgetBytes },
    ),
    models: [...shown.values()],
    residents: planned,
    works: works.list(expect).filter(({ model }) => shown.has(model)),
  };
}

/** A placement that was right when it was chosen is kept among those of today: a loaded model is where it is. */
function withPlacementOf({ choice, slots, mostSlots }: Resident, model: PoolModel): PoolModel {
  const maxSlots = Math.max(Math.min(model.maxSlots, mostSlots), slots);
  if (model.placements.includes(choice.placement)) return { ...model, maxSlots };
  return { ...model, maxSlots, placements: [...model.placements, choice.placement] };
}

function plannedResident(resident: Resident, { placements }: PoolModel): PlannedResident {
  const { known, choice, slots, state, readyAtMs, usedAtMs } = resident;
  return { model: known.name, placement: placements.indexOf(choice.placement), slots, state, readyAtMs, usedAtMs };
}

/** What people see of the pool. */
export function poolStatus(
  parts: PoolParts,
  { next, ...rest }: Pick<PoolStatus, "atMs" | "policy" | "servers" | "next">,
): PoolStatus {
  const { machine, models, works, residents } = parts;
  const turns = [...works.turns];
  return {
    ...rest,
    ...(next === undefined ? {} : { next }),
    devices: machine.parts.map((part, at) => ({
      id: part.id,
      name: part.name,
      totalBytes: part.totalBytes,
      budgetBytes: part.budgetBytes,
      reserveBytes: part.reserveBytes,
      othersBytes: part.othersBytes + part.claimedBytes,
      bookedBytes: machine.bookedBytes(at),
    })),
    residents: [...residents.values()].map((resident) => residentStatus(parts, resident)),
    queue: turns
      .filter(({ state }) => state === "ready")
      .map(({ job, model, sinceMs, why }) => ({ ...job, model, sinceMs, why })),
    quarantined: [...models.all]
      .filter(({ quarantinedUntilMs }) => quarantinedUntilMs > rest.atMs)
      .map(({ name, quarantinedUntilMs }) => ({
        model: name,
        untilMs: quarantinedUntilMs,
        why: "it crashed too often",
      })),
    notes: [...machine.notes],
  };
}

function residentStatus({ machine }: PoolParts, resident: Resident): PoolStatus["residents"][number] {
  const { known, choice, slots, contextTokens, state, leaving, measuredBytes, why, loadedAtMs, running } = resident;
  const sum = (bytesOf: (part: (typeof choice.parts)[number]) => number): number =>
    choice.parts.reduce((all, part) => all + bytesOf(part), 0);
  return {
    model: known.name,
    state: leaving === undefined ? state : "closing",
    devices: machine.devices.flatMap(({ id }, at) => ((choice.placement.loadedBytes[at] ?? 0) > 0 ? [id] : [])),
    slots,
    contextTokens,
    memory: {
      weights: sum(({ weights }) => weights),
      caches: slots * sum(({ cache }) => cache),
      adapters: sum(({ adapters }) => adapters),
      compute: sum(({ compute }) => compute),
    },
    ...(measuredBytes === undefined ? {} : { measuredBytes }),
    why,
    loadedAtMs,
    turns: [...running].map(({ job }) => ({ ...job })),
  };
}
