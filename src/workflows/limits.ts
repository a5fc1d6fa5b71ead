import type { BuildEvent } from "../base/events.ts";

/** What a question about a plan is called where a tool would be named. */
export const PLAN_TOOL = "plan";

/** Of an event what its time is counted by. */
export type TimedEvent =
  | Pick<Extract<BuildEvent, { type: "approval-asked" }>, "type" | "tool" | "approval">
  | Pick<Extract<BuildEvent, { type: "approval-answered" }>, "type" | "approval">
  | { readonly type: Exclude<BuildEvent["type"], "approval-asked" | "approval-answered"> };

export type Limit = { readonly limit: "minutes" | "tokens"; readonly most: number };

const LONGEST_MS = 2 ** 31 - 1;

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
  #timer: NodeJS.Timeout | undefined;
  /** Until the limit of minutes, as of `#sinceMs`; undefined without one. */
  #leftMs: number | undefined;
  #sinceMs = 0;
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
      this.#leftMs = Math.max(0, minutes * 60_000 - spentMs);
      this.#run();
    }
  }

  /** Ends with a {@link LimitReached} when the limit is reached: for what waits. */
  get signal(): AbortSignal {
    return this.#late.signal;
  }

  get isReached(): boolean {
    return this.#reached !== undefined;
  }

  spend(tokens: number): void {
    this.#tokens += tokens;
    const { tokens: most } = this.#start;
    if (most !== undefined && this.#tokens >= most) this.#reach({ limit: "tokens", most });
  }

  /** Until it is disposed no minutes are spent: a person is waited for, and nothing works meanwhile. */
  waiting(): Disposable {
    if (this.#leftMs !== undefined) this.#leftMs -= performance.now() - this.#sinceMs;
    clearTimeout(this.#timer);
    return { [Symbol.dispose]: () => this.#run() };
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

  #run(): void {
    const { minutes } = this.#start;
    if (minutes === undefined || this.#leftMs === undefined) return;
    this.#sinceMs = performance.now();
    const leftMs = Math.max(0, this.#leftMs);
    // A timer holds no more than this: whoever asks for more than three weeks has no limit until the next run.
    if (leftMs > LONGEST_MS) return;
    this.#timer = setTimeout(() => this.#reach({ limit: "minutes", most: minutes }), leftMs);
  }

  #reach(limit: Limit): void {
    this.#reached ??= limit;
    this.#late.abort(new LimitReached(this.#reached));
  }
}

/**
 * How long a build has worked until `now`, in milliseconds: from its first event on, without the times from a pause to
 * the resume, and without those in which a person is asked about its plan. Pure.
 */
export function timeSpentMs(events: readonly { readonly at: Date; readonly event: TimedEvent }[], now: Date): number {
  let spentMs = 0;
  let since: Date | undefined;
  let question: string | undefined;
  for (const { at, event } of events) {
    const asks = event.type === "approval-asked" && event.tool === PLAN_TOOL;
    if (event.type === "approval-answered" && event.approval === question) question = undefined;
    if (asks) question = event.approval;
    if (event.type === "build-paused" || asks) {
      spentMs += since === undefined ? 0 : at.getTime() - since.getTime();
      since = undefined;
    } else if (question === undefined) since ??= at;
  }
  return spentMs + (since === undefined ? 0 : now.getTime() - since.getTime());
}
