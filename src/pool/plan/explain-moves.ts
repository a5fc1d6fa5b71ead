import type { Board, DeviceNode, ModelNode, Move, WorkNode } from "./board.ts";
import { expectedUse } from "./expected-use.ts";
import type { PoolAction, PoolModel, PoolState } from "./pool-state.ts";

/** The moves as actions with their reasons, and a `wait` for each ready work that none of them starts. */
export function explainMoves(board: Board, moves: readonly Move[]): PoolAction[] {
  return [...moves.map((move) => explainMove(board, move)), ...explainWaits(board)];
}

function explainMove(board: Board, move: Move): PoolAction {
  if (move.kind === "start")
    return { kind: "start", work: move.work.id, why: whyStart(board, move.work, move.overdue) };
  if (move.kind === "load") {
    const { model, placement, slots, evict, cause } = move;
    const first = cause === "overdue" ? "the longest waiting work is overdue; " : "";
    const why = `${first}${demandFor(model)}${evictions(board, evict)}`;
    return { kind: "load", model: model.id, placement: placement.index, slots, evict: evict.map(({ id }) => id), why };
  }
  if (move.kind === "resize") {
    const { model, slots, beside } = move;
    const why =
      beside === undefined
        ? `${demandFor(model)}, and the turns that ${slots} slots save take longer than the ${seconds(model.resizeMs)} of a resize`
        : `makes room for ${beside.id} (${demandFor(beside)}) without closing ${model.id}, which ${count(model.left, "work")} still ${model.left === 1 ? "needs" : "need"}`;
    return { kind: "resize", model: model.id, slots, why };
  }
  const { model, over } = move;
  if (over === undefined) return { kind: "evict", model: model.id, why: "it has no slots" };
  const why = `more is taken on ${over.id} than its budget of ${megabytes(over.budget)}; loading it again takes ${seconds(model.loadMs)}`;
  return { kind: "evict", model: model.id, why };
}

function whyStart(board: Board, work: WorkNode, overdue: boolean): string {
  const { model } = work;
  const taken = `${model.running} of ${model.slots} slots of ${model.id} are then in use`;
  if (!overdue) return taken;
  return `it has waited for ${seconds(board.nowMs - work.readyAtMs)}, longer than ${seconds(board.maxWaitMs)}; ${taken}`;
}

function demandFor(model: ModelNode): string {
  const waiting = model.ready.length;
  if (waiting === 0 && model.soon === 0)
    return `${count(model.left, "work")} for ${model.id} ${model.left === 1 ? "comes" : "come"} later`;
  if (waiting === 0) return `${count(model.soon, "work")} for ${model.id} ${model.soon === 1 ? "comes" : "come"} soon`;
  const soon = model.soon > 0 ? `, ${model.soon} more ${model.soon === 1 ? "comes" : "come"} soon` : "";
  return `${count(waiting, "work")} for ${model.id} ${waiting === 1 ? "waits" : "wait"}${soon}`;
}

function evictions(board: Board, evict: readonly ModelNode[]): string {
  if (evict.length === 0) return "; nothing has to go for it";
  const usesMs = expectedUse(board, evict);
  const reasons = evict.map((model) => {
    const useMs = usesMs.get(model);
    if (useMs === undefined) return `${model.id}, which no work needs any more`;
    return `${model.id}, which is needed again in about ${seconds(useMs)}`;
  });
  return `; evicts ${reasons.join(", and ")}`;
}

function explainWaits(board: Board): PoolAction[] {
  const { state } = board;
  const waits: PoolAction[] = [];
  const whys = new Map<string, string>();
  const known = new Map(board.models.map((model) => [model.id, model]));
  const started = new Set(board.running.map((work) => work.id));
  for (const work of state.works) {
    if (work.state !== "ready" || started.has(work.id)) continue;
    let why = whys.get(work.model);
    if (why === undefined) {
      why = whyWait(state, board, known.get(work.model)) ?? `no model is called ${work.model}`;
      whys.set(work.model, why);
    }
    waits.push({ kind: "wait", work: work.id, why });
  }
  return waits;
}

function whyWait(state: PoolState, board: Board, model: ModelNode | undefined): string | undefined {
  if (model === undefined) return undefined;
  if (!model.possible) return whyImpossible(state, model.id);
  if (model.opening) return `${model.id} is opening, for about ${seconds(board.laneEndsMs - board.nowMs)} more`;
  if (model.placement === undefined) {
    if (board.lane !== undefined) return `${model.id} is not loaded, and ${board.lane.id} is opening`;
    return `${model.id} is not loaded, and what runs or comes soon needs the memory now`;
  }
  if (model.frozen) return `${model.id} starts nothing until memory or time is free for what goes first`;
  const { device } = model.placement;
  const other = device.oneModel ? board.models.find((each) => each !== model && isOn(each, device)) : undefined;
  if (other !== undefined) return `${device.id} computes for one model at a time, and ${other.id} has its turn`;
  if (model.running >= model.slots)
    return model.slots === 1 ? `${model.id} is at work` : `all ${model.slots} slots of ${model.id} are in use`;
  return `it is better to let the other models of ${device.id} go on first`;
}

function isOn(model: ModelNode, device: DeviceNode): boolean {
  return model.running > 0 && model.placement?.device === device;
}

/** With the numbers of the placement that needs the least. */
function whyImpossible(state: PoolState, id: string): string {
  const model = state.models.find((each) => each.id === id);
  const needs = (model?.placements ?? [])
    .flatMap((placement) => needOf(state, placement))
    .toSorted((a, b) => a.over - b.over);
  const [least] = needs;
  if (least === undefined) return `${id} has no placement on a device that there is`;
  return `${id} fits on no device even when it is empty: it needs ${megabytes(least.bytes)} with one slot, and ${least.device} has ${megabytes(least.budget)}`;
}

type NeedOfDevice = { device: string; bytes: number; budget: number; over: number };

function needOf(state: PoolState, placement: PoolModel["placements"][number]): NeedOfDevice[] {
  const needs = state.devices.map((device, index) => {
    const bytes = (placement.loadedBytes[index] ?? 0) + (placement.slotBytes[index] ?? 0);
    return { device: device.id, bytes, budget: device.budgetBytes, over: bytes - device.budgetBytes };
  });
  return needs.toSorted((a, b) => b.over - a.over).slice(0, 1);
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

export function seconds(ms: number): string {
  if (ms > 0 && ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(Math.max(0, ms) / 1000)} s`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
