import type { BuildEvent } from "../base/events.ts";
import type { Model, ModelSource } from "../engine/model.ts";

/** The right to use a loaded model for one turn. */
export type Lease = AsyncDisposable & { readonly model: Model };

export type LeaseRequest = {
  readonly source: ModelSource;
  /** Told of loads and unloads that this request causes, as they happen. */
  readonly report: (event: BuildEvent) => Promise<void>;
};

export type OpenModel = (source: ModelSource, signal: AbortSignal) => Promise<Model>;

/** `key` tells sources apart: two rosters may give one id to different weights. */
type Loaded = { readonly key: string; readonly model: Model };

/**
 * Keeps at most one model loaded, and lends it out one turn at a time, first come first served.
 *
 * A model that died under its lease is dropped when the lease ends and loaded afresh for the next.
 */
export class ModelPool implements AsyncDisposable {
  readonly #open: OpenModel;
  readonly #nowMs: () => number;
  #loaded: Loaded | undefined;
  /** Settles when every earlier request has its answer and its lease is over. */
  #turn: Promise<void> = Promise.resolve();

  constructor(open: OpenModel, nowMs: () => number) {
    this.#open = open;
    this.#nowMs = nowMs;
  }

  /** Waits for the model to be free and loaded. An abort while waiting or loading throws its reason. */
  async lease(request: LeaseRequest, signal: AbortSignal): Promise<Lease> {
    const earlier = this.#turn;
    const { promise, resolve: release } = Promise.withResolvers<void>();
    this.#turn = promise;
    try {
      await orAborted(earlier, signal);
    } catch (error) {
      // Whoever comes next still waits for those before.
      void earlier.then(release);
      throw error;
    }
    try {
      const { model } = await this.#makeReady(request, signal);
      return { model, [Symbol.asyncDispose]: async () => release() };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Forgets the loaded model, as after a crash of its process. */
  async drop(why: string, report: LeaseRequest["report"]): Promise<void> {
    const loaded = this.#loaded;
    if (loaded === undefined) return;
    this.#loaded = undefined;
    await loaded.model[Symbol.asyncDispose]();
    await report({ type: "model-unloaded", model: loaded.model.id, why });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop("the worker ends", async () => {});
  }

  async #makeReady({ source, report }: LeaseRequest, signal: AbortSignal): Promise<Loaded> {
    const key = JSON.stringify(source);
    if (this.#loaded?.key === key) return this.#loaded;
    await this.drop(`to make room for ${source.id}`, report);
    const startedAt = this.#nowMs();
    this.#loaded = { key, model: await this.#open(source, signal) };
    await report({ type: "model-loaded", model: source.id, durationMs: Math.round(this.#nowMs() - startedAt) });
    return this.#loaded;
  }
}

/** Waits for `promise`, which never rejects, or throws the signal's reason as soon as it aborts. */
async function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
