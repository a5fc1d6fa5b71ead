import type { Board, DeviceNode, ModelNode, WorkNode } from "./board.ts";
import { chooseOpening, growFirst } from "./choose-opening.ts";
import type { Genes } from "./genes.ts";
import { computes, evictModel, startWork } from "./moves.ts";
import { keepWithinBudget, serveOverdue } from "./serve-overdue.ts";

/**
 * Does on the board what should be done now. The rules are those of `decide`, with their numbers.
 */
export function act(board: Board, genes: Genes): void {
  for (const model of board.models) model.frozen = false;
  // 1. Within the budget.
  keepWithinBudget(board, (model, device) => evictModel(board, model, device));
  // 2. Overdue works.
  const laneKept = serveOverdue(board, genes);
  // 3. Ready works into free slots.
  for (const model of board.models) if (mayBegin(model)) growFirst(board, genes, model);
  for (const model of board.models) if (mayBegin(model)) startReady(board, model);
  // 4. What to open next.
  if (board.lane === undefined && !laneKept) chooseOpening(board, genes);
}

function mayBegin(model: ModelNode): boolean {
  return model.ready.length > 0 && model.placement !== undefined && !model.opening && !model.frozen;
}

function startReady(board: Board, model: ModelNode): void {
  const { placement } = model;
  if (placement === undefined) return;
  if (placement.device.oneModel && !(computes(model) || comesNext(board, model, placement.device))) return;
  for (let free = model.slots - model.running; free > 0; free--) {
    const work = firstAllowed(board, model, placement.device);
    if (work === undefined) return;
    startWork(board, work);
  }
}

/**
 * The most urgent one; one that is held only where its device computes nothing or its model anyway. On a device
 * that computes for one model at a time, it is held while another model waits there for this one's turns to end.
 */
function firstAllowed(board: Board, model: ModelNode, device: DeviceNode): WorkNode | undefined {
  const isFree = device.runningModels === 0 || (model.running > 0 && !(device.oneModel && rivalOn(board, model)));
  if (isFree) return model.ready[0];
  for (const work of model.ready) if (!work.hold) return work;
  return undefined;
}

/** Another model that could begin a work on the same device were it idle. */
function rivalOn(board: Board, model: ModelNode): boolean {
  const device = model.placement?.device;
  return board.models.some((other) => other !== model && other.placement?.device === device && mayBegin(other));
}

/** Of the models that could begin a work on an idle device, the one with the most urgent work. */
function comesNext(board: Board, model: ModelNode, device: DeviceNode): boolean {
  if (device.runningModels > 0) return false;
  let first: ModelNode | undefined;
  for (const other of board.models) {
    if (other.placement?.device !== device || !mayBegin(other)) continue;
    if (first === undefined || urgency(other) > urgency(first)) first = other;
  }
  return first === model;
}

function urgency(model: ModelNode): number {
  return (model.ready[0]?.priority ?? 0) * model.weight;
}
