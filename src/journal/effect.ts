import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { z } from "zod";
import type { BuildEvent, EffectKind } from "../base/events.ts";
import { AtosError, messageOf } from "../base/errors.ts";
import type { Db } from "../store/database.ts";
import { countAttempt, type Effect, findEffect, finishEffect, recordEffect, reserveEffect } from "../store/effects.ts";
import { appendBuildEvents } from "./build-events.ts";
import type { JournalDataSource } from "./data-source.ts";
import type { WorkspaceFolder } from "./workspace-folder.ts";

/** What an effect needs of the journal it is recorded in. `now` is read at every event. */
export type Journal = {
  readonly source: JournalDataSource;
  readonly db: Db;
  readonly now: () => Date;
  /** Told where an effect is that is not recorded yet, before it goes on: for tests that end the process just there. */
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
  /** Asked after a failed attempt, counted from 1 in this run: how long to wait before the next, or undefined to give up. */
  readonly retryAfterMs?: (error: unknown, attempt: number) => number | undefined;
  /** What the audit trail is told of an error. Default: its message. */
  readonly say?: (error: unknown) => string;
  /** Ends the wait before a retry; what `run` does with it is its own affair. */
  readonly signal: AbortSignal;
};

/** An effect on its way: what was reserved of it. */
type Begun<T> = EffectSpec<T> & { readonly id: string; readonly key: string };

/**
 * Runs one effect of a build and records it once, in three parts: `reserve` (a transaction), the work itself,
 * `finalize` (the result, its events and the workflow's checkpoint in one transaction). A finished effect is never
 * run again; one that was cut off in the middle is reconciled as its guard says and begun again as a further, visible
 * attempt. `run` gets a key that is this effect's alone, in every attempt.
 *
 * Effects of one workflow come one after another: begun side by side they could not be replayed, since the durable
 * engine numbers its records as they are made. What goes on beside others is a workflow of its own. A workspace is
 * held from reserve to finalize, also while a person is asked about it.
 *
 * What `run` throws is recorded as a failed attempt and thrown on; `T` must survive JSON.
 */
export async function runEffect<T>(
  journal: Journal,
  spec: EffectSpec<T>,
  run: (key: string) => Promise<EffectResult<T>>,
): Promise<T> {
  const id = `${spec.buildId}/${spec.name}`;
  const begun = { ...spec, id, key: createHash("sha256").update(id).digest("hex") };
  const inputHash = hashOf(spec.input);
  const { buildId, kind, name, task } = spec;
  const folder = spec.guard?.kind === "workspace" ? spec.guard.folder : undefined;
  using _held = await folder?.hold(spec.signal);
  await journal.source.prepared(
    `${name}: reserve`,
    async () => {
      journal.atBoundary?.("before-reserve", id);
      return folder && { treeBefore: await treeOf(folder) };
    },
    async (trx, before) => {
      await reserveEffect(trx, { id, buildId, kind, name, task, inputHash, ...before, at: journal.now() });
      return id;
    },
  );
  const row = await findEffect(journal.db, id);
  if (row === undefined) throw new Error(`effect ${id} is reserved and not in the ledger`);
  if (row.inputHash !== inputHash) throw new Error(`effect ${id} was reserved with another input`);
  const outcome = row.state === "done" ? undefined : await runReserved(journal, { begun, row }, run);
  const finished = await journal.source.transaction(name, async (trx) => {
    // Only reached when nothing is recorded yet: a replay never enters a recorded transaction.
    if (outcome === undefined) throw new Error(`effect ${id} is done but its checkpoint is missing`);
    const { result, events, ...after } = outcome;
    await finishEffect(trx, { id, result, ...after, at: journal.now() });
    await appendBuildEvents(trx, buildId, { events, at: journal.now() });
    journal.atBoundary?.("in-finalize", id);
    return { result, ...after };
  });
  if (outcome !== undefined) journal.atBoundary?.("after", id);
  if (finished.treeAfter !== undefined) folder?.expect(finished.treeAfter);
  return finished.result;
}

export type ReadingSpec<T> = Pick<EffectSpec<T>, "buildId" | "name" | "kind" | "task" | "input"> & {
  /** Reads a result that was recorded. */
  readonly schema: z.ZodType<T>;
};

/**
 * Runs what changes nothing, and records it once, when it has its result: a crash before that leaves no trace and no
 * harm. It is in the ledger and no step of the durable engine, whose two records would cost more than most readings.
 */
export async function runReading<T>(
  journal: Journal,
  spec: ReadingSpec<T>,
  run: () => Promise<EffectResult<T>>,
): Promise<T> {
  const { buildId, kind, name, task, schema } = spec;
  const id = `${buildId}/${name}`;
  const inputHash = hashOf(spec.input);
  const known = await findEffect(journal.db, id);
  if (known === undefined) {
    const { result, events } = await run();
    const told = events.map(({ type, ...data }) => ({ type, data }));
    const row = { id, buildId, kind, name, task, inputHash, result, events: told, at: journal.now() };
    if (await recordEffect(journal.db, row)) return result;
  }
  // Another run of this build may have been quicker; what it found is what counts.
  const recorded = known ?? (await findEffect(journal.db, id));
  if (recorded?.state !== "done" || recorded.inputHash !== inputHash) throw new Error(`${id} was recorded otherwise`);
  return schema.parse(recorded.result);
}

function hashOf(input: unknown): string {
  return createHash("sha256").update(JSON.stringify(input)).digest("hex");
}

type Outcome<T> = EffectResult<T> & { readonly treeAfter?: string };

async function runReserved<T>(
  journal: Journal,
  { begun, row }: { readonly begun: Begun<T>; readonly row: Effect },
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
  const refused = await begun.admit?.();
  return refused ?? attempts(journal, { begun, again: async () => undefined }, run);
}

async function treeOf(folder: WorkspaceFolder): Promise<string> {
  const current = await folder.current();
  if (current.kind === "taken") return current.snapshot;
  throw new AtosError(
    "journal/workspace",
    `The workspace ${folder.directory} can't be recorded: ${current.why}. Take that out of it first.`,
  );
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

async function attempts<T>(
  journal: Journal,
  { begun, again }: { readonly begun: Begun<T>; readonly again: () => Promise<void> },
  run: (key: string) => Promise<EffectResult<T>>,
): Promise<EffectResult<T>> {
  for (let tries = 1; ; tries++) {
    const attempt = await startAttempt(journal, begun);
    try {
      journal.atBoundary?.("in-effect", begun.id);
      const outcome = await run(begun.key);
      journal.atBoundary?.("before-finalize", begun.id);
      return outcome;
    } catch (error) {
      const why = begun.say?.(error) ?? messageOf(error);
      const event: BuildEvent = { type: "attempt-failed", step: begun.name, attempt, why };
      await journal.db
        .transaction()
        .execute((trx) => appendBuildEvents(trx, begun.buildId, { events: [event], at: journal.now() }));
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
function startAttempt<T>(journal: Journal, begun: Begun<T>): Promise<number> {
  const { buildId, id, name: step, kind, task, model, call } = begun;
  return journal.db.transaction().execute(async (trx) => {
    const attempt = await countAttempt(trx, id);
    const more = { ...(model === undefined ? {} : { model }), ...(call === undefined ? {} : { call }) };
    const event: BuildEvent = { type: "attempt-started", step, kind, task, attempt, ...more };
    await appendBuildEvents(trx, buildId, { events: [event], at: journal.now() });
    return attempt;
  });
}
