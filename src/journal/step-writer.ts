import { setImmediate } from "node:timers/promises";
import type { Db } from "../store/database.ts";
import { type HeldStep, recordHeld, type Recording } from "../store/effects.ts";
import { type Claim, RunEndedError, runOf } from "./run-ended.ts";

/** What is done is at most so long ahead of its record. */
const HELD_MS = 10;

/** Told while a step's record is on its way, and when it is there. */
type Watched = { readonly onTheWay?: () => Promise<void>; readonly recorded?: () => void };

/**
 * Writes the steps of one run of a build, one statement after another. What is done is held until the build's next
 * step begins, and goes into the ledger in that statement, ahead of it: whoever finds a step begun finds all that it
 * builds on. When none begins, it goes there by itself, 10 ms later.
 *
 * A statement that fails takes with it what it carried: `onLost` is told, and from then on every other is refused with
 * the same error, as after a crash.
 */
export class StepWriter {
  readonly #db: Db;
  readonly #of: Recording;
  readonly #held: (HeldStep & Watched)[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #lost: { readonly error: unknown } | undefined;
  #ended = false;
  readonly #onLost: (error: unknown) => void;

  /** `onLost` is told as soon as what was done could not be recorded. */
  constructor(db: Db, of: Recording, onLost: (error: unknown) => void = () => {}) {
    this.#db = db;
    this.#of = of;
    this.#onLost = onLost;
  }

  /** Takes over what is to be recorded. */
  hold(step: HeldStep & Watched): void {
    this.#held.push(step);
    this.#timer ??= setTimeout(() => {
      // Whoever comes next is told.
      this.settle().catch(() => undefined);
    }, HELD_MS);
  }

  /**
   * Makes a statement when all before it are through; it gets what is held, and records that first. Undefined when it
   * found that the run has ended.
   */
  async carry<T>(statement: (held: readonly HeldStep[]) => Promise<T | undefined>): Promise<T | undefined> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    try {
      await before;
      if (this.#lost !== undefined) throw this.#lost.error;
      return await this.#write(statement);
    } finally {
      turn.resolve();
    }
  }

  /**
   * Waits until nothing is held any more; false when the run has ended before it was recorded.
   *
   * @throws {AtosError} as `recordHeld`.
   */
  async settle(): Promise<boolean> {
    await this.carry(async (held) =>
      held.length === 0 || (await recordHeld(this.#db, this.#of, held)) ? true : undefined,
    );
    return !this.#ended;
  }

  async #write<T>(statement: (held: readonly HeldStep[]) => Promise<T | undefined>): Promise<T | undefined> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = this.#held.splice(0);
    try {
      const [done] = await Promise.all([statement(held), ...held.map(({ onTheWay }) => onTheWay?.())]);
      if (done === undefined) this.#ended = true;
      else for (const { recorded } of held) recorded?.();
      return done;
    } catch (error) {
      if (held.length > 0) {
        this.#lost = { error };
        this.#onLost(error);
      }
      throw error;
    }
  }
}

/** Where a step is recorded. */
type Recorder = { readonly db: Db; readonly claim?: Claim; readonly writer?: StepWriter | undefined };

/** The run's writer, or one for this step alone. */
export function writerOf({ db, claim, writer }: Recorder, buildId: string): StepWriter {
  return writer ?? new StepWriter(db, { buildId, run: runOf(claim, buildId) });
}

/**
 * Records what was done: with the next step of its build, or before it returns when `atOnce`.
 *
 * @throws {RunEndedError} when it was to be recorded at once and the run has ended; else the next step throws it.
 */
export async function recordDone(
  recorder: Recorder,
  { buildId, name, atOnce = false }: DoneStep,
  step: HeldStep & Watched,
): Promise<void> {
  if (recorder.writer !== undefined && !atOnce) return recorder.writer.hold(step);
  // By itself: what becomes of others' steps must not be its own affair.
  const alone = writerOf({ ...recorder, writer: undefined }, buildId);
  alone.hold(step);
  if (!(await alone.settle())) throw new RunEndedError(buildId, { step: name });
}

type DoneStep = { readonly buildId: string; readonly name: string; readonly atOnce?: boolean };

/** For tests that end the process just there. */
export function watchedAt(
  atBoundary: ((boundary: "in-finalize" | "after", effectId: string) => void) | undefined,
  id: string,
): Watched {
  if (atBoundary === undefined) return {};
  return {
    onTheWay: async () => {
      await setImmediate();
      atBoundary("in-finalize", id);
    },
    recorded: () => atBoundary("after", id),
  };
}
