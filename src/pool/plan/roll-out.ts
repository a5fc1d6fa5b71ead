import { act } from "./act.ts";
import type { Board } from "./board.ts";
import type { Genes } from "./genes.ts";
import { endWork, layOut, openLane, release } from "./moves.ts";

export type RollOut = {
  /** From now to the end of all works, expected. Past the horizon it is an estimate. */
  readonly makespanMs: number;
  /** Mean time to the end of a work. */
  readonly meanMs: number;
  readonly loads: number;
};

/** Steps that count as none: sums of fractions are never exact. */
const NO_STEPS = 1e-7;

/**
 * Follows `genes` from the board's state to the end of all works that can end, or of `horizon` works.
 *
 * On a device the steps of the models that run there add up, and turns of one model share its steps.
 * Loads happen one at a time beside the turns; evictions take no time.
 */
export function rollOut(board: Board, genes: Genes, horizon = Infinity): RollOut {
  layOut(board, genes);
  let sumMs = 0;
  const startMs = board.nowMs;
  // Each round ends an opening or a work, or makes one ready; plans can't resize for ever without one.
  for (let round = 0; round < 8 * board.works.length + 64 && board.done < horizon; round++) {
    act(board, genes);
    const open = board.works.length - board.done;
    const beforeMs = board.nowMs;
    if (!passTime(board)) break;
    sumMs += (board.nowMs - beforeMs) * open;
  }
  const leftMs = board.done >= horizon ? remainingMs(board) : 0;
  return {
    makespanMs: board.nowMs - startMs + leftMs,
    meanMs: sumMs / Math.max(1, board.works.length) + leftMs,
    loads: board.loads,
  };
}

/** To the next event; false when nothing more happens by itself. */
export function passTime(board: Board): boolean {
  const nextMs = nextEvent(board);
  if (nextMs === Infinity) return false;
  advance(board, nextMs);
  return true;
}

function nextEvent(board: Board): number {
  let nextMs = board.laneEndsMs;
  for (const work of board.running) {
    const device = work.model.placement?.device;
    if (device === undefined) continue;
    const endsMs = board.nowMs + Math.max(0, work.endsAtClock - device.clock) * device.stepMs;
    if (endsMs < nextMs) nextMs = endsMs;
  }
  const releaseMs = board.releases.at(-1)?.readyAtMs ?? Infinity;
  return releaseMs < nextMs ? releaseMs : nextMs;
}

function advance(board: Board, nextMs: number): void {
  for (const device of board.devices) {
    if (device.stepMs > 0) device.clock += (nextMs - board.nowMs) / device.stepMs;
  }
  board.nowMs = nextMs;
  const { running } = board;
  let kept = 0;
  for (let at = 0; at < running.length; at++) {
    const work = running[at];
    if (work === undefined) break;
    if (work.endsAtClock - (work.model.placement?.device.clock ?? 0) <= NO_STEPS) endWork(board, work);
    else running[kept++] = work;
  }
  running.length = kept;
  release(board);
  if (board.laneEndsMs <= nextMs) openLane(board);
}

/** What is left past the horizon: no less than the longest path, and than all steps with slots in use. */
function remainingMs(board: Board): number {
  let pathMs = 0;
  let stepsMs = 0;
  for (const work of board.works) {
    if (work.phase === "done" || !work.model.possible) continue;
    pathMs = Math.max(pathMs, work.pathMs);
    stepsMs += (work.steps * (work.model.placements[0]?.stepMs ?? 0)) / Math.min(2, work.model.maxSlots);
  }
  return Math.max(pathMs, stepsMs);
}
