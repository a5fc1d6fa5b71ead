import { orAborted } from "../base/or-aborted.ts";
import type { Model, OpenAiSource } from "../engine/model.ts";
import type { PoolStatus } from "./pool-status.ts";
import type { Lease, LeaseRequest } from "./lease.ts";
import { waitUnderRate } from "./rate-limit.ts";

export type OpenServer = (source: OpenAiSource, signal: AbortSignal) => Promise<Model>;

export type ServerLanesOptions = {
  readonly open: OpenServer;
  readonly nowMs: () => number;
  /** Aborted when nobody needs servers any more. */
  readonly signal: AbortSignal;
  readonly onChange?: (() => void) | undefined;
};

/** One model on one server, with those who wait for it in the order in which they came. */
type Lane = {
  readonly source: OpenAiSource;
  /** Absent while nobody has reached it. */
  model: Promise<Model> | undefined;
  limit: number;
  busy: number;
  readonly waiting: (() => void)[];
  /** When requests of the last minute began, in milliseconds. */
  readonly begun: number[];
};

/**
 * Models on servers: their memory is not ATOS's, so they need no plan, only care. A server gets as many
 * requests at once as it computes together, or as its roster entry says, and no more in a minute than
 * that allows; whoever comes later waits, first come first served.
 */
export class ServerLanes implements AsyncDisposable {
  readonly #lanes = new Map<string, Lane>();
  readonly #options: ServerLanesOptions;

  constructor(options: ServerLanesOptions) {
    this.#options = options;
  }

  /** @throws what keeps the server from being reached; the signal's reason. */
  async lease(source: OpenAiSource, { report }: LeaseRequest, asked: AbortSignal): Promise<Lease> {
    const { nowMs, signal: ending, onChange } = this.#options;
    const signal = AbortSignal.any([asked, ending]);
    signal.throwIfAborted();
    const lane = this.#laneOf(source);
    const model = await this.#reach(lane, { report, signal });
    await this.#takeTurn(lane, signal);
    try {
      await waitUnderRate(lane.begun, { perMinute: source.requestsPerMinute, nowMs, signal });
    } catch (error) {
      this.#leave(lane);
      throw error;
    }
    onChange?.();
    let over = false;
    return {
      model,
      [Symbol.asyncDispose]: async () => {
        if (!over) this.#leave(lane);
        over = true;
      },
    };
  }

  status(): PoolStatus["servers"] {
    return [...this.#lanes.values()].map(({ source, busy, limit, waiting }) => ({
      model: source.id,
      address: source.baseUrl,
      busy,
      limit,
      waiting: waiting.length,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const models = [...this.#lanes.values()].flatMap(({ model }) => (model === undefined ? [] : [model]));
    this.#lanes.clear();
    for (const model of await Promise.allSettled(models))
      if (model.status === "fulfilled") await model.value[Symbol.asyncDispose]();
  }

  #laneOf(source: OpenAiSource): Lane {
    const key = JSON.stringify({ ...source, thinking: undefined });
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const lane: Lane = { source, model: undefined, limit: 1, busy: 0, waiting: [], begun: [] };
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Asked once for all who come meanwhile; a failure is everyone's, and the next one asks again. */
  async #reach(
    lane: Lane,
    { report, signal }: { report: LeaseRequest["report"]; signal: AbortSignal },
  ): Promise<Model> {
    const known = lane.model;
    if (known !== undefined) return orAborted(known, signal);
    const { open, nowMs, signal: ending } = this.#options;
    const startedAt = nowMs();
    // Not the caller's signal: others may be waiting for the same answer. The engine bounds it.
    const reaching = open(lane.source, ending).then((model) => {
      lane.limit = Math.max(1, lane.source.concurrency ?? model.capabilities.slots);
      return model;
    });
    lane.model = reaching;
    reaching.catch(() => (lane.model = undefined));
    const model = await orAborted(reaching, signal);
    await report({ type: "model-loaded", model: lane.source.id, durationMs: Math.round(nowMs() - startedAt) });
    return model;
  }

  async #takeTurn(lane: Lane, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (lane.busy < lane.limit) {
      lane.busy++;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    lane.waiting.push(resolve);
    this.#options.onChange?.();
    try {
      await orAborted(promise, signal);
    } catch (error) {
      const place = lane.waiting.indexOf(resolve);
      if (place >= 0) lane.waiting.splice(place, 1);
      // It was given the turn in the moment in which it left.
      else this.#leave(lane);
      throw error;
    }
  }

  /** Whoever waits gets the turn itself, so that nobody who comes meanwhile can take it. */
  #leave(lane: Lane): void {
    const next = lane.waiting.shift();
    if (next === undefined) lane.busy--;
    else next();
    this.#options.onChange?.();
  }
}
