import { act } from "./act.ts";
import { makeBoard, type Board, type ModelNode } from "./board.ts";
import { expectedUse } from "./expected-use.ts";
import { count, seconds } from "./explain-moves.ts";
import { genesOf } from "./genes.ts";
import { layOut } from "./moves.ts";
import type { Plan } from "./plan.ts";
import type { NextLoad, PoolState } from "./pool-state.ts";
import { passTime } from "./roll-out.ts";

/**
 * The first load from `state` on, were the plan followed and were all lengths as expected; undefined where there is
 * none. Pure, and at most one roll-out.
 */
export function nextLoad(state: PoolState, plan: Plan): NextLoad | undefined {
  const board = makeBoard(state);
  const genes = genesOf(plan, board);
  layOut(board, genes);
  const waiting = new Map(board.models.map((model) => [model, model.ready.length]));
  const moves: NonNullable<Board["moves"]> = [];
  board.moves = moves;
  for (let round = 0; round < 8 * board.works.length + 64; round++) {
    act(board, genes);
    const load = moves.find((move) => move.kind === "load");
    if (load !== undefined) {
      const evict = load.evict.map(({ id }) => id);
      return { model: load.model.id, evict, why: whyThen(board, load.model, waiting.get(load.model) ?? 0) };
    }
    moves.length = 0;
    if (!passTime(board)) return undefined;
  }
  return undefined;
}

/** The board is at the moment of the load; `waiting` works are ready for it now. */
function whyThen(board: Board, model: ModelNode, waiting: number): string {
  const inMs = board.nowMs;
  if (waiting > 0) {
    const demand = `${count(waiting, "work")} ${waiting === 1 ? "waits" : "wait"} for it`;
    return inMs > 0 ? `${demand}, and its turn comes in about ${seconds(inMs)}` : demand;
  }
  const coming = model.ready.length + model.soon || model.left;
  const needMs = inMs + (model.ready.length > 0 ? 0 : (expectedUse(board, [model]).get(model) ?? 0));
  return `${count(coming, "work")} ${coming === 1 ? "comes" : "come"} for it in about ${seconds(needMs)}`;
}
