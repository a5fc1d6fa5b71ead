import type { Board } from "./board.ts";

/** The same for all works: quantiles of a standard normal variable, so that few samples are spread evenly. */
const NORMAL: readonly (readonly number[])[] = [
  [0],
  [-0.6745, 0.6745],
  [-0.9674, 0, 0.9674],
  [-1.1503, -0.3186, 0.3186, 1.1503],
  [-1.2816, -0.5244, 0, 0.5244, 1.2816],
  [-1.383, -0.6745, -0.2104, 0.2104, 0.6745, 1.383],
];

/**
 * Lengths that the works may turn out to have, by their index: `count` futures, or a single one as expected where
 * nothing is uncertain. Each work takes each of as many even parts of its distribution once, in an order of its own,
 * which tells more about the mean than as many free draws.
 */
export function sampleFutures(board: Board, random: () => number, count: number): Float64Array[] {
  const expected = Float64Array.from(board.works, (work) => work.steps);
  const normal = NORMAL[count - 1];
  if (normal === undefined || count < 2 || board.works.every((work) => work.spread === 0)) return [expected];
  const futures = normal.map(() => expected.slice());
  for (const work of board.works) {
    if (work.spread === 0) continue;
    // Lognormal: never below zero, and now and then much longer.
    const sigma = Math.sqrt(Math.log(1 + work.spread ** 2));
    const factors = shuffle(
      normal.map((z) => Math.exp(sigma * z)),
      random,
    );
    const mean = factors.reduce((sum, factor) => sum + factor, 0) / count;
    for (const [at, future] of futures.entries()) future[work.index] = (work.steps * (factors[at] ?? 1)) / mean;
  }
  return futures;
}

function shuffle(values: number[], random: () => number): number[] {
  for (let at = values.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [values[at], values[other]] = [values[other] ?? 0, values[at] ?? 0];
  }
  return values;
}
