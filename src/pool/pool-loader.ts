import { AtosError, messageOf, missingError } from "../base/errors.ts";
import type { EmbeddedModel } from "../engine/embedded/embedded-model.ts";
import type { GgufSource } from "../engine/model.ts";
import type { KnownModel, KnownModels } from "./known-models.ts";
import { learnLoad, learnShortage } from "./ledger/learn.ts";
import type { PlacementChoice } from "./ledger/placements-of.ts";
import type { PoolMachine } from "./pool-machine.ts";
import { bytesWith, type Resident } from "./resident.ts";
import { shrinkModel } from "./shrink-model.ts";
import type { SwapCaches } from "./swap-caches.ts";

export type OpenGguf = (
  source: GgufSource,
  limits: { readonly signal: AbortSignal; readonly deadlineMs: number },
) => Promise<EmbeddedModel>;

export type LoaderParts = {
  readonly open: OpenGguf;
  readonly machine: PoolMachine;
  readonly models: KnownModels;
  readonly caches: SwapCaches;
  readonly nowMs: () => number;
};

/** What became of a load or a resize. */
export type Opened =
  | { readonly kind: "ready"; readonly durationMs: number }
  /** Others took the memory before it could be booked. */
  | { readonly kind: "refused"; readonly why: string }
  /** It did not fit after all; the model is to be tried with less. */
  | { readonly kind: "shrunk"; readonly why: string }
  /** Its process ended or hung by itself; `details.likelyMemory` of the error guesses why. */
  | { readonly kind: "died"; readonly error: AtosError }
  | { readonly kind: "failed"; readonly error: AtosError };

/** A load that takes so much longer than expected hangs. */
const DEADLINE_FACTOR = 10;
const LEAST_DEADLINE_MS = 300_000;

/** Opens, resizes and closes the processes of models, with the memory booked before and measured after. */
export class PoolLoader {
  readonly #parts: LoaderParts;
  /** Processes that are on their way out still hold their memory. */
  readonly #closing = new Set<Promise<void>>();

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  /** Loads the model of `resident`, once `evicted` have left. */
  async load(resident: Resident, evicted: readonly Promise<void>[], signal: AbortSignal): Promise<Opened> {
    const { machine, models, caches, open, nowMs } = this.#parts;
    const { known, choice, slots, contextTokens } = resident;
    await Promise.all([...evicted, ...this.#closing]);
    const booked = await machine.book(known.name, bytesWith(choice, slots), signal);
    if (booked.kind === "refused") return { kind: "refused", why: booked.why };
    const startedAt = nowMs();
    try {
      const source = { ...known.source, slots, contextTokens, ...choice.load };
      const deadlineMs = Math.max(LEAST_DEADLINE_MS, DEADLINE_FACTOR * models.toPoolModel(known).loadMs);
      const model = await open(source, { signal, deadlineMs });
      resident.model = model;
      const durationMs = Math.round(nowMs() - startedAt);
      const { weightsBytes: bytes } = known.info;
      const facts = models.factsKey(known, contextTokens);
      machine.facts.change((seen) => learnLoad(seen, { model: facts, loadMs: durationMs, bytes }, nowMs()));
      await this.#settle(resident, model, signal);
      await caches.restore(known.name, model, signal);
      return { kind: "ready", durationMs };
    } catch (error) {
      await resident.model?.[Symbol.asyncDispose]();
      machine.release(known.name);
      signal.throwIfAborted();
      return this.#failed(known, { device: choice.placement.device, slots, contextTokens }, error);
    }
  }

  /**
   * Opens another number of slots or another context in a loaded model without a turn. When that fails it is as it
   * was, or `leaving` if its process can't go on.
   */
  async resize(
    resident: Resident,
    size: { readonly slots: number; readonly contextTokens: number },
    signal: AbortSignal,
  ): Promise<Opened> {
    const { machine, nowMs } = this.#parts;
    const { known, model } = resident;
    const choice = this.#inPlace(resident, size.contextTokens);
    if (choice === undefined) return { kind: "refused", why: "where it is loaded it can't have so much context" };
    const startedAt = nowMs();
    const booked = await machine.book(known.name, bytesWith(choice, size.slots), signal);
    if (booked.kind === "refused" || model === undefined)
      return { kind: "refused", why: booked.kind === "refused" ? booked.why : "it is not loaded" };
    try {
      await model.resize(size, signal);
      resident.choice = choice;
      resident.slots = size.slots;
      resident.contextTokens = size.contextTokens;
      await this.#settle(resident, model, signal);
      return { kind: "ready", durationMs: Math.round(nowMs() - startedAt) };
    } catch (error) {
      machine.rebook(known.name, bytesWith(resident.choice, resident.slots));
      signal.throwIfAborted();
      const opened = this.#failed(known, { device: choice.placement.device, ...size }, error);
      if (opened.kind === "failed" || opened.kind === "died") resident.leaving = messageOf(error);
      return opened;
    }
  }

  /** Ends a model's process; its prompt caches are kept when it is `expected` back. */
  close({ known, model, choice, slots }: Resident, expected: boolean): Promise<void> {
    const { machine, caches } = this.#parts;
    const closing = (async () => {
      const mostBytes = slots * choice.placement.slotBytes.reduce((sum, bytes) => sum + bytes, 0);
      if (model !== undefined && expected) await caches.save(known.name, model, mostBytes);
      await model?.[Symbol.asyncDispose]();
      machine.release(known.name);
    })().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    return closing;
  }

  /** Resolves when no process is on its way out. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /**
   * What it takes where it is, with so much context; undefined where that is no way to load it. With the context that
   * it has, as it was booked, whatever was learned since: the plan, too, reckons with that.
   */
  #inPlace({ known, choice, contextTokens }: Resident, newTokens: number): PlacementChoice | undefined {
    if (newTokens === contextTokens) return choice;
    return this.#parts.models.choices(known, newTokens).find(({ way }) => way === choice.way);
  }

  async #settle(resident: Resident, model: EmbeddedModel, signal: AbortSignal): Promise<void> {
    const { machine, models } = this.#parts;
    const { known, choice, slots, contextTokens } = resident;
    const loaded = { pid: model.pid, choice, slots, facts: models.factsKey(known, contextTokens) };
    const measured = await machine.settle(known.name, loaded, signal);
    resident.measuredBytes = measured?.reduce((sum, bytes) => sum + bytes, 0);
    // What was measured corrects what is booked, for this load and for later ones. By now somebody may want more context.
    resident.choice = models.choices(known, contextTokens).find(({ way }) => way === choice.way) ?? choice;
    machine.rebook(known.name, bytesWith(resident.choice, slots));
  }

  #failed(known: KnownModel, { device, ...tried }: Tried, error: unknown): Opened {
    const { machine, models, nowMs } = this.#parts;
    if (isDead(error)) return { kind: "died", error };
    if (!(error instanceof AtosError)) throw error;
    if (error.code !== "engine/not-enough-memory") return { kind: "failed", error };
    const kind = machine.devices[device]?.kind ?? "system";
    const facts = models.factsKey(known, tried.contextTokens);
    machine.facts.change((seen) => learnShortage(seen, { model: facts, kind }, nowMs()));
    if (shrinkModel(known, tried)) return { kind: "shrunk", why: messageOf(error) };
    const why = `the model ${known.name} does not fit into the memory that is free, with one slot and ${tried.contextTokens} tokens of context: ${messageOf(error)}`;
    return {
      kind: "failed",
      error: missingError("pool/not-enough-memory", `${why}. ${SMALLER}`, error),
    };
  }
}

/** What to do when a model is too large. */
export const SMALLER =
  "End other programs that use memory, raise --budget if it is below what there is, or take a smaller model; atos doctor names a roster that fits this machine";

type Tried = { readonly device: number; readonly slots: number; readonly contextTokens: number };

/** Whether the process is gone over what was asked of it. */
export function isDead(error: unknown): error is DeadError {
  return error instanceof AtosError && ["engine/child-died", "engine/child-stalled"].includes(error.code);
}

type DeadError = AtosError & { readonly code: "engine/child-died" | "engine/child-stalled" };
