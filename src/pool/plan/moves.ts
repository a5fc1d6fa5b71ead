import {
  bytesOn,
  type Board,
  type DeviceNode,
  type LoadCause,
  type ModelNode,
  type PlacementNode,
  type WorkNode,
} from "./board.ts";
import type { Genes } from "./genes.ts";

/*
 * What can be done on a board, and what follows from it. These keep all sums; the rules only choose.
 */

/** Puts the board back to its state, with the priorities of `genes`. */
export function layOut(board: Board, genes: Genes): void {
  board.nowMs = 0;
  board.lane = undefined;
  board.laneEndsMs = Infinity;
  board.loads = 0;
  board.done = 0;
  board.firstArrival = 0;
  board.arrivals.length = 0;
  board.running.length = 0;
  board.releases.length = 0;
  for (const device of board.devices) {
    device.used = 0;
    device.clock = 0;
    device.stepMs = 0;
    device.runningModels = 0;
  }
  for (const model of board.models) layOutModel(board, model, genes.models[model.index] ?? 1);
  for (const work of board.works) {
    work.phase = work.firstPhase;
    work.priority = work.pathMs * (genes.weights[work.index] ?? 1);
    work.hold = genes.holds[work.index] === 1;
    work.pending = work.before.length;
    work.unstarted = work.before.length;
    work.soon = false;
    if (work.phase === "ready" || work.phase === "later") {
      work.model.left++;
      work.model.leftMs += aloneMs(work);
    }
  }
  for (const work of board.works) layOutWork(board, work);
  if (board.arrivals.length > 1) board.arrivals.sort((a, b) => a.readyAtMs - b.readyAtMs || a.index - b.index);
  if (board.releases.length > 1) board.releases.sort((a, b) => b.readyAtMs - a.readyAtMs || b.index - a.index);
}

function layOutModel(board: Board, model: ModelNode, weight: number): void {
  const { first } = model;
  model.placement = first?.placement;
  model.slots = first?.slots ?? 0;
  model.opening = first?.opening ?? false;
  model.usedAtMs = first?.usedAtMs ?? 0;
  model.running = 0;
  model.ready.length = 0;
  model.readyWorth = 0;
  model.soon = 0;
  model.soonWorth = 0;
  model.left = 0;
  model.leftMs = 0;
  model.weight = weight;
  model.frozen = false;
  if (model.placement === undefined) return;
  takeBytes(board, model.placement, model.slots);
  if (!model.opening) return;
  board.lane = model;
  board.laneEndsMs = Math.max(model.readyAtMs, board.nowMs);
}

function layOutWork(board: Board, work: WorkNode): void {
  if (work.firstPhase === "running") {
    for (const next of work.next) leadUp(next);
    run(board, work);
  } else if (work.firstPhase === "ready") {
    makeReady(board, work, work.sinceMs);
  } else {
    if (work.before.length > 0) return;
    work.readyAtMs = Math.max(work.sinceMs, board.nowMs + 1);
    board.releases.push(work);
    if (work.readyAtMs - board.nowMs < 2 * work.model.loadMs) markSoon(work);
  }
}

function aloneMs({ steps, model }: WorkNode): number {
  return steps * (model.placements[0]?.stepMs ?? 0);
}

/** A work before this one has begun. */
function leadUp(work: WorkNode): void {
  if (--work.unstarted === 0 && work.phase === "later") markSoon(work);
}

function markSoon(work: WorkNode): void {
  work.soon = true;
  work.model.soon++;
  work.model.soonWorth += work.priority;
}

function makeReady(board: Board, work: WorkNode, sinceMs: number): void {
  const { model } = work;
  if (work.soon) {
    work.soon = false;
    model.soonWorth = --model.soon === 0 ? 0 : model.soonWorth - work.priority;
  }
  work.phase = "ready";
  work.readyAtMs = sinceMs;
  board.arrivals.push(work);
  model.readyWorth += work.priority;
  const { ready } = model;
  let at = ready.length;
  while (at > 0 && (ready[at - 1]?.priority ?? Infinity) < work.priority) at--;
  if (at === ready.length) ready.push(work);
  else ready.splice(at, 0, work);
}

/** Its device runs turns of it and of no other model. */
export function computes(model: ModelNode): boolean {
  return model.running > 0 && model.placement?.device.runningModels === 1;
}

export function startWork(board: Board, work: WorkNode, overdue = false): void {
  const { model } = work;
  const at = model.ready.indexOf(work);
  if (at === 0) model.ready.shift();
  else model.ready.splice(at, 1);
  model.readyWorth = model.ready.length === 0 ? 0 : model.readyWorth - work.priority;
  model.leftMs = --model.left === 0 ? 0 : model.leftMs - aloneMs(work);
  model.usedAtMs = board.nowMs;
  work.phase = "running";
  run(board, work);
  for (const next of work.next) leadUp(next);
  board.moves?.push({ kind: "start", work, overdue });
}

function run(board: Board, work: WorkNode): void {
  const { model } = work;
  const { placement } = model;
  // One whose model is gone: nobody knows when it ends, so that a roll-out ends without it.
  if (placement === undefined) return;
  const { device } = placement;
  if (model.running++ === 0) {
    device.stepMs += placement.stepMs;
    device.runningModels++;
  }
  work.endsAtClock = device.clock + (board.lengths[work.index] ?? work.steps);
  board.running.push(work);
}

/** A running work has ended. Leaves `board.running` to the caller. */
export function endWork(board: Board, work: WorkNode): void {
  const { model } = work;
  const { placement } = model;
  if (placement !== undefined && --model.running === 0) {
    const { device } = placement;
    device.stepMs = --device.runningModels === 0 ? 0 : device.stepMs - placement.stepMs;
  }
  model.usedAtMs = board.nowMs;
  work.phase = "done";
  board.done++;
  for (const next of work.next) {
    if (--next.pending > 0 || next.phase !== "later") continue;
    if (next.sinceMs > board.nowMs) putOff(board, next);
    else makeReady(board, next, board.nowMs);
  }
}

function putOff(board: Board, work: WorkNode): void {
  work.readyAtMs = work.sinceMs;
  const { releases } = board;
  let at = releases.length;
  while (at > 0 && (releases[at - 1]?.readyAtMs ?? Infinity) < work.readyAtMs) at--;
  releases.splice(at, 0, work);
}

/** Makes works ready whose moment has come. */
export function release(board: Board): void {
  for (let work = board.releases.at(-1); work !== undefined; work = board.releases.at(-1)) {
    if (work.readyAtMs > board.nowMs) return;
    board.releases.pop();
    makeReady(board, work, work.readyAtMs);
  }
}

export type Opening = {
  readonly model: ModelNode;
  readonly placement: PlacementNode;
  readonly slots: number;
  readonly evict: readonly ModelNode[];
};

export function loadModel(board: Board, opening: Opening, cause: LoadCause): void {
  const { model, placement, slots, evict } = opening;
  for (const other of evict) remove(board, other);
  model.placement = placement;
  model.slots = slots;
  takeBytes(board, placement, slots);
  occupyLane(board, model, model.loadMs);
  board.loads++;
  board.moves?.push({ kind: "load", cause, ...opening });
}

export type Resize = {
  readonly model: ModelNode;
  readonly slots: number;
  /** For whom it makes room, if it makes room. */
  readonly beside: ModelNode | undefined;
};

export function resizeModel(board: Board, { model, slots, beside }: Resize): void {
  if (model.placement === undefined) return;
  giveBytes(board, model.placement, model.slots);
  takeBytes(board, model.placement, slots);
  model.slots = slots;
  occupyLane(board, model, model.resizeMs);
  board.moves?.push({ kind: "resize", model, slots, beside });
}

export function evictModel(board: Board, model: ModelNode, over?: DeviceNode): void {
  remove(board, model);
  board.moves?.push({ kind: "evict", model, over });
}

export function openLane(board: Board): void {
  if (board.lane === undefined) return;
  board.lane.opening = false;
  board.lane.usedAtMs = board.nowMs;
  board.lane = undefined;
  board.laneEndsMs = Infinity;
}

function occupyLane(board: Board, model: ModelNode, durationMs: number): void {
  model.opening = true;
  model.usedAtMs = board.nowMs;
  board.lane = model;
  board.laneEndsMs = board.nowMs + durationMs;
}

function remove(board: Board, model: ModelNode): void {
  if (model.placement === undefined) return;
  giveBytes(board, model.placement, model.slots);
  model.placement = undefined;
  model.slots = 0;
}

function takeBytes(board: Board, placement: PlacementNode, slots: number): void {
  for (const device of board.devices) device.used += bytesOn(device, placement, slots);
}

function giveBytes(board: Board, placement: PlacementNode, slots: number): void {
  for (const device of board.devices) device.used -= bytesOn(device, placement, slots);
}
