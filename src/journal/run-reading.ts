import type { z } from "zod";
import { findEffect } from "../store/effects.ts";
import { eventRows } from "./build-events.ts";
import type { EffectResult, EffectSpec, Journal } from "./effect.ts";
import { inputHash } from "./input-hash.ts";
import { recordDone } from "./step-writer.ts";

export type ReadingSpec<T> = Pick<EffectSpec<T>, "buildId" | "name" | "kind" | "task" | "input"> & {
  /** Reads a result that was recorded. */
  readonly schema: z.ZodType<T>;
};

/**
 * Runs what changes nothing, and records it once, when it has its result: a crash before that leaves no trace and no
 * harm.
 *
 * @throws {RunEndedError} when the run ended before it had its result; with a writer, the next step throws it.
 */
export async function runReading<T>(
  journal: Journal,
  spec: ReadingSpec<T>,
  run: () => Promise<EffectResult<T>>,
): Promise<T> {
  const { buildId, kind, name, task, schema } = spec;
  const id = `${buildId}/${name}`;
  const hash = inputHash(spec.input);
  const known = journal.claim?.isFirst === true ? undefined : await findEffect(journal.db, id);
  if (known !== undefined) {
    if (known.state !== "done" || known.inputHash !== hash) throw new Error(`${id} was recorded otherwise`);
    return schema.parse(known.result);
  }
  const { result, events } = await run();
  const step = { id, kind, name, task, inputHash: hash, result };
  await recordDone(journal, { buildId, name }, { ...step, events: eventRows(events), at: journal.now() });
  return result;
}
