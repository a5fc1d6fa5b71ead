import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import type { BuildEvent, EffectKind } from "../base/events.ts";
import { messageOf } from "../base/errors.ts";
import type { Db } from "../store/database.ts";
import {
  type AttemptTold,
  beginEffect,
  type BegunEffect,
  type Effect,
  findEffect,
  reserveEffect,
  startAttempt,
} from "../store/effects.ts";
import { eventRows } from "./build-events.ts";
import { inputHash } from "./input-hash.ts";
import { reportEvent } from "./report-event.ts";
import { type Claim, RunEndedError, runOf } from "./run-ended.ts";
import { recordDone, type StepWriter, watchedAt, writerOf } from "./step-writer.ts";
import type { WorkspaceFolder } from "./workspace-folder.ts";

/** What an effect needs of the journal it is recorded in. `now` is read at every event. */
export type Journal = {
  readonly db: Db;
  readonly now: () => Date;
  /**
   * The run of the build that records: once another has begun, or the build was stopped, it records nothing more.
   * Absent: not checked.
   */
  readonly claim?: Claim;
  /** Holds what is done until the next step of the run begins. Absent: each is recorded before it returns. */
  readonly writer?: StepWriter;
  /**
   * What happened since it was last asked; goes into the trail with the step that is recorded next. Of a step that is
   * recorded already it was told then, and is dropped.
   */
  readonly told?: () => readonly BuildEvent[];
  /**
   * Told where an effect is that is not done yet, before it goes on: for tests that end the process just there. Of
   * `before-reserve` it is told whether or not the effect is done, and of `in-finalize` while its record is on its way.
   */
  readonly atBoundary?: (boundary: EffectBoundary, effectId: string) => void;
};

export const EFFECT_BOUNDARIES = [
  "before-reserve",
  "after-reserve",
  "in-effect",
  "before-finalize",
  "in-finalize",
  "after",
] as const;
export type EffectBoundary = (typeof EFFECT_BOUNDARIES)[number];

export type EffectResult<T> = { readonly result: T; readonly events: readonly BuildEvent[] };

/** What became of an external effect that was begun and never finished. */
export type Found<T> =
  | { readonly kind: "done"; readonly outcome: EffectResult<T> }
  /** It did not happen, or doing it again under the same key does it once. */
  | { readonly kind: "repeat" };

/**
 * What makes an effect that was cut off safe to begin again.
 *
 * `repeat`: nothing needs to; its `run` may run twice. `workspace`: the folder is first brought back to the state it
 * had; `refused` is the result when its new state can't be kept, and then nothing of it is. `external`: `reconcile`
 * finds out, under the effect's idempotency key, before anything is done again; it may ask a person and wait. It is
 * told how many attempts there were.
 */
export type EffectGuard<T> =
  | { readonly kind: "repeat" }
  | {
      readonly kind: "workspace";
      readonly folder: WorkspaceFolder;
      readonly refused: (why: string) => EffectResult<T>;
    }
  | { readonly kind: "external"; readonly reconcile: (key: string, attempts: number) => Promise<Found<T>> };

export type EffectSpec<T = unknown> = {
  readonly buildId: string;
  /** Unique within the build and the same at every replay, such as `code/turn-2`. */
  readonly name: string;
  readonly kind: EffectKind;
  readonly task: string;
  readonly model?: string;
  /** The tool call, as a person reads it. */
  readonly call?: string;
  /** What decides the result; a replay with another input is a bug and throws. */
  readonly input: unknown;
  readonly guard?: EffectGuard<T>;
  /**
   * Asked before the first attempt, and after a crash before the next: what it returns is the result, and `run` is not
   * called. It may wait for a person.
   */
  readonly admit?: () => Promise<EffectResult<T> | undefined>;
  /** Whether nothing stands in the way now: then `admit` is not asked. */
  readonly isFree?: () => boolean;
  /** Asked after a failed attempt, counted from 1 in this run: how long to wait before the next, or undefined to give up. */
  readonly retryAfterMs?: (error: unknown, attempt: number) => number | undefined;
  /** What the audit trail is told of an error. Default: its message. */
  readonly say?: (error: unknown) => string;
  /** Ends the wait before a retry; what `run` does with it is its own affair. */
  readonly signal: AbortSignal;
};

type Reserved = BegunEffect & Pick<Effect, "treeBefore" | "treeAfter">;

/** An effect on its way. */
type Begun<T> = EffectSpec<T> & { readonly id: string; readonly key: string; readonly run: number | undefined };

/**
 * Runs one effect of a build and records it once, in three parts: `reserve`, the work itself, `finalize` (the result
 * with its events). Where nothing is to be asked or brought back first, the first attempt is told with the reservation;
 * and but for an external effect, the finalizing may go with what the build reserves next. The ledger is the checkpoint: a finished effect is found
 * by its name and never run again, in whatever order a replay comes to it; one that was cut off in the middle is
 * reconciled as its guard says and begun again as a further, visible attempt. `run` gets a key that is this effect's
 * alone, in every attempt.
 *
 * Effects of one build may go on side by side. A workspace is held from reserve to finalize, also while a person is
 * asked about it.
 *
 * What `run` throws is recorded as a failed attempt and thrown on; `T` must survive JSON.
 *
 * @throws {RunEndedError} as soon as something would have to be recorded for a run that has ended.
 */
export async function runEffect<T>(
  journal: Journal,
  spec: EffectSpec<T>,
  run: (key: string) => Promise<EffectResult<T>>,
): Promise<T> {
  const { buildId, name, guard, signal } = spec;
  const id = `${buildId}/${name}`;
  const key = createHash("sha256").update(id).digest("hex");
  const begun = { ...spec, id, key, run: runOf(journal.claim, buildId) };
  const hash = inputHash(spec.input);
  const folder = guard?.kind === "workspace" ? guard.folder : undefined;
  // What is recorded is found also when nothing may begin any more: a replay goes as far as the record does.
  const isDone = signal.aborted && (await findEffect(journal.db, id))?.state === "done";
  if (!isDone) signal.throwIfAborted();
  using _held = isDone ? undefined : await folder?.hold(signal);
  // Only now: what is told must not be lost with a wait that ends otherwise.
  const told = journal.told?.() ?? [];
  journal.atBoundary?.("before-reserve", id);
  const atOnce =
    guard?.kind !== "workspace" && guard?.kind !== "external" && (spec.isFree?.() ?? spec.admit === undefined);
  const row = await reserve(journal, begun, { hash, told, atOnce });
  if (row.inputHash !== hash) throw new Error(`effect ${id} was reserved with another input`);
  if (row.state === "done") {
    if (row.treeAfter !== null) folder?.expect(row.treeAfter);
    return z.custom<T>().parse(row.result);
  }
  const { result, events, ...after } = await runReserved(journal, { begun, row, atOnce }, run);
  await recordDone(
    journal,
    // What was done to the world is not done again only because it was not recorded yet.
    { buildId, name, atOnce: guard?.kind === "external" },
    { id, result, ...after, events: eventRows(events), at: journal.now(), ...watchedAt(journal.atBoundary, id) },
  );
  if (after.treeAfter !== undefined) folder?.expect(after.treeAfter);
  return result;
}

async function reserve<T>(
  journal: Journal,
  begun: Begun<T>,
  { hash, told, atOnce }: { readonly hash: string; readonly told: readonly BuildEvent[]; readonly atOnce: boolean },
): Promise<Reserved> {
  const { id, buildId, run, kind, name, task, guard } = begun;
  // The folder's state is that of before the effect only when the effect is new; and no connection waits for it.
  const known = guard?.kind === "workspace" ? await findEffect(journal.db, id) : undefined;
  if (known?.state === "done") return known;
  const tree =
    guard?.kind === "workspace" && known === undefined ? { treeBefore: await guard.folder.tree() } : undefined;
  const reservation = {
    id,
    buildId,
    run,
    kind,
    name,
    task,
    inputHash: hash,
    events: eventRows(told),
  };
  if (!atOnce) await journal.writer?.settle();
  const row = atOnce
    ? await writerOf(journal, buildId).carry((held) =>
        // Its time is read when its turn has come, so that those in the trail go one way.
        beginEffect(journal.db, { ...reservation, told: attemptOf(begun), held, at: journal.now() }),
      )
    : await reserveEffect(journal.db, { ...reservation, ...tree, at: journal.now() });
  if (row === undefined) throw new RunEndedError(buildId, { step: name });
  return { treeBefore: null, treeAfter: null, ...row };
}

type Outcome<T> = EffectResult<T> & { readonly treeAfter?: string };

async function runReserved<T>(
  journal: Journal,
  { begun, row, atOnce }: { readonly begun: Begun<T>; readonly row: Reserved; readonly atOnce: boolean },
  run: (key: string) => Promise<EffectResult<T>>,
): Promise<Outcome<T>> {
  const { guard = { kind: "repeat" }, id } = begun;
  journal.atBoundary?.("after-reserve", id);
  if (guard.kind === "workspace") {
    const before = row.treeBefore;
    if (before === null) throw new Error(`effect ${id} was reserved without its workspace`);
    return inWorkspace(journal, { begun, guard, before, attempts: row.attempts }, run);
  }
  if (guard.kind === "external" && row.attempts > 0) {
    const found = await guard.reconcile(begun.key, row.attempts);
    if (found.kind === "done") return found.outcome;
  }
  const again = async (): Promise<void> => undefined;
  if (atOnce) return attempts(journal, { begun, first: row.attempts, again }, run);
  const refused = await begun.admit?.();
  return refused ?? attempts(journal, { begun, again }, run);
}

/** The state that the work leaves is kept whole, or that it found is brought back. */
async function inWorkspace<T>(
  journal: Journal,
  place: {
    readonly begun: Begun<T>;
    readonly guard: Extract<EffectGuard<T>, { kind: "workspace" }>;
    readonly before: string;
    readonly attempts: number;
  },
  run: (key: string) => Promise<EffectResult<T>>,
): Promise<Outcome<T>> {
  const { begun, guard, before } = place;
  const { folder } = guard;
  if (place.attempts > 0) await folder.restore(before);
  const refused = await begun.admit?.();
  if (refused !== undefined) return { ...refused, treeAfter: before };
  const again = async (): Promise<void> => {
    folder.expect(before);
    // From here on it is not known to be there any more, whatever becomes of the attempt.
    await folder.settle();
  };
  await again();
  const outcome = await attempts(journal, { begun, again }, run);
  const taken = await folder.snapshot();
  if (taken.kind === "taken") return { ...outcome, treeAfter: taken.snapshot };
  await folder.restore(before);
  return { ...guard.refused(taken.why), treeAfter: before };
}

type Attempting<T> = {
  readonly begun: Begun<T>;
  /** The first attempt's number, where it was counted and told already. */
  readonly first?: number;
  /** Before each further one. */
  readonly again: () => Promise<void>;
};

async function attempts<T>(
  journal: Journal,
  { begun, first, again }: Attempting<T>,
  run: (key: string) => Promise<EffectResult<T>>,
): Promise<EffectResult<T>> {
  for (let tries = 1; ; tries++) {
    const attempt = tries === 1 && first !== undefined ? first : await begin(journal, begun);
    try {
      journal.atBoundary?.("in-effect", begun.id);
      const outcome = await run(begun.key);
      journal.atBoundary?.("before-finalize", begun.id);
      return outcome;
    } catch (error) {
      const why = begun.say?.(error) ?? messageOf(error);
      const event: BuildEvent = { type: "attempt-failed", step: begun.name, attempt, why };
      const told = await reportEvent(journal, begun.buildId, event);
      if (!told) throw new RunEndedError(begun.buildId, { cause: error });
      const waitMs = begun.retryAfterMs?.(error, tries);
      if (waitMs === undefined) throw error;
      await again();
      await setTimeout(waitMs, undefined, { signal: begun.signal }).catch((cause: unknown) => {
        throw begun.signal.aborted ? begun.signal.reason : cause;
      });
    }
  }
}

/** Counted and told before the work begins, so that the audit trail is ahead of it and never behind. */
async function begin<T>(journal: Journal, begun: Begun<T>): Promise<number> {
  const { buildId, run, id } = begun;
  const attempt = await startAttempt(journal.db, { buildId, run, id, told: attemptOf(begun), at: journal.now() });
  if (attempt === undefined) throw new RunEndedError(buildId);
  return attempt;
}

function attemptOf<T>({ name: step, kind, task, model, call }: Begun<T>): AttemptTold {
  return { step, kind, task, ...(model === undefined ? {} : { model }), ...(call === undefined ? {} : { call }) };
}
