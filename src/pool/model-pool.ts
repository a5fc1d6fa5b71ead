import { AtosError } from "../base/errors.ts";
import { orAborted } from "../base/or-aborted.ts";
import type { GgufSource, ModelSource } from "../engine/model.ts";
import { CrashWatch } from "./crash-watch.ts";
import { fitOrFail } from "./fit-or-fail.ts";
import { KnownModels } from "./known-models.ts";
import type { Lease, LeaseRequest } from "./lease.ts";
import { learnTask } from "./ledger/learn.ts";
import type { PoolAction, PoolPolicy } from "./plan/pool-state.ts";
import { PoolExecutor } from "./pool-executor.ts";
import { type OpenGguf, PoolLoader } from "./pool-loader.ts";
import type { PoolMachine } from "./pool-machine.ts";
import type { PoolStatus } from "./pool-status.ts";
import { type PoolParts, poolState, poolStatus } from "./pool-view.ts";
import { type ForeseenJob, PoolWorks } from "./pool-works.ts";
import type { Resident } from "./resident.ts";
import { type OpenServer, ServerLanes } from "./server-lanes.ts";
import type { SwapCaches } from "./swap-caches.ts";

export type ModelPoolOptions = {
  /** The pool's own from now on: it ends with it. */
  readonly machine: PoolMachine;
  readonly policy: PoolPolicy;
  readonly openGguf: OpenGguf;
  readonly openServer: OpenServer;
  readonly caches: SwapCaches;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** After waiting so long a turn goes before all others, and one that others leave no memory for fails. */
  readonly maxWaitMs: number;
  /** Called after every change. */
  readonly onChange?: (() => void) | undefined;
};

/** What became of a wish to unload, by the models' names. */
export type Unloaded = { readonly gone: readonly string[]; readonly later: readonly string[] };

/** Decisions of a policy that always has something new to do would go on for ever. */
const MAX_ROUNDS = 20;
/** How long a plan is improved after an event, and how long the process listens to nothing else for it. */
const IMPROVE_MS = 100;
const SLICE_MS = 20;
/** Between two slices: what a load needs of this process comes first. */
const GAP_MS = 10;
/**
 * After a turn its build needs a moment to say what comes next, and one that goes on says at first what it did
 * before it paused. Until then nothing is loaded for work that is only foreseen: it may just have been done.
 */
const SETTLE_MS = 150;
/** Who has waited for so long goes before what may come in a moment. */
const LONG_WAIT_MS = 5000;
const MAX_ITERATIONS = 1000;
const REFRESH_MS = 5000;

/**
 * Keeps models loaded within the memory that they may take, and lends them out turn by turn.
 *
 * One loop decides: after every event the policy is asked what to do in the state as it is, and what it
 * says is done. A lease is for one turn, so that a task that waits for its tests holds no memory. No model
 * leaves while a turn runs on it.
 */
export class ModelPool implements AsyncDisposable {
  readonly #options: ModelPoolOptions;
  readonly #models: KnownModels;
  readonly #works = new PoolWorks();
  readonly #residents = new Map<string, Resident>();
  readonly #parts: PoolParts;
  readonly #loader: PoolLoader;
  readonly #executor: PoolExecutor;
  readonly #crashes: CrashWatch;
  readonly #lanes: ServerLanes;
  readonly #ending = new AbortController();
  /** The last word of each build on what it foresees, which may still be on its way. */
  readonly #forecasts = new Map<string, object>();
  readonly #refreshing: NodeJS.Timeout;
  /** Spent on the plan since the last event. */
  #improvedMs = 0;
  #foreseenAtMs = Number.NEGATIVE_INFINITY;
  #isImproving = false;
  #isRefreshing = false;
  #settling: NodeJS.Timeout | undefined;

  constructor(options: ModelPoolOptions) {
    const { machine, openGguf, openServer, caches, nowMs, maxWaitMs, onChange } = options;
    const { signal } = this.#ending;
    this.#options = options;
    this.#models = new KnownModels(machine);
    const parts = { machine, models: this.#models, works: this.#works, residents: this.#residents };
    this.#parts = parts;
    this.#loader = new PoolLoader({ open: openGguf, machine, models: this.#models, caches, nowMs });
    this.#crashes = new CrashWatch({ machine, models: this.#models, nowMs });
    this.#executor = new PoolExecutor({
      parts,
      loader: this.#loader,
      crashes: this.#crashes,
      nowMs,
      maxWaitMs,
      signal,
      changed: () => this.#changed(),
    });
    this.#lanes = new ServerLanes({ open: openServer, nowMs, signal, onChange });
    this.#refreshing = setInterval(() => this.#refresh(), REFRESH_MS).unref();
  }

  /**
   * Waits until the turn may begin on its model, which is loaded for it if need be.
   *
   * @throws what keeps the model from being loaded; `pool/not-enough-memory`, `pool/model-quarantined`; the
   * signal's reason.
   */
  async lease(request: LeaseRequest, signal: AbortSignal): Promise<Lease> {
    const { source, job, report } = request;
    const { nowMs } = this.#options;
    this.#ending.signal.throwIfAborted();
    if (source.kind === "openai") return this.#lanes.lease(source, request, signal);
    const known = await orAborted(this.#models.know(source), signal);
    this.#ending.signal.throwIfAborted();
    signal.throwIfAborted();
    const quarantine = this.#crashes.quarantineOf(known);
    if (quarantine !== undefined) throw quarantine;
    // Somebody asks, so that it is tried again.
    known.failed = undefined;
    this.#models.regrow(known, nowMs());
    const { promise, resolve, reject } = Promise.withResolvers<Lease>();
    const turn = this.#works.add({
      model: known.name,
      modelId: source.id,
      job,
      report,
      sinceMs: nowMs(),
      contextTokens: this.#models.askedContext(known, source),
      grant: () => resolve(this.#executor.lender.lend(turn, source.id)),
      fail: (error) => {
        this.#works.end(turn, nowMs());
        reject(error);
      },
    });
    this.#changed();
    try {
      return await orAborted(promise, signal);
    } catch (error) {
      // In the moment in which it was given up it may have been granted.
      if (turn.state === "running") void promise.then((lease) => lease[Symbol.asyncDispose]());
      else this.#works.end(turn, nowMs());
      this.#changed();
      throw error;
    }
  }

  /** Tells what a build will still need, in place of what it told before; the pool plans for it. */
  foresee(build: string, jobs: readonly ForeseenJob<ModelSource>[]): void {
    const { machine, nowMs } = this.#options;
    const knowing = jobs.flatMap(({ source, ...job }) => (source.kind === "gguf" ? [this.#foreknow(job, source)] : []));
    const forecast = {};
    this.#forecasts.set(build, forecast);
    this.#executor.tasks.run(async () => {
      const foreseen = (await Promise.all(knowing)).filter((job) => job !== undefined);
      // Files are read at their own pace; the build may have said something newer, or have ended.
      if (this.#forecasts.get(build) !== forecast) return;
      this.#foreseenAtMs = nowMs();
      for (const { model, role, turns } of this.#works.foresee(build, foreseen, nowMs())) {
        const known = this.#models.named(model);
        if (known === undefined) continue;
        const seen = { model: this.#models.factsKey(known), role, turns };
        machine.facts.change((facts) => learnTask(facts, seen, nowMs()));
      }
      this.#changed();
    });
  }

  /** A build that ended or paused needs nothing any more. */
  forget(build: string): void {
    this.#forecasts.delete(build);
    this.#works.forget(build);
    this.#changed();
  }

  status(): PoolStatus {
    const { nowMs, policy } = this.#options;
    const next = policy.next?.(poolState(this.#parts, this.#clock()));
    return poolStatus(this.#parts, { atMs: nowMs(), policy: policy.name, servers: this.#lanes.status(), next });
  }

  /** Unloads the model of that name, or all; one with a running turn leaves after it, one that is being loaded stays. */
  async unload(name: string | undefined): Promise<Unloaded> {
    const asked = [...this.#residents.values()].filter(({ known }) => name === undefined || known.ids.has(name));
    // One that is being loaded is wanted: it stays for its turn.
    for (const resident of asked) if (resident.state === "ready") resident.leaving = "as asked";
    const later = asked.filter(({ running, state }) => running.size > 0 || state === "opening");
    this.#changed();
    await this.#loader.closed();
    const namesOf = (residents: readonly Resident[]): string[] => residents.map(({ known }) => known.name);
    return { gone: namesOf(asked.filter((resident) => !later.includes(resident))), later: namesOf(later) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#refreshing);
    clearTimeout(this.#settling);
    const ended = new AtosError("pool/closed", "the pool of models is closed; start the worker again");
    this.#ending.abort(ended);
    for (const turn of this.#works.turns) if (turn.state === "ready") turn.fail(ended);
    await this.#executor.end();
    await this.#lanes[Symbol.asyncDispose]();
    await this.#options.caches.clear();
    await this.#options.machine[Symbol.asyncDispose]();
  }

  async #foreknow(job: Omit<ForeseenJob<ModelSource>, "source">, source: GgufSource) {
    // A file that can't be read is told to whoever asks for the model.
    const known = await this.#models.know(source).catch(() => undefined);
    return known === undefined ? undefined : { ...job, source, model: known.name, id: source.id };
  }

  /** Now and then: budgets change by themselves, and so does how long a turn has waited. */
  #refresh(): void {
    const { isClaiming } = this.#options.machine;
    if (this.#isRefreshing || (this.#works.size === 0 && this.#residents.size === 0 && !isClaiming)) return;
    this.#isRefreshing = true;
    this.#executor.tasks.run(async () => {
      const isNews = await this.#options.machine.refresh(this.#ending.signal);
      this.#isRefreshing = false;
      if (isNews || [...this.#works.turns].some(({ state }) => state === "ready")) this.#changed();
    });
  }

  /** Something changed: decide anew, and spend some time on a better plan. */
  #changed(): void {
    this.#improvedMs = 0;
    this.#decide();
    if (!this.#isImproving) this.#improveSoon();
  }

  #improveSoon(): void {
    this.#isImproving = true;
    setTimeout(() => this.#improve(), GAP_MS).unref();
  }

  #decide(): void {
    if (this.#ending.signal.aborted) return;
    this.#executor.tidy();
    fitOrFail(this.#parts, {
      ...this.#clock(),
      onShrunk: (known, why) => this.#executor.tasks.run(() => this.#executor.moves.tellShrunk(known, why)),
    });
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const state = poolState(this.#parts, this.#clock());
      if (state.works.length === 0 && state.residents.length === 0) break;
      const actions = this.#options.policy.decide(state).filter((action) => this.#isTimely(action));
      if (actions.filter((action) => this.#executor.perform(action)).length === 0) break;
    }
    this.#options.onChange?.();
  }

  /**
   * A load for nobody who waits can wait itself, until the turn that ended last has had its say. Nor does a model
   * leave in the moment between two turns of a build, unless somebody has waited for that long enough.
   */
  #isTimely(action: PoolAction): boolean {
    if (action.kind !== "load") return true;
    const nowMs = this.#options.nowMs();
    const waiting = [...this.#works.turns].filter(({ model, state }) => model === action.model && state === "ready");
    const needed = action.evict.filter((name) => this.#works.models.has(name));
    const sinceMs =
      waiting.length === 0
        ? Math.max(this.#works.endedAtMs, this.#foreseenAtMs)
        : Math.max(...needed.map((name) => this.#residents.get(name)?.usedAtMs ?? 0), 0);
    const leftMs = sinceMs + SETTLE_MS - nowMs;
    if (leftMs <= 0 || waiting.some((turn) => nowMs - turn.sinceMs > LONG_WAIT_MS)) return true;
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.#decide();
    }, leftMs).unref();
    return false;
  }

  /** In slices, between which the process serves everything else; only where there is anything to choose. */
  #improve(): void {
    const { policy } = this.#options;
    const isOver = this.#improvedMs >= IMPROVE_MS || this.#ending.signal.aborted || this.#works.models.size < 2;
    this.#isImproving = !isOver && policy.improve !== undefined;
    if (isOver || policy.improve === undefined) return;
    const startedAt = performance.now();
    const stop = (): boolean => performance.now() - startedAt >= SLICE_MS;
    const isBetter = policy.improve(poolState(this.#parts, this.#clock()), { iterations: MAX_ITERATIONS, stop });
    this.#improvedMs += Math.max(1, performance.now() - startedAt);
    if (isBetter) this.#decide();
    this.#improveSoon();
  }

  #clock(): { readonly nowMs: number; readonly maxWaitMs: number } {
    const { nowMs, maxWaitMs } = this.#options;
    return { nowMs: nowMs(), maxWaitMs };
  }
}
