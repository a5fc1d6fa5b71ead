import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { AtosError } from "../base/errors.ts";
import { DEFAULT_CONTEXT_TOKENS } from "../engine/embedded/context-size.ts";
import { resolveSettings } from "../engine/embedded/gguf-settings.ts";
import { adapterBytes } from "../engine/embedded/lora-adapter.ts";
import { weightsIdentity } from "../engine/embedded/saved-cache.ts";
import { checkGgufFile } from "../engine/gguf/gguf-file.ts";
import { type GgufInfo, readGgufInfo } from "../engine/gguf/gguf-info.ts";
import type { GgufSource } from "../engine/model.ts";
import { correctionsOf, expectedLoadMs, expectedRole, learnedPromptTokenMs, modelKey } from "./ledger/expected.ts";
import type { Facts } from "./ledger/facts.ts";
import { type LedgerModel, type PlacementChoice, placementsOf } from "./ledger/placements-of.ts";
import { priorPromptTokenMs } from "./ledger/prior-speed.ts";
import type { PoolMachine } from "./pool-machine.ts";
import type { PoolModel } from "./plan/pool-state.ts";
import type { Expectation } from "./pool-works.ts";

/** Measured with 150 MB on two processors (15 to 51): contexts are made anew, weights stay. */
const RESIZE_MS = 50;
const REGROW_MS = 10 * 60_000;

/** A model file with its settings, as the pool knows it. */
export type KnownModel = {
  /** What it is called in plans and reports; unique. */
  readonly name: string;
  /** What rosters call it; that of the first one is its name, if it was free. */
  readonly ids: Set<string>;
  readonly path: string;
  /** `contextTokens` is the largest that was asked for: one size is pinned for all who use the model. */
  source: GgufSource & { readonly contextTokens: number };
  readonly info: GgufInfo;
  readonly adapterBytes: number;
  /** Of its weights; the facts of a model are kept under this, its settings and the machine. */
  readonly identity: string;
  /** The most that anybody asked for. */
  askedSlots: number;
  /** Slots that may be open; fewer after it ran out of memory. */
  maxSlots: number;
  /** Less than was asked for after it ran out of memory. */
  contextLimit: number;
  /** When it was last given less than was asked for; undefined while it has all. */
  shrunkAtMs: number | undefined;
  /** Why it could not be loaded; it is not tried again until somebody asks. */
  failed: AtosError | undefined;
  quarantinedUntilMs: number;
};

type Placed = {
  readonly facts: Facts;
  readonly parts: PoolMachine["parts"];
  readonly slots: number;
  readonly contextTokens: number;
  readonly choices: readonly PlacementChoice[];
};

/** The models that were asked for since the worker started, by what tells them apart. */
export class KnownModels {
  readonly #machine: PoolMachine;
  readonly #byKey = new Map<string, Promise<KnownModel>>();
  /** Placements as of certain facts: asked for at every decision, and for every work. */
  readonly #placed = new Map<KnownModel, Placed>();
  readonly #byName = new Map<string, KnownModel>();

  constructor(machine: PoolMachine) {
    this.#machine = machine;
  }

  get all(): Iterable<KnownModel> {
    return this.#byName.values();
  }

  named(name: string): KnownModel | undefined {
    return this.#byName.get(name);
  }

  /**
   * The model of a source. Sources that differ only in what loading does not depend on, or in the size of the
   * context, are one model; a file that was replaced is another.
   *
   * @throws `engine/model-not-found`, `engine/model-broken`, `engine/bad-setting`, `engine/adapter-not-found`
   */
  async know(source: GgufSource): Promise<KnownModel> {
    const path = resolve(source.path);
    await checkGgufFile(path);
    const { size, mtimeMs } = await stat(path);
    const key = JSON.stringify([path, size, mtimeMs, settingsThatMatter(source)]);
    const reading = this.#byKey.get(key) ?? this.#read(source, path);
    this.#byKey.set(key, reading);
    reading.catch(() => this.#byKey.delete(key));
    const known = await reading;
    known.ids.add(source.id);
    const contextTokens = contextOf(source, known.info);
    if (contextTokens > known.source.contextTokens) {
      known.source = { ...known.source, contextTokens };
      known.contextLimit = Number.POSITIVE_INFINITY;
    }
    const { slots } = resolveSettings(source);
    if (slots > known.askedSlots) Object.assign(known, { askedSlots: slots, maxSlots: slots });
    if (source.pinned === true) known.source = { ...known.source, pinned: true };
    return known;
  }

  /**
   * The ways to load it on this machine, best first, by all that was learned: with as much context as it is to be
   * loaded with next, or with so much.
   */
  choices(known: KnownModel, contextTokens: number = this.contextTokens(known)): readonly PlacementChoice[] {
    const { facts } = this.#machine.facts;
    const { parts } = this.#machine;
    const placed = this.#placed.get(known);
    const isSame = placed?.facts === facts && placed.parts === parts;
    if (isSame && placed.slots === known.maxSlots && placed.contextTokens === contextTokens) return placed.choices;
    const choices = this.#place(known, contextTokens);
    if (contextTokens === this.contextTokens(known))
      this.#placed.set(known, { facts, parts, slots: known.maxSlots, contextTokens, choices });
    return choices;
  }

  #place(known: KnownModel, contextTokens: number): readonly PlacementChoice[] {
    const { devices, facts, settings, budgets } = this.#machine;
    return placementsOf(this.#ledgerModel(known, contextTokens), devices, {
      corrections: correctionsOf(facts.facts, this.factsKey(known, contextTokens)),
      budget: settings,
      roomBytes: budgets.map(({ budgetBytes }) => budgetBytes),
    });
  }

  #ledgerModel(known: KnownModel, contextTokens: number): LedgerModel {
    const { source, info, adapterBytes: adapters, maxSlots } = known;
    const { gpuLayers, cacheType, flashAttention, batchTokens } = source;
    const settings = { gpuLayers, cacheType, flashAttention, batchTokens, adapterBytes: adapters };
    return { shape: info, settings: { ...settings, contextTokens, slots: maxSlots } };
  }

  /** All that was asked for may be tried again some time after it did not fit: other programs come and go. */
  regrow(known: KnownModel, nowMs: number): void {
    if (known.shrunkAtMs === undefined || nowMs - known.shrunkAtMs < REGROW_MS) return;
    const { askedSlots: maxSlots } = known;
    Object.assign(known, { maxSlots, contextLimit: Number.POSITIVE_INFINITY, shrunkAtMs: undefined });
  }

  contextTokens({ source, contextLimit }: KnownModel): number {
    return Math.min(source.contextTokens, contextLimit);
  }

  /** What a source asks for, whatever others ask for of the same model. */
  askedContext(known: KnownModel, source: GgufSource): number {
    return contextOf(source, known.info);
  }

  /** What a turn gets of the context that it asks for: less, where the model ran out of memory. */
  contextFor(known: KnownModel, asked: number): number {
    return Math.min(asked, this.contextTokens(known));
  }

  factsKey(known: KnownModel, contextTokens: number = this.contextTokens(known)): string {
    return modelKey(known.identity, { ...known.source, contextTokens }, this.#machine.key);
  }

  /** For the planner. */
  toPoolModel(known: KnownModel): PoolModel {
    const { name, maxSlots, info, source } = known;
    return {
      id: name,
      placements: this.choices(known).map(({ placement }) => placement),
      maxSlots,
      loadMs: expectedLoadMs(this.#machine.facts.facts, this.factsKey(known), info.weightsBytes),
      resizeMs: RESIZE_MS,
      pinned: source.pinned ?? false,
    };
  }

  /** Steps of a turn: tokens of its reply, and its prompt at what reading costs in such. */
  expect(known: KnownModel, role: string): Expectation {
    const { facts } = this.#machine.facts;
    const key = this.factsKey(known);
    const [best] = this.choices(known);
    const { replyTokens, promptTokens, turnsPerTask } = expectedRole(facts, key, role);
    if (best === undefined) return { stepsPerTurn: replyTokens, turns: turnsPerTask };
    const kind = this.#machine.devices[best.placement.device]?.kind ?? "system";
    const promptMs =
      learnedPromptTokenMs(facts, key, best.way) ??
      priorPromptTokenMs(this.#ledgerModel(known, this.contextTokens(known)), kind);
    const stepsPerTurn = replyTokens + (promptTokens * promptMs) / best.placement.stepMs;
    return { stepsPerTurn: Math.max(1, stepsPerTurn), turns: Math.max(1, turnsPerTask) };
  }

  async #read(source: GgufSource, path: string): Promise<KnownModel> {
    const [info, identity, adapters] = await Promise.all([
      readGgufInfo(path),
      weightsIdentity(path),
      Promise.all((source.adapters ?? []).map((adapter) => adapterBytes(adapter.path))),
    ]);
    const { slots, deterministic } = resolveSettings(source);
    const name = this.#freeName(source.id === "" ? basename(path, ".gguf") : source.id);
    const known: KnownModel = {
      name,
      ids: new Set([name]),
      path,
      // Said outright, because with fewer slots than were asked for it could not be told any more.
      source: { ...source, path, deterministic, contextTokens: contextOf(source, info) },
      info,
      adapterBytes: adapters.reduce((sum, bytes) => sum + bytes, 0),
      identity,
      askedSlots: slots,
      maxSlots: slots,
      contextLimit: Number.POSITIVE_INFINITY,
      shrunkAtMs: undefined,
      failed: undefined,
      quarantinedUntilMs: 0,
    };
    this.#byName.set(known.name, known);
    return known;
  }

  #freeName(id: string): string {
    for (let count = 1; ; count++) {
      const name = count === 1 ? id : `${id} (${count})`;
      if (!this.#byName.has(name)) return name;
    }
  }
}

/** What a model that is loaded can't change: all settings but the number of slots and the size of the context. */
function settingsThatMatter(source: GgufSource): unknown {
  const { gpuLayers, cacheType, flashAttention, batchTokens, adapters, promptLookup, deterministic } =
    resolveSettings(source);
  return [gpuLayers, cacheType, flashAttention, batchTokens, adapters, promptLookup, deterministic];
}

function contextOf({ contextTokens }: GgufSource, { trainedContextTokens }: GgufInfo): number {
  return contextTokens ?? Math.min(DEFAULT_CONTEXT_TOKENS, trainedContextTokens);
}
