import { bytesOn, type Board, type ModelNode, type PlacementNode } from "./board.ts";
import type { Genes } from "./genes.ts";
import type { Opening } from "./moves.ts";

/** What may be closed for a model, and how many slots it should get. */
export type RoomRequest = {
  readonly model: ModelNode;
  /** Idle models whose coming works are worth more stay. */
  readonly worth: number;
  /** Pinned models may go. */
  readonly pinnedToo: boolean;
  /** Models with works left stay. */
  readonly unneededOnly: boolean;
  readonly slots: number;
  /** At least so many slots must fit. */
  readonly room: number;
  /** The placement to take if it can be had, or -1. */
  readonly prefer: number;
  readonly genes: Pick<Genes, "evict" | "place">;
};

export type Room = Opening & {
  /** What loading again is expected to cost. */
  readonly costMs: number;
};

/** More idle models than this are tried in their order only: their sets would be too many. */
const SETS_OF = 6;

/**
 * The placement, slots and cheapest set of idle models to close that make room, or undefined when there is none.
 *
 * The first placement wins unless a later one is expected to end the model's works sooner: its steps, slowed down
 * by what runs on the device, and what must be loaded again count.
 */
export function makeRoom(board: Board, request: RoomRequest): Room | undefined {
  const { model, room, prefer, genes } = request;
  let best: Room | undefined;
  let bestMs = Infinity;
  for (const placement of model.placements) {
    if (!placement.possible) continue;
    const idle = closable(board, placement, request);
    const costOf = (model: ModelNode): number => COSTS[genes.evict](model, board.nowMs);
    const evict = cheapestSet(board, { placement, slots: room, costOf }, idle);
    if (evict === undefined) continue;
    const costMs = evict.reduce((sum, other) => sum + costOf(other), 0);
    const steps = genes.place === "quickest" ? (model.ready[0]?.steps ?? 0) : 0;
    const expectedMs = placement.index === prefer ? -1 : costMs + steps * (placement.stepMs + placement.device.stepMs);
    if (expectedMs >= bestMs) continue;
    bestMs = expectedMs;
    best = {
      model,
      placement,
      slots: fittingSlots(board, { model, placement, evict, slots: request.slots }),
      evict,
      costMs,
    };
  }
  return best;
}

/** The less, the sooner a model is closed; `use` is the least for what was used longest ago. */
const COSTS: Readonly<Record<Genes["evict"], (model: ModelNode, nowMs: number) => number>> = {
  reload: reloadMs,
  work: (model) => model.leftMs + 0.001 * model.loadMs,
  use: (model, nowMs) => 1 / (1 + Math.max(0, nowMs - model.usedAtMs)),
};

/** What closing a model costs: nothing where no work is left for it, more where one comes soon. */
function reloadMs(model: ModelNode): number {
  if (model.left === 0) return model.pinned ? model.loadMs : 0.001 * model.loadMs;
  return model.loadMs * (model.soon + model.ready.length > 0 ? 3 : 1) + (model.pinned ? model.loadMs : 0);
}

function closable(board: Board, placement: PlacementNode, request: RoomRequest): ModelNode[] {
  const idle: ModelNode[] = [];
  for (const model of board.models) {
    if (model.placement === undefined || model.running > 0 || model.opening) continue;
    if (model.pinned && !request.pinnedToo) continue;
    if (request.unneededOnly && model.left > 0) continue;
    if ((model.soonWorth + model.readyWorth) * model.weight > request.worth) continue;
    if (board.devices.length === 1 || sharesDevice(board, model, placement)) idle.push(model);
  }
  return idle;
}

/** Whether closing `model` frees a device that `placement` takes bytes of. */
export function sharesDevice(board: Board, model: ModelNode, placement: PlacementNode): boolean {
  const taken = model.placement;
  if (taken === undefined) return false;
  return board.devices.some((device) => bytesOn(device, taken, 1) > 0 && bytesOn(device, placement, 1) > 0);
}

type Need = {
  readonly placement: PlacementNode;
  readonly slots: number;
  readonly costOf: (model: ModelNode) => number;
};

function cheapestSet(board: Board, need: Need, idle: ModelNode[]): ModelNode[] | undefined {
  if (fits(board, { ...need, evict: [] })) return [];
  if (idle.length > 1)
    idle.sort((a, b) => need.costOf(a) - need.costOf(b) || a.usedAtMs - b.usedAtMs || a.index - b.index);
  if (idle.length > SETS_OF) return firstOf(board, need, idle);
  let best: ModelNode[] | undefined;
  let bestMs = Infinity;
  for (let set = 1; set < 1 << idle.length; set++) {
    const evict = idle.filter((_, index) => (set >> index) & 1);
    const costMs = evict.reduce((sum, model) => sum + need.costOf(model), 0);
    if (costMs >= bestMs || !fits(board, { ...need, evict })) continue;
    best = evict;
    bestMs = costMs;
  }
  return best;
}

/** As many of the first as are needed, without those that turn out not to be. */
function firstOf(board: Board, need: Need, idle: readonly ModelNode[]): ModelNode[] | undefined {
  for (let count = 1; count <= idle.length; count++) {
    let evict = idle.slice(0, count);
    if (!fits(board, { ...need, evict })) continue;
    for (const model of evict) {
      const fewer = evict.filter((other) => other !== model);
      if (fits(board, { ...need, evict: fewer })) evict = fewer;
    }
    return evict;
  }
  return undefined;
}

type Fit = { readonly placement: PlacementNode; readonly slots: number; readonly evict: readonly ModelNode[] };

export function fits(board: Board, { placement, slots, evict }: Fit): boolean {
  for (const device of board.devices) {
    let used = device.used + bytesOn(device, placement, slots);
    for (const other of evict) if (other.placement !== undefined) used -= bytesOn(device, other.placement, other.slots);
    // A device that others crowded is no place for more, and none of the one that takes nothing there.
    if (used > device.budget && bytesOn(device, placement, slots) > 0) return false;
  }
  return true;
}

/** At most `slots`, as many as fit beside what stays. */
export function fittingSlots(
  board: Board,
  { model, placement, evict, slots }: Fit & { readonly model: ModelNode },
): number {
  let most = Math.min(slots, model.maxSlots);
  while (most > 1 && !fits(board, { placement, slots: most, evict })) most--;
  return most;
}

/** How many slots a model should be opened with. */
export function wantedSlots(genes: Genes, model: ModelNode): number {
  const { slots } = genes;
  const works = slots === "fill" ? model.left : model.ready.length + (slots === "soon" ? model.soon : 0);
  return Math.min(model.maxSlots, Math.max(1, Math.min(works, model.left)));
}
