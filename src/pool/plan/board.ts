import { measurePaths } from "./measure-paths.ts";
import type { DeviceBytes, PoolState, PoolWork } from "./pool-state.ts";

/*
 * A state with its ids resolved, on which decisions are tried. One board serves many roll-outs: `layOut` puts
 * it back to the state that it was made from.
 */

export type DeviceNode = {
  readonly index: number;
  readonly id: string;
  readonly budget: number;
  /** Turns of different models never run there at the same time. */
  readonly oneModel: boolean;
  /** From here on: what changes during a roll-out. */
  used: number;
  /** Steps that each of its running turns has made since the roll-out began. */
  clock: number;
  /** Of the models that run there. */
  stepMs: number;
  runningModels: number;
};

export type PlacementNode = {
  readonly index: number;
  readonly device: DeviceNode;
  readonly loadedBytes: DeviceBytes;
  readonly slotBytes: DeviceBytes;
  readonly stepMs: number;
  /** One slot fits on the empty devices. */
  readonly possible: boolean;
};

export type ModelNode = {
  readonly index: number;
  readonly id: string;
  readonly placements: readonly PlacementNode[];
  readonly possible: boolean;
  readonly maxSlots: number;
  /** Of those, how many fit on the empty devices in some placement. */
  readonly mostSlots: number;
  readonly loadMs: number;
  readonly resizeMs: number;
  readonly pinned: boolean;
  /** As the state has it. */
  first: { placement: PlacementNode; slots: number; opening: boolean; usedAtMs: number } | undefined;
  readyAtMs: number;
  /** From here on: what changes during a roll-out. Undefined while it isn't loaded. */
  placement: PlacementNode | undefined;
  slots: number;
  opening: boolean;
  running: number;
  usedAtMs: number;
  /** Most urgent first. */
  readonly ready: WorkNode[];
  readyWorth: number;
  soon: number;
  soonWorth: number;
  /** Works that have not begun. */
  left: number;
  /** Expected, of all works that have not begun, one after the other. */
  leftMs: number;
  weight: number;
  /** Nothing of it may begin, because an overdue work or a smaller budget needs its memory or its device's time. */
  frozen: boolean;
};

export type Phase = "later" | "ready" | "running" | "done";

export type WorkNode = {
  readonly index: number;
  readonly id: string;
  readonly model: ModelNode;
  /** Expected. */
  readonly steps: number;
  readonly spread: number;
  readonly firstPhase: Phase;
  readonly sinceMs: number;
  readonly before: WorkNode[];
  readonly next: WorkNode[];
  /** From its start to the end of all that waits for it, were all models loaded. */
  pathMs: number;
  /** From here on: what changes during a roll-out. */
  phase: Phase;
  priority: number;
  hold: boolean;
  /** Works before it that have not ended. */
  pending: number;
  /** Works before it that have not begun. */
  unstarted: number;
  soon: boolean;
  readyAtMs: number;
  endsAtClock: number;
};

/** What a decision does, in its order. */
export type Move =
  | { readonly kind: "start"; readonly work: WorkNode; readonly overdue: boolean }
  | {
      readonly kind: "load";
      readonly model: ModelNode;
      readonly placement: PlacementNode;
      readonly slots: number;
      readonly evict: readonly ModelNode[];
      readonly cause: LoadCause;
    }
  | {
      readonly kind: "resize";
      readonly model: ModelNode;
      readonly slots: number;
      readonly beside: ModelNode | undefined;
    }
  | { readonly kind: "evict"; readonly model: ModelNode; readonly over: DeviceNode | undefined };

export type LoadCause = "overdue" | "needed" | "ahead";

export type Board = {
  readonly state: PoolState;
  readonly devices: readonly DeviceNode[];
  readonly models: readonly ModelNode[];
  readonly works: readonly WorkNode[];
  readonly maxWaitMs: number;
  /** Since the board's state: with moments since 1970, fractions of a millisecond would be lost in rounding. */
  nowMs: number;
  /** The model that is opening. */
  lane: ModelNode | undefined;
  laneEndsMs: number;
  loads: number;
  done: number;
  /** Ready works in the order in which they became so; some have begun since. */
  readonly arrivals: WorkNode[];
  firstArrival: number;
  readonly running: WorkNode[];
  /** Works whose moment is still to come, the next one last. */
  readonly releases: WorkNode[];
  moves: Move[] | undefined;
  /** What works really take in a roll-out, by their index. */
  lengths: Float64Array;
};

export function makeBoard(state: PoolState): Board {
  const devices = state.devices.map((device, index) => ({
    index,
    id: device.id,
    budget: finite(device.budgetBytes, 0),
    oneModel: device.oneModelAtATime === true,
    used: 0,
    clock: 0,
    stepMs: 0,
    runningModels: 0,
  }));
  const models = makeModels(state, devices);
  const works = makeWorks(state, models);
  measurePaths(works);
  return {
    state,
    devices,
    models: [...models.values()],
    works,
    maxWaitMs: Math.max(0, finite(state.maxWaitMs, Infinity)),
    nowMs: 0,
    lane: undefined,
    laneEndsMs: Infinity,
    loads: 0,
    done: 0,
    arrivals: [],
    firstArrival: 0,
    running: [],
    releases: [],
    moves: undefined,
    lengths: Float64Array.from(works, (work) => work.steps),
  };
}

/** Not NaN, and not below zero. */
function finite(value: number, otherwise: number): number {
  return value >= 0 ? value : otherwise;
}

function makeModels(state: PoolState, devices: readonly DeviceNode[]): Map<string, ModelNode> {
  const models = new Map<string, ModelNode>();
  for (const model of state.models) {
    if (models.has(model.id)) continue;
    const placements: PlacementNode[] = [];
    for (const [index, placement] of model.placements.entries()) {
      const device = devices[placement.device];
      if (device === undefined) continue;
      const { loadedBytes, slotBytes } = placement;
      const possible = devices.every((each) => bytesOn(each, placement, 1) <= each.budget);
      // A step takes time, however little: a roll-out must come to an end.
      placements.push({ index, device, loadedBytes, slotBytes, stepMs: finite(placement.stepMs, 0) + 1e-6, possible });
    }
    const maxSlots = Math.max(1, Math.floor(finite(model.maxSlots, 1)));
    const loadMs = Math.max(1, finite(model.loadMs, 1));
    models.set(model.id, {
      index: models.size,
      id: model.id,
      placements,
      possible: placements.some((placement) => placement.possible),
      maxSlots,
      mostSlots: Math.max(1, ...placements.map((placement) => slotsOn(devices, placement, maxSlots))),
      loadMs,
      resizeMs: Math.max(1, finite(model.resizeMs, loadMs)),
      pinned: model.pinned,
      first: undefined,
      readyAtMs: 0,
      placement: undefined,
      slots: 0,
      opening: false,
      running: 0,
      usedAtMs: 0,
      ready: [],
      readyWorth: 0,
      soon: 0,
      soonWorth: 0,
      left: 0,
      leftMs: 0,
      weight: 1,
      frozen: false,
    });
  }
  placeResidents(state, models);
  return models;
}

/** At most `maxSlots`, as many as fit on the empty devices. */
function slotsOn(devices: readonly DeviceNode[], placement: PlacementNode, maxSlots: number): number {
  let slots = Math.min(maxSlots, 64);
  while (slots > 0 && devices.some((device) => bytesOn(device, placement, slots) > device.budget)) slots--;
  return slots;
}

function placeResidents(state: PoolState, models: ReadonlyMap<string, ModelNode>): void {
  for (const resident of state.residents) {
    const model = models.get(resident.model);
    const placement = model?.placements.find((each) => each.index === resident.placement);
    if (model === undefined || placement === undefined || model.first !== undefined) continue;
    const opening = resident.state === "opening";
    model.first = { placement, slots: Math.max(0, resident.slots), opening, usedAtMs: resident.usedAtMs - state.nowMs };
    model.readyAtMs = resident.readyAtMs - state.nowMs;
  }
}

export function bytesOn(
  device: DeviceNode,
  placement: Pick<PlacementNode, "loadedBytes" | "slotBytes">,
  slots: number,
): number {
  return (
    finite(placement.loadedBytes[device.index] ?? 0, 0) + slots * finite(placement.slotBytes[device.index] ?? 0, 0)
  );
}

function makeWorks(state: PoolState, models: ReadonlyMap<string, ModelNode>): WorkNode[] {
  const known = new Map<string, WorkNode>();
  const works: WorkNode[] = [];
  const sources: PoolWork[] = [];
  for (const work of state.works) {
    const model = models.get(work.model);
    if (model === undefined || known.has(work.id)) continue;
    const node: WorkNode = {
      index: works.length,
      id: work.id,
      model,
      steps: Math.max(1e-3, finite(work.steps, 0)),
      spread: Math.min(3, finite(work.spread ?? 0, 0)),
      firstPhase: work.state,
      sinceMs: Number.isFinite(work.sinceMs) ? work.sinceMs - state.nowMs : 0,
      before: [],
      next: [],
      pathMs: 0,
      phase: work.state,
      priority: 0,
      hold: false,
      pending: 0,
      unstarted: 0,
      soon: false,
      readyAtMs: 0,
      endsAtClock: 0,
    };
    known.set(work.id, node);
    works.push(node);
    sources.push(work);
  }
  for (const [index, work] of works.entries()) {
    for (const id of sources[index]?.after ?? []) {
      const before = known.get(id);
      if (before === undefined) continue;
      work.before.push(before);
      before.next.push(work);
    }
  }
  return works;
}
