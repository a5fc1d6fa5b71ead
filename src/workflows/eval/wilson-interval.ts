/** The quantile of the normal distribution that leaves 2.5 % on each side. */
const Z_95 = 1.959963984540054;

/**
 * The 95 % interval of a share of which `passed` of `tried` were seen, by Wilson's score method; nothing tried
 * leaves everything open. Pure.
 */
export function wilsonInterval(passed: number, tried: number): readonly [low: number, high: number] {
  if (tried === 0) return [0, 1];
  const share = passed / tried;
  const square = Z_95 ** 2;
  const middle = share + square / (2 * tried);
  const half = Z_95 * Math.sqrt((share * (1 - share)) / tried + square / (4 * tried ** 2));
  const scale = 1 + square / tried;
  // At the ends the formula is exact, and floating point is not.
  const low = passed === 0 ? 0 : (middle - half) / scale;
  const high = passed === tried ? 1 : (middle + half) / scale;
  return [low, high];
}
