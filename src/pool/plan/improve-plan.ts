import { makeBoard, type Board } from "./board.ts";
import { genesOf, planOf, type Genes } from "./genes.ts";
import { mutateGenes, scatterGenes } from "./mutate-genes.ts";
import { FIRST_PLAN, type Plan } from "./plan.ts";
import type { Effort, PoolState } from "./pool-state.ts";
import { rollOut } from "./roll-out.ts";
import { sampleFutures } from "./sample-futures.ts";
import { mixSeed, seededRandom } from "./seeded-random.ts";

export type Improvement = {
  /** The plan it began with, itself, where none was better. */
  readonly plan: Plan;
  /** What the plan is expected to take from now. */
  readonly makespanMs: number;
  readonly iterations: number;
};

/** A search that goes on where the last one stopped has tried the simple plans. */
type GoesOn = { readonly goesOn?: boolean | undefined };

/** Roll-outs of so many works at most: an iteration must stay short with a thousand of them. */
const HORIZON_WORKS = 150;
/** Guessed lengths are judged by so many futures, and what seems the best by as many others. */
const FUTURES = 4;
/** What is so much worse in the first futures is not followed through the others. */
const GIVE_UP = 1.006;

/**
 * Searches for a better plan than `plan`: never a worse one by its own futures. Where lengths are guesses, plans are
 * compared in several futures, the same for all of them; where they are known there is only one.
 *
 * Anytime: `effort.stop` is asked between plans. An iteration is a roll-out; a plan is followed to the end even
 * where that takes a few more than `effort.iterations`. The same state, plan and number give the same plan.
 */
export function improvePlan(state: PoolState, plan: Plan, effort: Effort & GoesOn): Improvement {
  const board = makeBoard(state);
  const random = seededRandom(seedOf(board));
  const search = new Search(board, genesOf(plan, board), random);
  const simple = effort.goesOn === true ? [] : simplePlans(plan);
  const first = search.best;
  const already = search.rollOuts;
  for (let candidate = 0; search.rollOuts - already < effort.iterations; candidate++) {
    if (effort.stop?.() === true) break;
    const start = simple[candidate];
    if (start !== undefined) search.offer(genesOf(start, board));
    else search.offer(search.next(random, (search.rollOuts - already) / effort.iterations));
  }
  const { genes, makespanMs, costs } = search.best;
  return {
    plan: search.best === first ? plan : planOf(genes, board),
    makespanMs: makespanMs / costs.length,
    iterations: search.rollOuts - already,
  };
}

/** Plain rules, tried first, so that no search ends below them. */
function simplePlans(plan: Plan): Plan[] {
  const plain = { ...FIRST_PLAN, ahead: 0, prefetch: false };
  return [
    FIRST_PLAN,
    { ...plain, rule: "arrival", patience: 100 },
    { ...plain, patience: 100, evict: "work", place: "first" },
    { ...plan, loads: [] },
  ];
}

type Tried = {
  readonly genes: Genes;
  /** The sum over the futures. */
  makespanMs: number;
  /** Of the first future, of the first two, and so on. */
  readonly costs: number[];
};

class Search {
  /** The best in all futures. */
  best: Tried;
  rollOuts = 0;
  /** The best in the first futures, or nearly: from where the search goes on. */
  private current: Tried;
  private readonly board: Board;
  private readonly futures: readonly Float64Array[];
  private readonly judged: number;

  constructor(board: Board, genes: Genes, random: () => number) {
    this.board = board;
    const first = sampleFutures(board, random, FUTURES);
    // Chosen as the best of many, it would seem better than it is by the futures that it was chosen by.
    this.futures = first.length === 1 ? first : [...first, ...sampleFutures(board, random, FUTURES)];
    this.judged = first.length;
    this.best = this.follow({ genes, makespanMs: 0, costs: [] }, this.futures.length);
    this.current = this.best;
  }

  next(random: () => number, progress: number): Genes {
    if (random() < 0.25 * (1 - progress)) return scatterGenes(this.best.genes, this.board, random);
    if (random() < 0.1) this.current = this.best;
    return mutateGenes(this.current.genes, this.board, random);
  }

  offer(genes: Genes): void {
    const { judged, futures, best } = this;
    const tried = this.follow({ genes, makespanMs: 0, costs: [] }, judged, this.current);
    if (tried.costs.length < judged) return;
    const cost = tried.costs.at(-1) ?? Infinity;
    if (cost < this.costOf(this.current) * 1.002) this.current = tried;
    if (cost >= this.costOf(best)) return;
    this.follow(tried, futures.length);
    if ((tried.costs.at(-1) ?? Infinity) < (best.costs.at(-1) ?? Infinity)) this.best = tried;
  }

  private costOf(tried: Tried): number {
    return tried.costs[this.judged - 1] ?? Infinity;
  }

  /** Through the futures that it has not seen, up to so many; gives up on what is clearly worse than `rival`. */
  private follow(tried: Tried, count: number, rival?: Tried): Tried {
    const { genes, costs } = tried;
    for (const lengths of this.futures.slice(costs.length, count)) {
      this.board.lengths = lengths;
      const { makespanMs, meanMs, loads } = rollOut(this.board, genes, HORIZON_WORKS);
      this.rollOuts++;
      tried.makespanMs += makespanMs;
      const cost = (costs.at(-1) ?? 0) + makespanMs + 0.01 * meanMs + loads;
      const limit = (rival?.costs[costs.length] ?? Infinity) * GIVE_UP;
      costs.push(cost);
      if (cost > limit) break;
    }
    return tried;
  }
}

function seedOf(board: Board): number {
  let seed = mixSeed(board.works.length + 1, board.state.nowMs);
  for (const work of board.works) seed = mixSeed(seed, 8 * work.steps + work.model.index);
  return seed;
}
