import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { BuildEvent, EffectKind } from "../base/events.ts";
import { messageOf } from "../base/errors.ts";
import type { Db } from "../store/database.ts";
import { countAttempt, findEffect, finishEffect, reserveEffect } from "../store/effects.ts";
import { appendBuildEvents } from "./build-events.ts";
import type { JournalDataSource } from "./data-source.ts";

/** What an effect needs of the journal it is recorded in. `now` is read at every event. */
export type Journal = {
  readonly source: JournalDataSource;
  readonly db: Db;
  readonly now: () => Date;
};

export type EffectSpec = {
  readonly buildId: string;
  /** Unique within the build and the same at every replay, such as `code/turn-2`. */
  readonly name: string;
  readonly kind: EffectKind;
  readonly task: string;
  readonly model?: string;
  /** What decides the result; a replay with another input is a bug and throws. */
  readonly input: unknown;
  /** Asked after a failed attempt, counted from 1 in this run: how long to wait before the next, or undefined to give up. */
  readonly retryAfterMs?: (error: unknown, attempt: number) => number | undefined;
  /** Ends the wait before a retry; what `run` does with it is its own affair. */
  readonly signal: AbortSignal;
};

export type EffectResult<T> = { readonly result: T; readonly events: readonly BuildEvent[] };

/**
 * Runs one effect of a build and records it once, in three parts: `reserve` (a transaction),
 * the work itself, `finalize` (the result, its events and the workflow's checkpoint in one
 * transaction). A finished effect is never run again; one that was cut off in the middle is
 * run again as a further, visible attempt. So `run` must be safe to repeat after a crash.
 *
 * What `run` throws is recorded as a failed attempt and thrown on; `T` must survive JSON.
 */
export async function runEffect<T>(
  journal: Journal,
  spec: EffectSpec,
  run: () => Promise<EffectResult<T>>,
): Promise<T> {
  const id = `${spec.buildId}/${spec.name}`;
  const inputHash = createHash("sha256").update(JSON.stringify(spec.input)).digest("hex");
  await journal.source.transaction(`${spec.name}: reserve`, async (trx) => {
    await reserveEffect(trx, {
      id,
      buildId: spec.buildId,
      kind: spec.kind,
      name: spec.name,
      task: spec.task,
      inputHash,
      at: journal.now(),
    });
    return id;
  });
  const outcome = await runUnlessDone(journal, { ...spec, id, inputHash }, run);
  return journal.source.transaction(spec.name, async (trx) => {
    // Only reached when nothing is recorded yet: a replay never enters a recorded transaction.
    if (outcome === undefined) throw new Error(`effect ${id} is done but its checkpoint is missing`);
    await finishEffect(trx, { id, result: outcome.result, at: journal.now() });
    await appendBuildEvents(trx, spec.buildId, { events: outcome.events, at: journal.now() });
    return outcome.result;
  });
}

async function runUnlessDone<T>(
  journal: Journal,
  spec: EffectSpec & { readonly id: string; readonly inputHash: string },
  run: () => Promise<EffectResult<T>>,
): Promise<EffectResult<T> | undefined> {
  const row = await findEffect(journal.db, spec.id);
  if (row?.inputHash !== spec.inputHash) throw new Error(`effect ${spec.id} was reserved with another input`);
  if (row.state === "done") return undefined;
  for (let tries = 1; ; tries++) {
    const attempt = await startAttempt(journal, spec);
    try {
      return await run();
    } catch (error) {
      const event: BuildEvent = { type: "attempt-failed", step: spec.name, attempt, why: messageOf(error) };
      await journal.db
        .transaction()
        .execute((trx) => appendBuildEvents(trx, spec.buildId, { events: [event], at: journal.now() }));
      const waitMs = spec.retryAfterMs?.(error, tries);
      if (waitMs === undefined) throw error;
      await setTimeout(waitMs, undefined, { signal: spec.signal }).catch((cause: unknown) => {
        throw spec.signal.aborted ? spec.signal.reason : cause;
      });
    }
  }
}

/** Counted and told before the work begins, so that the audit trail is ahead of it and never behind. */
function startAttempt(journal: Journal, spec: EffectSpec & { readonly id: string }): Promise<number> {
  return journal.db.transaction().execute(async (trx) => {
    const attempt = await countAttempt(trx, spec.id);
    const event: BuildEvent = {
      type: "attempt-started",
      step: spec.name,
      kind: spec.kind,
      task: spec.task,
      attempt,
      ...(spec.model === undefined ? {} : { model: spec.model }),
    };
    await appendBuildEvents(trx, spec.buildId, { events: [event], at: journal.now() });
    return attempt;
  });
}
