import { type ClosedDomain, familiesOf, namedIn } from "./closed-domain.ts";

const MAX_PARTS = 8;
/** Each place where a goal may be cut is tried with each other: more of them are no goal of a few functions. */
const MAX_CUTS = 24;
/** Where one job may end and the next begin; what is no job by itself is joined again. */
const BETWEEN = /\s*(?:[.;]\s+|,\s+(?:and\s+)?(?:also\s+)?|\s+and\s+(?:also\s+)?)(?=\S)/giu;

/**
 * A goal of several jobs as one goal each, all of them inside the domain; the goal itself where it is one job.
 * Undefined when there is no such reading. Pure.
 *
 * Which language is meant need be said once. The longest first part that is a job by itself counts, so that
 * "clamps a value between a low and a high bound" is not two.
 */
export function goalParts(goal: string, domain: ClosedDomain): readonly string[] | undefined {
  if (familiesOf(goal, domain).length > 0) return [goal];
  const language = namedIn(goal, domain).language;
  const cuts = [...goal.matchAll(BETWEEN)].map((match) => ({ end: match.index, next: match.index + match[0].length }));
  if (cuts.length > MAX_CUTS) return undefined;
  return partsFrom(
    goal,
    { cuts: [{ end: goal.length, next: goal.length }, ...cuts.toReversed()], language, domain },
    [],
  );
}

type Cutting = {
  /** The last first. */
  readonly cuts: readonly { readonly end: number; readonly next: number }[];
  readonly language: string | undefined;
  readonly domain: ClosedDomain;
};

/** `parts` and those of what is behind them: the last cut that leaves a job before it and jobs behind it. */
function partsFrom(goal: string, cutting: Cutting, parts: readonly Part[]): readonly string[] | undefined {
  const start = parts.at(-1)?.next ?? 0;
  if (start >= goal.length) return parts.length > 1 ? parts.map(({ text }) => text) : undefined;
  if (parts.length === MAX_PARTS) return undefined;
  for (const { end, next } of cutting.cuts) {
    if (end <= start) continue;
    const text = alone(goal.slice(start, end), cutting.language);
    if (familiesOf(text, cutting.domain).length === 0) continue;
    const found = partsFrom(goal, cutting, [...parts, { text, next }]);
    if (found !== undefined) return found;
  }
  return undefined;
}

type Part = { readonly text: string; readonly next: number };

/** A part said so that it can stand by itself. */
function alone(part: string, language: string | undefined): string {
  const shown = language === "typescript" ? "TypeScript" : "Python";
  const told =
    language === undefined || new RegExp(`\\b${language}\\b`, "iu").test(part)
      ? part
      : /\bfunction\b/iu.test(part)
        ? part.replace(/\bfunction\b/iu, `${shown} function`)
        : `${part} in ${shown}`;
  return /^(?:an?|the|one|another)\s/iu.test(told) ? `Write ${told.replace(/^another\s/iu, "a ")}` : told;
}
