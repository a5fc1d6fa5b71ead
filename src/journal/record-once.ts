import type { Transaction } from "kysely";
import { z } from "zod";
import type { BuildEvent } from "../base/events.ts";
import type { Tables } from "../store/database.ts";
import { findEffect, recordHeld, reserveEffect, type StepChange } from "../store/effects.ts";
import { eventRows } from "./build-events.ts";
import type { EffectResult, Journal } from "./effect.ts";
import { inputHash } from "./input-hash.ts";
import { RunEndedError, runOf } from "./run-ended.ts";
import { recordDone } from "./step-writer.ts";

export type RecordedStep = {
  readonly buildId: string;
  /** Unique within the build and the same at every replay. */
  readonly name: string;
  readonly task?: string;
  /** What decides the result, if that is worth a check: a replay with another input is a bug and throws. */
  readonly input?: unknown;
};

/**
 * Runs a step that changes nothing but ATOS's own tables, in the one transaction that records it: it has happened once
 * or not at all. A replay returns what was recorded. `T` must survive JSON.
 *
 * The build's other steps wait meanwhile: `work` asks nobody but the database.
 *
 * @throws {RunEndedError} when it is not recorded yet and the run has ended.
 */
export async function recordOnce<T>(
  journal: Journal,
  step: RecordedStep,
  work: (transaction: Transaction<Tables>) => Promise<EffectResult<T>>,
): Promise<T> {
  const told = journal.told?.() ?? [];
  const { buildId, name, task = "" } = step;
  const id = `${buildId}/${name}`;
  const run = runOf(journal.claim, buildId);
  const hash = inputHash(step.input);
  await journal.writer?.settle();
  return journal.db.transaction().execute(async (trx) => {
    const row = { id, buildId, run, kind: "record", name, task, inputHash: hash, at: journal.now() } as const;
    const found = await reserveEffect(trx, { ...row, events: eventRows(told) });
    if (found === undefined) throw new RunEndedError(buildId, { step: name });
    if (found.kind !== "record" || found.inputHash !== hash) throw new Error(`step ${id} was recorded otherwise`);
    if (found.state === "done") return z.custom<T>().parse(found.result);
    const { result, events } = await work(trx);
    // The claim is held since the reservation, and the work may itself have ended the run.
    await recordHeld(trx, { buildId }, [{ id, result, events: eventRows(events), at: journal.now() }]);
    return result;
  });
}

/**
 * As {@link recordOnce} for a step that has no result and decides nothing by what the database holds: it waits for
 * nobody, and is recorded with the build's next step.
 *
 * @throws {RunEndedError} when it is not recorded yet and the run has ended; with a writer, the next step throws it.
 */
export async function recordStep(journal: Journal, { buildId, name, events, change }: PlainStep): Promise<void> {
  const told = journal.told?.() ?? [];
  const id = `${buildId}/${name}`;
  const known = journal.claim?.isFirst === true ? undefined : await findEffect(journal.db, id);
  if (known === undefined) {
    const step = { id, kind: "record", name, task: "", inputHash: inputHash(undefined), result: null } as const;
    const rows = eventRows([...told, ...events]);
    return recordDone(
      journal,
      { buildId, name },
      { ...step, ...(change && { change }), events: rows, at: journal.now() },
    );
  }
  if (known.kind !== "record" || known.state !== "done") throw new Error(`step ${id} was recorded otherwise`);
}

type PlainStep = Pick<RecordedStep, "buildId" | "name"> & {
  readonly events: readonly BuildEvent[];
  readonly change?: StepChange;
};

/** The result of a step of any kind that is done; undefined when it is not. */
export async function findRecorded<T>(
  journal: Pick<Journal, "db">,
  { buildId, name }: Pick<RecordedStep, "buildId" | "name">,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const found = await findEffect(journal.db, `${buildId}/${name}`);
  return found?.state === "done" ? schema.parse(found.result) : undefined;
}
