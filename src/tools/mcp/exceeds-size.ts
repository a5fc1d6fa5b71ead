const MAX_DEPTH = 64;

/**
 * Whether a JSON value is larger than `limitChars` characters of text and numbers, or nested deeper than 64.
 * Counts without writing it out, and stops where the limit is passed. Pure.
 */
export function exceedsSize(value: unknown, limitChars: number): boolean {
  return sizeLeft(value, limitChars, 0) < 0;
}

/** What of `left` is left; below 0 as soon as it is used up. */
function sizeLeft(value: unknown, left: number, depth: number): number {
  if (typeof value === "string") return left - value.length - 2;
  if (typeof value !== "object" || value === null) return left - 8;
  if (depth >= MAX_DEPTH) return -1;
  let rest = left - 2;
  if (Array.isArray(value)) {
    for (const item of value) {
      rest = sizeLeft(item, rest - 1, depth + 1);
      if (rest < 0) return rest;
    }
    return rest;
  }
  for (const [key, item] of Object.entries(value)) {
    rest = sizeLeft(item, rest - key.length - 4, depth + 1);
    if (rest < 0) return rest;
  }
  return rest;
}
