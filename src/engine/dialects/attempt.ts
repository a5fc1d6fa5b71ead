import type { ArgumentForm } from "./argument-form.ts";
import type { Dialect, Why } from "./reading.ts";

/** A call as it was written, right or wrong. */
export type Attempt = {
  readonly kind: "attempt";
  readonly dialect: Dialect;
  readonly start: number;
  readonly end: number;
  /** `complete`: read to its end. `open`: the text ended within it. `broken`: it can't be read. */
  readonly state: "complete" | "open" | "broken";
  /** Whether its own object, function or block was closed: after a cut at the limit only such a call counts. */
  readonly closed: boolean;
  /** Introduced by a marker: sample cues do not apply to it. */
  readonly marked: boolean;
  /** Nothing was written behind the marker. */
  readonly bare?: boolean;
  /** A ReAct action without an input: it may have broken off there. */
  readonly inputless?: boolean;
  readonly name?: string;
  readonly form?: ArgumentForm;
  readonly problem?: Why;
  /** For a broken attempt: where a new one may start. */
  readonly resume?: number;
};

/** Something that is an answer although it is shaped like a call. */
export type Answer = {
  readonly kind: "answer";
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** An empty list of calls is no answer unless there is text beside it. */
  readonly empty?: boolean;
};

export type Found = { readonly end: number; readonly items: readonly (Attempt | Answer)[] };

/** The attempts of a finding. */
export function attemptsOf(found: Found): readonly Attempt[] {
  return found.items.filter((item) => item.kind === "attempt");
}

export function isWhole(found: Found): boolean {
  return found.items.every((item) => item.kind === "answer" || item.state === "complete");
}

/** The same finding under another dialect, with other bounds, or made known by a marker. */
export function adapt(
  found: Found,
  change: Partial<Pick<Attempt, "dialect" | "marked" | "start" | "end" | "resume">>,
): Found {
  return {
    end: change.end ?? found.end,
    items: found.items.map((item) => (item.kind === "attempt" ? { ...item, ...change } : item)),
  };
}
