import type { BuildEvent } from "../base/events.ts";

export type Limit = { readonly limit: "minutes" | "tokens"; readonly most: number };

/** Why nothing new is begun: not a failure, and not a park. What is there is verified and delivered. */
export class LimitReached extends Error {
  readonly limit: Limit;
  override readonly name = "LimitReached";

  constructor(limit: Limit) {
    super(`the build's limit of ${limit.most} ${limit.limit} is reached`);
    this.limit = limit;
  }
}

export type LimitsStart = {
  readonly minutes: number | undefined;
  readonly tokens: number | undefined;
  /** Time the build has run already, without its pauses. */
  readonly spentMs: number;
  /** Found in the ledger: it was reached in an earlier run. */
  readonly reached: Limit | undefined;
  /** Records the limit, once; what comes after depends on it. */
  readonly record: (limit: Limit) => Promise<void>;
};

/**
 * How long and how much a build may work.
 *
 * Reached once, it stays reached: that is recorded before anything is decided by it. A step that is recorded counts
 * in every replay, one that is not is never begun after that, so each run of the build comes to the same.
 */
export class Limits implements Disposable {
  readonly #start: LimitsStart;
  readonly #late = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #tokens = 0;
  #reached: Limit | undefined;
  #recorded: Promise<void> | undefined;

  constructor(start: LimitsStart) {
    this.#start = start;
    const { minutes, reached, spentMs } = start;
    if (reached !== undefined) {
      this.#recorded = Promise.resolve();
      this.#reach(reached);
    } else if (minutes !== undefined) {
      const leftMs = Math.max(0, minutes * 60_000 - spentMs);
      this.#timer = setTimeout(() => this.#reach({ limit: "minutes", most: minutes }), leftMs);
    }
  }

  /** Ends with a {@link LimitReached} when the limit is reached: for what waits. */
  get signal(): AbortSignal {
    return this.#late.signal;
  }

  spend(tokens: number): void {
    this.#tokens += tokens;
    const { tokens: most } = this.#start;
    if (most !== undefined && this.#tokens >= most) this.#reach({ limit: "tokens", most });
  }

  /** @throws {LimitReached} before something new is begun too late. */
  async check(): Promise<void> {
    if (this.#reached === undefined) return;
    await (this.#recorded ??= this.#start.record(this.#reached));
    throw new LimitReached(this.#reached);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #reach(limit: Limit): void {
    this.#reached ??= limit;
    this.#late.abort(new LimitReached(this.#reached));
  }
}

/**
 * How long a build has run until `now`, in milliseconds: from its first event on, without the times from a pause to
 * the resume. Pure.
 */
export function timeSpentMs(
  events: readonly { readonly at: Date; readonly event: Pick<BuildEvent, "type"> }[],
  now: Date,
): number {
  let spentMs = 0;
  let since: Date | undefined;
  for (const { at, event } of events) {
    if (event.type === "build-paused") {
      spentMs += since === undefined ? 0 : at.getTime() - since.getTime();
      since = undefined;
    } else since ??= at;
  }
  return spentMs + (since === undefined ? 0 : now.getTime() - since.getTime());
}
