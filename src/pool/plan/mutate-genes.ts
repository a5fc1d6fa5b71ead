import type { Board } from "./board.ts";
import { copyGenes, type Genes } from "./genes.ts";
import { ANY_LOAD } from "./plan.ts";

const EVICT = ["reload", "work", "use"] as const;
const SLOTS = ["ready", "soon", "fill"] as const;

type Change = (genes: Genes, board: Board, random: () => number) => void;

/** Each kind of change as often as it stands here. */
const CHANGES: readonly Change[] = [
  changeWeight,
  changeWeight,
  changeHold,
  changeHold,
  changeLoad,
  changeLoad,
  changeLoad,
  moveLoad,
  moveLoad,
  changePatience,
  changePatience,
  changeSlots,
  changePlacement,
  changeModel,
  changeRule,
];

/** A copy with one to three changes. */
export function mutateGenes(genes: Genes, board: Board, random: () => number): Genes {
  const changed = copyGenes(genes);
  const count = 1 + Math.floor(random() * random() * 3);
  for (let change = 0; change < count; change++) pick(CHANGES, random)?.(changed, board, random);
  return changed;
}

/** All numbers new: a start far from others. */
export function scatterGenes(genes: Genes, board: Board, random: () => number): Genes {
  const changed = copyGenes(genes);
  const noise = 0.15 + 0.85 * random();
  for (const { index } of board.works) changed.weights[index] = 1 + noise * (2 * random() - 1);
  for (const { index } of board.models) changed.models[index] = 1 + noise * (2 * random() - 1);
  changed.holds.fill(0);
  changed.loads = [];
  changed.patience = random();
  changed.ahead = random() < 0.5 ? 0 : random();
  changed.strict = random() < 0.5;
  changed.prefetch = random() < 0.5;
  changed.slots = pick(SLOTS, random) ?? "fill";
  changed.room = 1 + Math.floor(4 * random());
  changed.leaveRoom = random() < 0.5;
  changed.keepPinned = random() < 0.7;
  changed.firm = random() < 0.6;
  changed.rule = "urgency";
  changed.evict = pick(EVICT, random) ?? "reload";
  changed.place = random() < 0.5 ? "quickest" : "first";
  return changed;
}

function pick<T>(list: readonly T[], random: () => number): T | undefined {
  return list[Math.floor(random() * list.length)];
}

function changeWeight(genes: Genes, board: Board, random: () => number): void {
  const work = pickWork(board, random);
  if (work === undefined) return;
  genes.weights[work] = Math.min(
    20,
    Math.max(0.05, (genes.weights[work] ?? 1) * Math.exp(2 * (random() + random() - 1))),
  );
}

function changeHold(genes: Genes, board: Board, random: () => number): void {
  const work = pickWork(board, random);
  if (work !== undefined) genes.holds[work] = 1 - (genes.holds[work] ?? 0);
}

/** One that has not begun, if a few tries find one. */
function pickWork(board: Board, random: () => number): number | undefined {
  for (let attempt = 0; attempt < 4; attempt++) {
    const work = pick(board.works, random);
    if (work !== undefined && work.firstPhase !== "running") return work.index;
  }
  return undefined;
}

/** Which of the next loads: the nearer ones more often. */
function pickLoad(genes: Genes, random: () => number): number {
  const at = Math.floor(random() * random() * 24);
  while (genes.loads.length <= at) genes.loads.push(ANY_LOAD);
  return at;
}

function changeLoad(genes: Genes, board: Board, random: () => number): void {
  const at = pickLoad(genes, random);
  const model = random() < 0.3 ? "" : (pick(board.models, random)?.id ?? "");
  genes.loads[at] = { ...(genes.loads[at] ?? ANY_LOAD), model };
}

function moveLoad(genes: Genes, board: Board, random: () => number): void {
  const at = pickLoad(genes, random);
  const kind = random();
  if (kind < 0.35) genes.loads.splice(at, 1);
  else if (kind < 0.7) genes.loads.splice(at, 0, { ...ANY_LOAD, model: pick(board.models, random)?.id ?? "" });
  else genes.loads.splice(at, 2, genes.loads[at + 1] ?? ANY_LOAD, genes.loads[at] ?? ANY_LOAD);
}

function changePatience(genes: Genes, _board: Board, random: () => number): void {
  if (random() < 0.3) {
    genes.patience = random() * 1.2;
    return;
  }
  const at = pickLoad(genes, random);
  genes.loads[at] = { ...(genes.loads[at] ?? ANY_LOAD), patience: pick([0, 0.3, 1, 3, 100], random) ?? 1 };
}

function changeSlots(genes: Genes, _board: Board, random: () => number): void {
  const at = pickLoad(genes, random);
  genes.loads[at] = { ...(genes.loads[at] ?? ANY_LOAD), slots: pick([0, 1, 2, 3, 4], random) ?? 0 };
}

function changePlacement(genes: Genes, board: Board, random: () => number): void {
  if (board.devices.length < 2) return;
  const at = pickLoad(genes, random);
  genes.loads[at] = {
    ...(genes.loads[at] ?? ANY_LOAD),
    placement: Math.floor(random() * (board.devices.length + 1)) - 1,
  };
}

function changeModel(genes: Genes, board: Board, random: () => number): void {
  const model = pick(board.models, random);
  if (model !== undefined) genes.models[model.index] = Math.exp(2 * (random() + random() - 1));
}

function changeRule(genes: Genes, _board: Board, random: () => number): void {
  const rule = Math.floor(random() * 10);
  if (rule === 0) genes.ahead = random() < 0.3 ? 0 : random();
  else if (rule === 1) genes.prefetch = !genes.prefetch;
  else if (rule === 2) genes.strict = !genes.strict;
  else if (rule === 3) genes.slots = pick(SLOTS, random) ?? "fill";
  else if (rule === 7) genes.evict = pick(EVICT, random) ?? "reload";
  else if (rule === 9) genes.firm = !genes.firm;
  else if (rule === 8) genes.place = genes.place === "first" ? "quickest" : "first";
  else if (rule === 6) genes.room = 1 + Math.floor(4 * random());
  else if (rule === 4) genes.leaveRoom = !genes.leaveRoom;
  else genes.keepPinned = !genes.keepPinned;
}
