import { act } from "./act.ts";
import { makeBoard } from "./board.ts";
import { explainMoves } from "./explain-moves.ts";
import { genesOf } from "./genes.ts";
import { layOut } from "./moves.ts";
import type { Plan } from "./plan.ts";
import type { PoolAction, PoolState } from "./pool-state.ts";

/**
 * Decides what the pool does now, by these rules, in this order:
 *
 * 1. Within the budget: while more is taken on a device than its budget, idle models there are closed, the
 *    cheapest to load again first, and those that have to follow start nothing. Nothing grows there.
 * 2. Overdue: works that have been ready for longer than `maxWaitMs` go in the order of their waiting, and nothing
 *    is started or opened that would delay the first of them.
 * 3. Starts: ready works get the free slots of their loaded model, most urgent first: the time from a work's start to
 *    the end of all that waits for it, times its weight in the plan. a) An idle model is first resized up, where
 *    the turns that this saves take longer than the resize. A work the plan holds waits while its device only
 *    computes for other models. b) On a device for one model at a time, works of another model wait until none of its
 *    turns runs; the most urgent work of those that wait says which model is next. A work the plan holds then does
 *    not join running turns of its own model.
 * 4. Opens at most one model, when none is opening: the load the plan names, or
 *    a) that of the model with the most urgent works for the time of its load, on the placement where it is expected
 *    to be quickest, closing the cheapest set of idle models whose coming works are worth less; b) or a resize down
 *    of such a model, where that makes the room; c) with slots as the plan says, fewer where a second model
 *    would then fit beside; d) else, whatever model is needed next, where nothing needed has to go.
 *    Pinned models stay, unless the plan lets them go, nothing else runs, or an overdue work needs their room.
 * 5. Every ready work that isn't started gets a `wait` with the reason. One whose model fits on no device, even an
 *    empty one, is told so and blocks nothing.
 *
 * Never closed or resized: a model that runs a turn or is opening.
 *
 * The bound on waiting: let T be the longest turn and L the longest load or resize, in time passed. While
 * budgets stay as they are, a work of a model that fits starts no later than `maxWaitMs + (k + 1) * (T + 2 * L)`
 * after it became ready, where k is the number of works that were ready before it and are still waiting when it
 * becomes overdue. For the first overdue work needs at most one turn's end (T) for a slot or for room, beside the end
 * of what is opening (L), and then its own load (L); all slots then go to overdue works before others. On a device
 * for one model at a time it is 2 * T: turns of others that began beside the load must end, and no more begin.
 *
 * Pure: reads no clock, changes nothing it was given; the same state and plan give the same actions.
 */
export function decide(state: PoolState, plan: Plan): PoolAction[] {
  const board = makeBoard(state);
  const genes = genesOf(plan, board);
  layOut(board, genes);
  const moves: NonNullable<typeof board.moves> = [];
  board.moves = moves;
  act(board, genes);
  return explainMoves(board, moves);
}
