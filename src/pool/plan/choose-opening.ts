import type { Board, ModelNode } from "./board.ts";
import type { Genes } from "./genes.ts";
import { fits, fittingSlots, makeRoom, wantedSlots, type Room } from "./make-room.ts";
import { loadModel, resizeModel } from "./moves.ts";
import { ANY_LOAD, type LoadGene } from "./plan.ts";

/** Loads or resizes at most one model. The lane must be free. */
export function chooseOpening(board: Board, genes: Genes): void {
  const gene = genes.loads[board.loads] ?? ANY_LOAD;
  // What nothing else would end must not wait.
  const stuck = board.running.length === 0;
  if (gene.model !== "") {
    const named = namedModel(board, gene.model);
    if (named !== undefined && named.ready.length + named.soon > 0) {
      if (tryOpen(board, genes, { model: named, gene, worth: Infinity, stuck })) return;
      if (!stuck) return;
    }
  }
  if (openUrgent(board, genes, { gene, stuck: false })) return;
  if (stuck && openUrgent(board, genes, { gene, stuck })) return;
  if (genes.prefetch) openAhead(board, genes);
}

/** The model that a gene names, if it isn't loaded and has works left. */
function namedModel(board: Board, id: string): ModelNode | undefined {
  for (const model of board.models) {
    if (model.id === id) return model.placement === undefined && model.left > 0 && model.possible ? model : undefined;
  }
  return undefined;
}

type Choice = { readonly gene: LoadGene; readonly stuck: boolean };

/** 4a. The model with the most urgent works for the time of its load, or the next best one. */
function openUrgent(board: Board, genes: Genes, { gene, stuck }: Choice): boolean {
  const tried = new Set<ModelNode>();
  for (;;) {
    let best: ModelNode | undefined;
    let bestScore = 0;
    for (const model of board.models) {
      if (model.placement !== undefined || !model.possible || tried.has(model)) continue;
      const score = scoreOf(board, genes, model);
      if (score > bestScore && !(stuck && model.ready.length === 0)) {
        best = model;
        bestScore = score;
      }
    }
    if (best === undefined) return false;
    const worth = stuck ? Infinity : genes.patience * gene.patience * worthOf(genes, best);
    if (tryOpen(board, genes, { model: best, gene, worth, stuck })) return true;
    if (genes.strict && board.running.length > 0) return true;
    tried.add(best);
  }
}

function worthOf(genes: Genes, model: ModelNode): number {
  return (model.readyWorth + genes.ahead * model.soonWorth) * model.weight;
}

function scoreOf(board: Board, genes: Genes, model: ModelNode): number {
  if (genes.rule === "urgency") return worthOf(genes, model) / model.loadMs;
  let sinceMs = Infinity;
  for (const work of model.ready) sinceMs = Math.min(sinceMs, work.readyAtMs);
  return sinceMs === Infinity ? 0 : 1 + board.nowMs - sinceMs;
}

type Try = Choice & { readonly model: ModelNode; readonly worth: number };

function tryOpen(board: Board, genes: Genes, { model, gene, worth, stuck }: Try): boolean {
  const slots = gene.slots > 0 ? Math.min(gene.slots, model.maxSlots) : wantedSlots(genes, model);
  const pinnedToo = stuck || !genes.keepPinned;
  const most = gene.slots > 0 ? Math.min(slots, model.mostSlots) : roomFor(genes, model, slots);
  const fewest = genes.firm && !stuck ? most : 1;
  let room: Room | undefined;
  for (let least = most; least >= fewest && room === undefined; least--) {
    room = makeRoom(board, {
      model,
      slots,
      room: least,
      worth,
      pinnedToo,
      unneededOnly: false,
      prefer: gene.placement,
      genes,
    });
  }
  if (room === undefined) return false;
  if (shrinkInstead(board, room)) return true;
  loadModel(board, genes.leaveRoom ? withRoomLeft(board, room) : room, model.ready.length > 0 ? "needed" : "ahead");
  return true;
}

/** For how many slots idle models are closed. */
function roomFor(genes: Genes, model: ModelNode, slots: number): number {
  const works = Math.max(1, model.ready.length + (genes.ahead > 0 ? model.soon : 0));
  return Math.min(model.mostSlots, genes.room, slots, works);
}

/** 4b. Fewer slots of an idle model that is needed again, where that makes room and costs less than its reload. */
function shrinkInstead(board: Board, room: Room): boolean {
  const [other, ...more] = room.evict;
  if (other?.placement === undefined || more.length > 0) return false;
  if (other.left === 0 || other.slots < 2 || other.resizeMs >= other.loadMs) return false;
  const { placement } = other;
  for (let slots = other.slots - 1; slots >= 1; slots--) {
    const used = (device: Board["devices"][number]): number =>
      device.used -
      (other.slots - slots) * (placement.slotBytes[device.index] ?? 0) +
      (room.placement.loadedBytes[device.index] ?? 0) +
      (room.placement.slotBytes[device.index] ?? 0);
    if (!board.devices.every((device) => used(device) <= device.budget)) continue;
    resizeModel(board, { model: other, slots, beside: room.model });
    return true;
  }
  return false;
}

/** 4c. Slots left away for the most urgent other model that has works and would then fit beside. */
function withRoomLeft(board: Board, room: Room): Room {
  if (room.slots < 2) return room;
  for (const other of board.models) {
    if (other === room.model || other.placement !== undefined || other.ready.length + other.soon === 0) continue;
    for (const beside of other.placements) {
      if (beside.device !== room.placement.device) continue;
      for (let slots = room.slots; slots >= 1; slots--) {
        if (!fitBoth(board, { ...room, slots }, beside)) continue;
        return { ...room, slots };
      }
    }
  }
  return room;
}

function fitBoth(board: Board, room: Room, beside: Room["placement"]): boolean {
  const { loadedBytes, slotBytes } = room.placement;
  return fits(board, {
    placement: {
      ...room.placement,
      loadedBytes: board.devices.map(({ index }) => (loadedBytes[index] ?? 0) + (beside.loadedBytes[index] ?? 0)),
      slotBytes: board.devices.map(
        ({ index }) => (slotBytes[index] ?? 0) + (beside.slotBytes[index] ?? 0) / room.slots,
      ),
    },
    slots: room.slots,
    evict: room.evict,
  });
}

/** 4d. While the lane is free: the model that is needed next, if nothing that is needed has to go for it. */
function openAhead(board: Board, genes: Genes): void {
  let best: ModelNode | undefined;
  let bestScore = 0;
  for (const model of board.models) {
    if (model.placement !== undefined || !model.possible || model.left === 0) continue;
    const score = (1 + model.readyWorth + model.soonWorth) * model.weight;
    if (score > bestScore) {
      best = model;
      bestScore = score;
    }
  }
  if (best === undefined) return;
  const slots = wantedSlots(genes, best);
  const room = genes.firm ? roomFor(genes, best, slots) : 1;
  const limits = { worth: Infinity, pinnedToo: false, unneededOnly: true, room };
  const found = makeRoom(board, { model: best, slots, ...limits, prefer: -1, genes });
  if (found !== undefined) loadModel(board, found, "ahead");
}

/**
 * 3a. Resizes an idle model up, if more works are ready than it has slots, the turns that this saves take longer
 * than the resize, and it fits.
 */
export function growFirst(board: Board, genes: Genes, model: ModelNode): void {
  const { placement } = model;
  if (placement === undefined || board.lane !== undefined || model.running > 0) return;
  const wanted = wantedSlots(genes, model);
  if (model.ready.length <= model.slots || wanted <= model.slots) return;
  const slots = fittingSlots(board, { model, placement, slots: wanted, evict: [model] });
  if (slots <= model.slots || !fits(board, { placement, slots, evict: [model] })) return;
  const rounds = (open: number): number => Math.ceil(model.ready.length / open);
  const savedMs = (rounds(model.slots) - rounds(slots)) * (model.ready.at(-1)?.steps ?? 0) * placement.stepMs;
  if (savedMs > model.resizeMs) resizeModel(board, { model, slots, beside: undefined });
}
