import { keyLine, type Read, replyLines } from "./read.ts";

export type Review = {
  /** 0 (useless) to 10. */
  readonly score: number;
  readonly verdict: "accept" | "revise";
  readonly findings: readonly string[];
};

/** Reads the reviewer's reply: `SCORE`, `VERDICT`, then findings as `-` lines. Pure. */
export function readReview(reply: string): Read<Review> {
  let score: number | undefined;
  let verdict: string | undefined;
  const findings: string[] = [];
  for (const line of replyLines(reply)) {
    const item = /^\s*[-*•]\s+(.*\S)\s*$/.exec(line)?.[1];
    const pair = keyLine(line);
    if (pair?.key === "SCORE") score ??= Number.parseFloat(pair.value);
    else if (pair?.key === "VERDICT") verdict ??= pair.value.toLowerCase();
    else if (item !== undefined) findings.push(item);
  }
  if (score === undefined || !(score >= 0 && score <= 10))
    return { ok: false, why: "SCORE must be a number from 0 to 10" };
  if (verdict !== "accept" && verdict !== "revise") return { ok: false, why: "VERDICT must be accept or revise" };
  return { ok: true, value: { score, verdict, findings } };
}
