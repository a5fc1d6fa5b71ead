import { AtosError } from "../base/errors.ts";
import type { KnownModel, KnownModels } from "./known-models.ts";
import { crashesSince } from "./ledger/expected.ts";
import { learnCrash } from "./ledger/learn.ts";
import type { PoolMachine } from "./pool-machine.ts";

/** A model whose process died so often within this time is left alone for a while. */
const CRASHES = 3;
const WINDOW_MS = 10 * 60_000;
const QUARANTINE_MS = 5 * 60_000;

export type CrashWatchParts = {
  readonly machine: PoolMachine;
  readonly models: KnownModels;
  readonly nowMs: () => number;
};

/** Counts how often models died, also under earlier workers, and says which are left alone. */
export class CrashWatch {
  readonly #parts: CrashWatchParts;

  constructor(parts: CrashWatchParts) {
    this.#parts = parts;
  }

  /** One more crash; returns how many there were lately. */
  count(known: KnownModel): number {
    const { machine, models, nowMs } = this.#parts;
    const facts = models.factsKey(known);
    machine.facts.change((seen) => learnCrash(seen, { model: facts }, nowMs()));
    const crashes = crashesSince(machine.facts.facts, facts, nowMs() - WINDOW_MS);
    if (crashes >= CRASHES) known.quarantinedUntilMs = nowMs() + QUARANTINE_MS;
    return crashes;
  }

  /** What to tell those who ask for the model while it is left alone. */
  quarantineOf({ name, quarantinedUntilMs }: KnownModel): AtosError | undefined {
    const leftMs = quarantinedUntilMs - this.#parts.nowMs();
    if (leftMs <= 0) return undefined;
    return new AtosError(
      "pool/model-quarantined",
      `the process of the model ${name} died ${CRASHES} times within ${WINDOW_MS / 60_000} minutes, so that it is left alone for another ${Math.ceil(leftMs / 1000)} s. Its last words are in the audit trail; take another model, less context or fewer slots, or wait and go on with the build`,
    );
  }
}
