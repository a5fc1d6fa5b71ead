/** What may be shown now, and whether a stop string was met. */
export type Scanned = { readonly text: string; readonly stopped: boolean };

/**
 * Finds stop strings in a text that arrives in parts. What could still become a stop string is held
 * back, so that no part of one is ever shown. The stop string that is complete first wins, and of those
 * that end together the longest: so it makes no difference how the text is cut into parts.
 */
export class StopScanner {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  push(text: string): Scanned {
    const seen = this.#held + text;
    const start = this.#firstStop(seen);
    if (start !== undefined) {
      this.#held = "";
      return { text: seen.slice(0, start), stopped: true };
    }
    const shown = seen.length - this.#undecidedLength(seen);
    this.#held = seen.slice(shown);
    return { text: seen.slice(0, shown), stopped: false };
  }

  /** What was held back, when no more text comes. */
  flush(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }

  /** Where the stop string begins that is complete first. */
  #firstStop(seen: string): number | undefined {
    const met = this.#stops.flatMap((stop) => {
      const start = seen.indexOf(stop);
      return start < 0 ? [] : [{ start, end: start + stop.length }];
    });
    return met.toSorted((one, other) => one.end - other.end || one.start - other.start)[0]?.start;
  }

  #undecidedLength(seen: string): number {
    const longest = Math.max(0, ...this.#stops.map((stop) => stop.length - 1));
    for (let length = Math.min(longest, seen.length); length > 0; length--) {
      const tail = seen.slice(-length);
      if (this.#stops.some((stop) => stop.startsWith(tail))) return length;
    }
    return 0;
  }
}
