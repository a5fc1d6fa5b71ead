import type { WorkNode } from "./board.ts";

/**
 * Sets `pathMs` of each work: the time from its start to the end of all that waits for it, were every model
 * loaded and alone. Works in a circle never begin; they count with their own length.
 */
export function measurePaths(works: readonly WorkNode[]): void {
  const open = new Map<WorkNode, number>();
  const settled: WorkNode[] = [];
  for (const work of works) {
    work.pathMs = work.steps * stepMsOf(work);
    open.set(work, work.next.length);
    if (work.next.length === 0) settled.push(work);
  }
  const longest = new Map<WorkNode, number>();
  for (let at = 0; at < settled.length; at++) {
    const work = settled[at];
    if (work === undefined) break;
    work.pathMs += longest.get(work) ?? 0;
    for (const before of work.before) {
      longest.set(before, Math.max(longest.get(before) ?? 0, work.pathMs));
      const left = (open.get(before) ?? 0) - 1;
      open.set(before, left);
      if (left === 0) settled.push(before);
    }
  }
}

function stepMsOf(work: WorkNode): number {
  const first = work.model.placements.find((placement) => placement.possible) ?? work.model.placements[0];
  return first?.stepMs ?? 0;
}
