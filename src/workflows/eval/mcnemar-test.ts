/**
 * The exact two-sided p of McNemar's test: how likely two equally good ways differ at least so much, when `first`
 * tasks were passed only by one and `second` only by the other. Pure.
 */
export function mcnemarTest(first: number, second: number): number {
  const differing = first + second;
  const fewer = Math.min(first, second);
  // In logarithms: 2 to the power of minus a thousand is no number any more.
  let term = -differing * Math.LN2;
  let tail = 0;
  for (let count = 0; count <= fewer; count++) {
    tail += Math.exp(term);
    term += Math.log(differing - count) - Math.log(count + 1);
  }
  return Math.min(1, 2 * tail);
}
