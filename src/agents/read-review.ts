import { keyLine, type Read, replyLines } from "./read.ts";

export type Finding = {
  readonly text: string;
  /** The file it is about, and the line in it, where the reviewer says so. */
  readonly path?: string;
  readonly line?: number;
  /** Whether it must be fixed; the others are advice. */
  readonly must: boolean;
};

export type Review = {
  /** 0 (useless) to 10. */
  readonly score: number;
  readonly verdict: "accept" | "revise";
  readonly findings: readonly Finding[];
};

const MAX_FINDINGS = 20;
/** From here on the word revise alone is not believed. */
const GOOD_SCORE = 7;

/**
 * Reads the reviewer's reply: `SCORE`, `VERDICT`, then findings as list items, or as lines that begin with a file. Pure.
 * A finding without a mark must be fixed when the verdict is revise, and is advice when it is accept.
 */
export function readReview(reply: string): Read<Review> {
  let score: number | undefined;
  let verdict: string | undefined;
  const found: UnmarkedFinding[] = [];
  for (const line of replyLines(reply)) {
    const pair = keyLine(line);
    if (pair?.key === "SCORE") score ??= Number.parseFloat(pair.value);
    else if (pair?.key === "VERDICT") verdict ??= /^[a-z]+/.exec(pair.value.toLowerCase())?.[0];
    else if (found.length < MAX_FINDINGS) found.push(...readFinding(line));
  }
  if (score === undefined || !(score >= 0 && score <= 10))
    return { ok: false, why: "SCORE must be a number from 0 to 10" };
  if (verdict !== "accept" && verdict !== "revise") return { ok: false, why: "VERDICT must be accept or revise" };
  const findings = found.map(({ must, ...finding }) => ({ ...finding, must: must ?? verdict === "revise" }));
  return { ok: true, value: { score, verdict, findings } };
}

/** Whether a review sends the work back: something must be fixed, or a poor score comes with the verdict revise. Pure. */
export function mustRevise({ score, verdict, findings }: Review): boolean {
  return findings.some(({ must }) => must) || (verdict === "revise" && score < GOOD_SCORE);
}

/** A finding as a person and a developer are shown it: `a.py:3 must-fix: the sign is wrong`. */
export function showFinding({ text, path, line, must }: Finding): string {
  const place = path === undefined ? "" : `${path}${line === undefined ? "" : `:${line}`} `;
  return `${place}${must ? "must-fix" : "advice"}: ${text}`;
}

type UnmarkedFinding = Omit<Finding, "must"> & { readonly must: boolean | undefined };

const ITEM = /^\s*(?:[-*•+]|\d+[.)])\s+(.*\S)\s*$/;
// Models put marks of bold and code around a place and a mark.
const PLACE =
  /^[*`]*(?:in |file:? )?[*`]*([\w./@+-]*[\w@+-]\.[A-Za-z]\w{0,5})[*`]*(?:\s*(?:[:#]|,|\(|\bat\b)?\s*(?:L|lines?\s*)?(\d+)(?:\s*[-–]\s*\d+)?(?::\d+)?\)?)?(?=[\s:,;–—*`-]|$)/i;
// Other words than the two that are asked for are ordinary words too: they count with a colon, a dash or brackets.
const MARK =
  /^[*`]*(?:(must[- ]?(?:be[- ])?fix(?:ed)?|advice)(?=[\s:,;.–—*`-]|$)|[[(]?(must(?:[- ]?fix)?|required|blocker|advice|suggestion|optional|minor|nit)(?:[\])]|(?=[*`]*\s*(?:[:–—]|-\s))))/i;
// What stands after one of them; a mark that opens the text is the text's.
const JOINT = /^[*`]*[\s:,;–—-]*(?:\*\*\s+)?/;
const NOTHING = /^(?:none|nothing|no (?:findings?|issues?|problems?)|n\/a)\b[^:]{0,40}$/i;

/** None or one: a line that is neither a list item nor begins with a file is no finding. */
function readFinding(line: string): readonly UnmarkedFinding[] {
  const item = ITEM.exec(line)?.[1];
  let text = (item ?? line).trim();
  if (NOTHING.test(text)) return [];
  let place: RegExpExecArray | null = null;
  let mark: string | undefined;
  // Place and mark come in either order, and often only one of them.
  for (let round = 0; round < 2; round++) {
    const here: RegExpExecArray | null = place === null ? PLACE.exec(text) : null;
    if (here !== null) text = text.slice(here[0].length).replace(JOINT, "");
    place ??= here;
    const said = mark === undefined ? MARK.exec(text) : null;
    if (said !== null) text = text.slice(said[0].length).replace(JOINT, "");
    mark ??= said?.[1] ?? said?.[2];
  }
  if (text === "" || (item === undefined && place === null)) return [];
  const [, path, at] = place ?? [];
  return [
    {
      text,
      ...(path === undefined ? {} : { path }),
      ...(at === undefined ? {} : { line: Number(at) }),
      must: mark === undefined ? undefined : /^(?:must|required|blocker)/i.test(mark),
    },
  ];
}
