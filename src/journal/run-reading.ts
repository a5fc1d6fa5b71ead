import type { z } from "zod";
import { findEffect, recordEffect } from "../store/effects.ts";
import { eventRows } from "./build-events.ts";
import type { EffectResult, EffectSpec, Journal } from "./effect.ts";
import { inputHash } from "./input-hash.ts";
import { RunEndedError, runOf } from "./run-ended.ts";

export type ReadingSpec<T> = Pick<EffectSpec<T>, "buildId" | "name" | "kind" | "task" | "input"> & {
  /** Reads a result that was recorded. */
  readonly schema: z.ZodType<T>;
};

/**
 * Runs what changes nothing, and records it once, when it has its result: a crash before that leaves no trace and no
 * harm. One statement, where an effect has three.
 *
 * @throws {RunEndedError} when the run ended before it had its result.
 */
export async function runReading<T>(
  journal: Journal,
  spec: ReadingSpec<T>,
  run: () => Promise<EffectResult<T>>,
): Promise<T> {
  const { buildId, kind, name, task, schema } = spec;
  const id = `${buildId}/${name}`;
  const hash = inputHash(spec.input);
  // The ledger would say so when it is recorded, too; only then the work was done for nothing.
  const known = journal.claim?.isFirst === true ? undefined : await findEffect(journal.db, id);
  if (known === undefined) {
    const { result, events } = await run();
    const row = { id, buildId, run: runOf(journal.claim, buildId), kind, name, task, inputHash: hash, result };
    const outcome = await recordEffect(journal.db, { ...row, events: eventRows(events), at: journal.now() });
    if (outcome === "ended") throw new RunEndedError(buildId);
    if (outcome === "recorded") return result;
  }
  // Another run of this build may have been quicker; what it found is what counts.
  const recorded = known ?? (await findEffect(journal.db, id));
  if (recorded?.state !== "done" || recorded.inputHash !== hash) throw new Error(`${id} was recorded otherwise`);
  return schema.parse(recorded.result);
}
