import type { Board, ModelNode, WorkNode } from "./board.ts";

/**
 * When works that have not begun need each of `models` again, in ms from now, were all models loaded and alone:
 * no sooner than that. Models that no work needs are left out.
 */
export function expectedUse(board: Board, models: readonly ModelNode[]): Map<ModelNode, number> {
  const uses = new Map<ModelNode, number>();
  const startMs = new Map<WorkNode, number>();
  const open = new Map<WorkNode, number>();
  const settled: WorkNode[] = [];
  for (const work of board.works) {
    open.set(work, work.before.length);
    startMs.set(work, Math.max(0, work.sinceMs - board.nowMs));
    if (work.before.length === 0) settled.push(work);
  }
  for (let at = 0; at < settled.length; at++) {
    const work = settled[at];
    if (work === undefined) break;
    const beginsMs = startMs.get(work) ?? 0;
    if (work.phase !== "running" && models.includes(work.model)) {
      uses.set(work.model, Math.min(uses.get(work.model) ?? Infinity, beginsMs));
    }
    const endsMs = beginsMs + work.steps * (work.model.placements[0]?.stepMs ?? 0);
    for (const next of work.next) {
      startMs.set(next, Math.max(startMs.get(next) ?? 0, endsMs));
      const left = (open.get(next) ?? 0) - 1;
      open.set(next, left);
      if (left === 0) settled.push(next);
    }
  }
  return uses;
}
