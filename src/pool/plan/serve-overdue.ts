import { bytesOn, type Board, type ModelNode, type PlacementNode, type WorkNode } from "./board.ts";
import type { Genes } from "./genes.ts";
import { makeRoom, sharesDevice, wantedSlots } from "./make-room.ts";
import { computes, loadModel, startWork } from "./moves.ts";

/**
 * Serves works that have waited for longer than `maxWaitMs`, the one that waits the longest first, and freezes
 * what would delay the first of them that has to go on waiting. Says whether the lane is kept free for it.
 *
 * Let `first` be that work. While it waits
 * - for a slot: nothing of other models starts on its device, and none of its own can. It starts when a turn ends.
 * - for the turns of another model to end, on a device that computes for one at a time: no more of them start.
 * - for its model to open: nothing needs to be kept back, since what runs doesn't slow down a load.
 * - for room or the lane: no other model opens, and nothing starts on models that must make room.
 */
export function serveOverdue(board: Board, genes: Genes): boolean {
  for (;;) {
    const first = longestOverdue(board);
    if (first === undefined) return false;
    const { model } = first;
    if (hasSlot(model) && mayCompute(model)) {
      startWork(board, first, true);
      continue;
    }
    if (model.opening) return false;
    if (model.placement !== undefined) {
      freezeDevice(board, model.placement, model);
      return false;
    }
    return openFor(board, genes, model);
  }
}

function hasSlot(model: ModelNode): boolean {
  return model.placement !== undefined && !model.opening && model.running < model.slots && !model.frozen;
}

function mayCompute(model: ModelNode): boolean {
  const device = model.placement?.device;
  return device?.oneModel !== true || device.runningModels === 0 || computes(model);
}

/** The work that has been ready the longest, if for too long, of those that can ever run. */
function longestOverdue(board: Board): WorkNode | undefined {
  const { arrivals } = board;
  for (let work = arrivals[board.firstArrival]; work !== undefined; work = arrivals[++board.firstArrival]) {
    if (work.phase === "ready" && work.model.possible) {
      return board.nowMs - work.readyAtMs > board.maxWaitMs ? work : undefined;
    }
  }
  return undefined;
}

function openFor(board: Board, genes: Genes, model: ModelNode): boolean {
  const slots = wantedSlots(genes, model);
  const limits = { room: 1, worth: Infinity, pinnedToo: true, unneededOnly: false };
  const room = makeRoom(board, { model, slots, ...limits, prefer: -1, genes });
  if (room !== undefined && board.lane === undefined) {
    loadModel(board, room, "overdue");
    return true;
  }
  if (room !== undefined) {
    for (const other of room.evict) other.frozen = true;
    return true;
  }
  for (const placement of model.placements) {
    if (!placement.possible) continue;
    for (const other of board.models)
      if (sharesDevice(board, other, placement)) freezeDevice(board, other.placement, undefined);
    freezeDevice(board, placement, undefined);
  }
  return true;
}

/** Nothing starts on the placement's device, nor on models that take memory of the devices it takes memory of. */
function freezeDevice(board: Board, placement: PlacementNode | undefined, except: ModelNode | undefined): void {
  if (placement === undefined) return;
  for (const model of board.models) {
    if (model === except || model.placement === undefined) continue;
    if (model.placement.device === placement.device) model.frozen = true;
  }
}

/**
 * Closes idle models, the cheapest to load again first, where more is taken than the budget allows, and freezes
 * those that have to make room once their turns have ended. Models whose resident is of no use go, too.
 */
export function keepWithinBudget(
  board: Board,
  evict: (model: ModelNode, device: Board["devices"][number] | undefined) => void,
): void {
  for (const model of board.models) {
    if (model.placement !== undefined && model.slots < 1 && model.running === 0 && !model.opening)
      evict(model, undefined);
  }
  for (const device of board.devices) {
    if (device.used <= device.budget) continue;
    const there = board.models
      .filter((model) => model.placement !== undefined && bytesOn(device, model.placement, model.slots) > 0)
      .sort((a, b) => a.loadMs - b.loadMs || a.index - b.index);
    for (const model of there) {
      if (device.used > device.budget && model.running === 0 && !model.opening) evict(model, device);
    }
    let over = device.used - device.budget;
    for (const model of there) {
      if (over <= 0) break;
      if (model.placement === undefined) continue;
      model.frozen = true;
      over -= bytesOn(device, model.placement, model.slots);
    }
  }
}
