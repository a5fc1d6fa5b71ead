import { setTimeout as delay } from "node:timers/promises";
import { type AtosError, missingError } from "../base/errors.ts";
import type { BackgroundTasks } from "./background-tasks.ts";
import type { CrashWatch } from "./crash-watch.ts";
import type { KnownModel } from "./known-models.ts";
import type { PoolAction } from "./plan/pool-state.ts";
import { type Opened, type PoolLoader, SMALLER } from "./pool-loader.ts";
import type { PoolParts } from "./pool-view.ts";
import type { TurnWork } from "./pool-works.ts";
import { bytesWith, type Resident } from "./resident.ts";
import { shrinkModel } from "./shrink-model.ts";
import { tellBuilds } from "./tell-builds.ts";

export type MovesOptions = {
  readonly parts: PoolParts & { readonly residents: Map<string, Resident> };
  readonly loader: PoolLoader;
  readonly tasks: BackgroundTasks;
  readonly crashes: CrashWatch;
  readonly nowMs: () => number;
  /** As of the pool: for so long a turn waits for memory that others have. */
  readonly maxWaitMs: number;
  /** Aborted when the pool ends. */
  readonly signal: AbortSignal;
  /** Called after every change that did not come of a decision. */
  readonly changed: () => void;
};

/** After memory was refused: nothing tells when others give some back, and at once it would go round in circles. */
const RETRY_MS = 1000;

type Size = { readonly slots: number; readonly contextTokens: number };
export type NewSize = Size & { readonly why: string };

/** Sees to it that models come and go in order: opened one at a time, and closed without a turn. */
export class ModelMoves {
  readonly #options: MovesOptions;

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  /** Begins to load a model in place of others; false when that is not possible as things are. */
  load({ model: name, placement, slots, evict, why }: Extract<PoolAction, { kind: "load" }>): boolean {
    const { parts, loader, signal, tasks } = this.#options;
    const { models, residents, works } = parts;
    const known = models.named(name);
    const choice = known && models.choices(known)[placement];
    if (known === undefined || choice === undefined || residents.has(name) || this.#isOpening()) return false;
    const leaving = evict.flatMap((other) => residents.get(other) ?? []);
    if (leaving.some(({ running }) => running.size > 0)) return false;
    const resident = this.#newResident(known, { choice, slots, why });
    residents.set(name, resident);
    for (const { known: other } of leaving) residents.delete(other.name);
    tasks.run(async () => {
      await tellBuilds(works, works.builds(name), { type: "model-loading", model: name, evict, why });
      const evicted = leaving.map((other) => this.#close(other, `to make room for ${name}`));
      await this.#opened(resident, await loader.load(resident, evicted, signal));
    });
    return true;
  }

  /** Begins to give an idle model another size; false when that is not possible as things are. */
  resize(name: string, { why, ...size }: NewSize): boolean {
    const { parts, nowMs, tasks } = this.#options;
    const { residents, models } = parts;
    const resident = residents.get(name);
    if (resident === undefined || resident.running.size > 0 || resident.leaving !== undefined) return false;
    if (this.#isOpening()) return false;
    resident.state = "opening";
    resident.readyAtMs = nowMs() + models.toPoolModel(resident.known).resizeMs;
    tasks.run(() => this.#resize(resident, size, why));
    return true;
  }

  /** Begins to close an idle model. */
  evict(name: string, why: string): boolean {
    const { parts, tasks } = this.#options;
    const resident = parts.residents.get(name);
    if (resident === undefined || resident.state === "opening" || resident.running.size > 0) return false;
    parts.residents.delete(name);
    tasks.run(() => this.#close(resident, why));
    return true;
  }

  /** Tells that a model is to be tried with less. */
  tellShrunk(known: KnownModel, why: string): Promise<void> {
    const { models, works } = this.#options.parts;
    known.shrunkAtMs = this.#options.nowMs();
    const { name: model, maxSlots: slots } = known;
    const size = { slots, contextTokens: models.contextTokens(known) };
    return tellBuilds(works, works.builds(model), { type: "model-shrunk", model, ...size, why });
  }

  /** The loads that a plan reckons with happen one at a time, and so do bookings for them. */
  #isOpening(): boolean {
    return [...this.#options.parts.residents.values()].some(({ state }) => state === "opening");
  }

  #newResident(known: KnownModel, chosen: Pick<Resident, "choice" | "slots" | "why">): Resident {
    const { models } = this.#options.parts;
    const nowMs = this.#options.nowMs();
    return {
      ...chosen,
      known,
      contextTokens: models.contextTokens(known),
      state: "opening",
      readyAtMs: nowMs + models.toPoolModel(known).loadMs,
      usedAtMs: nowMs,
      loadedAtMs: nowMs,
      model: undefined,
      mostSlots: Number.POSITIVE_INFINITY,
      running: new Set(),
      leaving: undefined,
      measuredBytes: undefined,
    };
  }

  async #opened(resident: Resident, opened: Opened): Promise<void> {
    const { parts, nowMs, changed } = this.#options;
    const { machine, works, residents } = parts;
    const { known, slots, contextTokens, choice } = resident;
    const model = known.name;
    if (opened.kind === "ready") {
      const taken = bytesWith(choice, slots);
      const devices = machine.devices.flatMap(({ id }, at) => ((taken[at] ?? 0) > 0 ? [id] : []));
      const bytes = taken.reduce((sum, one) => sum + one, 0);
      const size = { durationMs: opened.durationMs, slots, contextTokens, devices, bytes };
      await tellBuilds(works, works.builds(model), { type: "model-loaded", model, ...size });
      Object.assign(resident, { state: "ready", readyAtMs: nowMs(), usedAtMs: nowMs(), loadedAtMs: nowMs() });
    } else {
      await this.#notOpened(known, { slots, contextTokens }, opened);
      residents.delete(model);
    }
    changed();
  }

  async #notOpened(known: KnownModel, tried: Size, opened: Exclude<Opened, { kind: "ready" }>): Promise<void> {
    const waiting = this.#waiting(known.name);
    if (opened.kind === "shrunk") await this.tellShrunk(known, opened.why);
    else if (opened.kind === "died") await this.#died(known, tried, opened.error);
    else if (opened.kind === "failed") {
      known.failed = opened.error;
      for (const turn of waiting) turn.fail(opened.error);
    } else await this.#refused(waiting, opened.why);
  }

  /**
   * A load whose process died is begun anew, and with less from the second time on if it looks like memory. A model
   * that goes on dying is left alone.
   */
  async #died(known: KnownModel, tried: Size, error: AtosError): Promise<void> {
    const { parts, crashes: watch } = this.#options;
    const { works } = parts;
    const crashes = watch.count(known);
    const { name: model } = known;
    await tellBuilds(works, works.builds(model), { type: "model-crashed", model, why: error.message, crashes });
    const quarantine = watch.quarantineOf(known);
    if (quarantine !== undefined) for (const turn of this.#waiting(model)) turn.fail(quarantine);
    else if (crashes > 1 && error.details?.["likelyMemory"] === true && shrinkModel(known, tried))
      await this.tellShrunk(known, error.message);
  }

  /** Others were faster. Who has waited for too long already waits no longer. */
  async #refused(waiting: readonly TurnWork[], why: string): Promise<void> {
    const { nowMs, maxWaitMs, signal } = this.#options;
    for (const turn of waiting) {
      turn.why = why;
      if (nowMs() - turn.sinceMs > maxWaitMs) turn.fail(tooLate(turn.model, why));
    }
    await delay(RETRY_MS, undefined, { signal, ref: false }).catch(() => {});
  }

  async #resize(resident: Resident, size: Omit<NewSize, "why">, why: string): Promise<void> {
    const { parts, loader, signal, nowMs, changed } = this.#options;
    const { known } = resident;
    const { name: model } = known;
    const { works, models } = parts;
    const isLarger = size.contextTokens > resident.contextTokens;
    const opened = await loader.resize(resident, size, signal);
    if (opened.kind === "ready")
      await tellBuilds(works, works.builds(model), { type: "model-resized", model, ...size, why });
    else if (opened.kind === "shrunk") await this.tellShrunk(known, opened.why);
    else if (opened.kind === "refused") resident.mostSlots = resident.slots;
    // What somebody needs larger is loaded anew, in whatever place is found for it then.
    if (opened.kind !== "ready" && isLarger && models.contextTokens(known) > resident.contextTokens)
      resident.leaving ??= `it can't be resized in its place: ${why}`;
    Object.assign(resident, { state: "ready", readyAtMs: nowMs() });
    changed();
  }

  async #close(resident: Resident, why: string): Promise<void> {
    const { parts, loader, changed } = this.#options;
    const { works } = parts;
    const { name: model } = resident.known;
    const closing = loader.close(resident, works.models.has(model));
    await Promise.all([closing, tellBuilds(works, works.builds(), { type: "model-unloaded", model, why })]);
    changed();
  }

  #waiting(model: string): readonly TurnWork[] {
    return [...this.#options.parts.works.turns].filter((turn) => turn.model === model && turn.state === "ready");
  }
}

function tooLate(model: string, why: string): AtosError {
  return missingError(
    "pool/not-enough-memory",
    `the model ${model} was not given its memory in time: ${why}. ${SMALLER}`,
  );
}
