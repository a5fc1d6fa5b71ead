/** Numbers in [0, 1), the same for the same seed (xorshift32 after a mixed seed). */
export function seededRandom(seed: number): () => number {
  let state = Math.imul(seed ^ (seed >>> 16), 0x45d9f3b) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Mixes a number into a seed. */
export function mixSeed(seed: number, value: number): number {
  return Math.imul((seed ^ (Math.round(value) | 0)) >>> 0, 0x9e3779b1) ^ (seed >>> 15);
}
