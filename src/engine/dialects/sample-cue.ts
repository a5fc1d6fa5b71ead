import type { Finding, Hidden } from "./scan.ts";
import { trimSpace } from "./white-space.ts";

const CUE =
  /\bfor example\b|\bfor instance\b|\be\.g\.|\bonly an example\b|\ban example of\b|\blooks? like\b|\bin this format\b|\bformat is\b|\bsyntax is\b|\bdocumented as\b|\byou can\b|\byou could\b|\bin your own\b|\b(?:do|did|does) not run\b|\btranscript\b|\blog (?:ends|shows|has|entry|line)\b/i;
const TAG = /<\/?[a-z_|=" /-]{1,60}>|\[\/[A-Z_]{1,20}\]/gi;
/** How much of a paragraph is looked at. */
const MAX_PARAGRAPH = 4000;

/** Whether a text holds one of the phrases that introduce a sample. */
function hasSampleCue(text: string): boolean {
  return CUE.test(text.replaceAll(/[*_]{1,3}/g, "").replaceAll(/\s+/g, " "));
}

/**
 * Tells which findings are samples: fenced calls and calls without a marker with a cue in the paragraph before or
 * after them. Calls that stand side by side share these paragraphs.
 */
export function samplesOf(
  text: string,
  findings: readonly Finding[],
  turn: { readonly hidden: readonly Hidden[]; readonly end: number },
): ReadonlySet<Finding> {
  const gaps = [...findings, undefined].map((finding, index) => {
    const from = findings[index - 1]?.end ?? 0;
    return visibleText(text, turn.hidden, { from, to: finding?.start ?? turn.end });
  });
  const cuedBefore = findings.map((_, index) => hasSampleCue(lastParagraph(gaps[index] ?? "")));
  const cuedAfter = findings.map((_, index) => hasSampleCue(firstParagraph(gaps[index + 1] ?? "")));
  const alone = gaps.map((gap) => trimSpace(gap.replaceAll(TAG, "")) === "");
  const samples = new Set<Finding>();
  let before = false;
  findings.forEach((finding, index) => {
    const follows = index > 0 && alone[index] === true && findings[index - 1]?.kind === "calls";
    before = (follows && before) || cuedBefore[index] === true;
    if (before) samples.add(finding);
  });
  let after = false;
  for (let index = findings.length - 1; index >= 0; index--) {
    const finding = findings[index];
    const leads = alone[index + 1] === true && findings[index + 1]?.kind === "calls";
    after = (leads && after) || cuedAfter[index] === true;
    if (after && finding !== undefined) samples.add(finding);
  }
  return samples;
}

/** A piece of the turn without reasoning and headers. */
export function visibleText(
  text: string,
  hidden: readonly Hidden[],
  { from, to }: { readonly from: number; readonly to: number },
): string {
  const parts: string[] = [];
  let at = from;
  for (const { start, end } of hidden) {
    if (end <= at || start >= to) continue;
    if (start > at) parts.push(text.slice(at, start));
    at = Math.max(at, end);
  }
  if (at < to) parts.push(text.slice(at, to));
  return parts.join("");
}

function lastParagraph(gap: string): string {
  const paragraphs = paragraphsOf(gap.slice(-MAX_PARAGRAPH));
  return paragraphs.at(-1) ?? "";
}

function firstParagraph(gap: string): string {
  return paragraphsOf(gap.slice(0, MAX_PARAGRAPH))[0] ?? "";
}

function paragraphsOf(gap: string): readonly string[] {
  const plain = gap.replaceAll(TAG, "");
  return plain.split(/\n[ \t\r\u00a0\ufeff\0]*\n/).filter((paragraph) => trimSpace(paragraph) !== "");
}
