import type { BuildFacts } from "./build-facts.ts";

export type Judgement = { readonly lost: readonly string[]; readonly doubled: readonly string[] };

/**
 * What a build that was killed on its way lacks beside an undisturbed one, and what it has more than once or beyond
 * it. Pure.
 */
export function judgeBuild(found: BuildFacts, undisturbed: BuildFacts): Judgement {
  const lost: string[] = [...found.problems];
  const doubled: string[] = [];
  for (const name of ["state", "tree", "history"] as const)
    if (found[name] !== undisturbed[name])
      lost.push(`its ${name} is another: ${found[name]}, not ${undisturbed[name]}`);
  for (const name of ["tasks", "effects", "events"] as const) {
    const { missing, surplus } = difference(found[name], undisturbed[name]);
    lost.push(...missing.map((line) => `of its ${name} is missing: ${line}`));
    doubled.push(...surplus.map((line) => `of its ${name} is too much: ${line}`));
  }
  return { lost, doubled };
}

/** Between two lists in which order means nothing and number does. */
function difference(found: readonly string[], wanted: readonly string[]) {
  const counts = new Map<string, number>();
  for (const line of wanted) counts.set(line, (counts.get(line) ?? 0) + 1);
  const surplus = found.filter((line) => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0;
  });
  const missing = [...counts].flatMap(([line, count]) => Array.from({ length: Math.max(0, count) }, () => line));
  return { missing, surplus };
}
