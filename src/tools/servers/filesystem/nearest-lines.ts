const MAX_LINES = 20_000;
const MAX_SHOWN = 8;
const MAX_WIDTH = 200;

export type NearLines = { readonly from: number; readonly to: number; readonly text: string };

/**
 * The lines of `text` that `search` may have meant: around the line most like its first one that has something, by
 * the pairs of characters they share. Undefined when none is at all like it. Pure; looks at 20,000 lines at most.
 */
export function nearestLines(text: string, search: string): NearLines | undefined {
  const wanted = search.split("\n").filter((line) => line.trim() !== "");
  const lines = text.split("\n").slice(0, MAX_LINES);
  const pairs = pairsOf(wanted[0] ?? "");
  let best = { index: -1, likeness: 0.4 };
  for (const [index, line] of lines.entries()) {
    const likeness = likenessOf(pairs, pairsOf(line));
    if (likeness > best.likeness) best = { index, likeness };
  }
  if (best.index < 0) return undefined;
  const to = Math.min(best.index + Math.min(Math.max(search.split("\n").length, 3), MAX_SHOWN), lines.length);
  const shown = lines.slice(best.index, to).map((line) => line.trimEnd().slice(0, MAX_WIDTH));
  return { from: best.index + 1, to, text: shown.join("\n") };
}

function pairsOf(line: string): ReadonlySet<string> {
  const flat = line.trim().slice(0, MAX_WIDTH);
  const pairs = new Set<string>();
  for (let index = 0; index + 1 < flat.length; index++) pairs.add(flat.slice(index, index + 2));
  return pairs;
}

/** From 0, nothing in common, to 1. */
function likenessOf(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  if (one.size === 0 || other.size === 0) return 0;
  let shared = 0;
  for (const pair of one) if (other.has(pair)) shared++;
  return (2 * shared) / (one.size + other.size);
}
