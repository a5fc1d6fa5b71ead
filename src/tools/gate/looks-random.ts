const MIN_BITS = 28;

/** Whether a value has so much chance in it that it may be a secret: 28 bits, and not letters and marks of words alone. Pure. */
export function looksRandom(value: string): boolean {
  if (value.length < 8 || !/[\d+=~!@#$%^&*?|]/.test(value) || /^[\d.,:/-]+$/.test(value)) return false;
  // Names of variables, which secrets are kept in, and paths.
  if (/^\$|^process\.|^os\.|^env\.|^\.{0,2}\/|^[a-z]+:\/\//i.test(value)) return false;
  const counts = new Map<string, number>();
  const sample = value.slice(0, 512);
  for (const char of sample) counts.set(char, (counts.get(char) ?? 0) + 1);
  const bits = [...counts.values()].reduce((sum, count) => sum - count * Math.log2(count / sample.length), 0);
  return bits >= MIN_BITS;
}
