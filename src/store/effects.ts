import { sql } from "kysely";
import { z } from "zod";
import { AtosError } from "../base/errors.ts";
import type { EffectKind } from "../base/events.ts";
import { type Db, jsonText } from "./database.ts";

const EFFECT_KINDS = {
  turn: "turn",
  tests: "tests",
  workspace: "workspace",
  deliver: "deliver",
  tool: "tool",
} as const satisfies { readonly [Kind in EffectKind]: Kind };

const effectRow = z
  .object({
    id: z.string(),
    build_id: z.string(),
    kind: z.enum(EFFECT_KINDS),
    name: z.string(),
    task: z.string(),
    input_hash: z.string(),
    state: z.enum(["reserved", "done"]),
    attempts: z.int(),
    result: z.unknown(),
    reserved_at: z.date(),
    finished_at: z.date().nullable(),
    tree_before: z.string().nullable(),
    tree_after: z.string().nullable(),
  })
  .transform(({ build_id, input_hash, reserved_at, finished_at, tree_before, tree_after, ...rest }) => ({
    ...rest,
    buildId: build_id,
    inputHash: input_hash,
    reservedAt: reserved_at,
    finishedAt: finished_at,
    treeBefore: tree_before,
    treeAfter: tree_after,
  }));

/** One row of the effect ledger. `result` is JSON as it was given, and means something only when `state` is done. */
export type Effect = Readonly<z.infer<typeof effectRow>>;

export type EffectReservation = {
  readonly id: string;
  readonly buildId: string;
  readonly kind: EffectKind;
  readonly name: string;
  readonly task: string;
  readonly inputHash: string;
  /** The workspace as it is, for an effect that changes one. */
  readonly treeBefore?: string;
  readonly at: Date;
};

/**
 * Reserves an effect before it happens and returns its row: the new one, or the one of an earlier reservation,
 * untouched. It is the caller's part to compare `inputHash` and to look at `state`.
 */
export async function reserveEffect(db: Db, effect: EffectReservation): Promise<Effect> {
  const values = {
    id: effect.id,
    build_id: effect.buildId,
    kind: effect.kind,
    name: effect.name,
    task: effect.task,
    input_hash: effect.inputHash,
    state: "reserved",
    reserved_at: effect.at,
    finished_at: null,
    tree_before: effect.treeBefore ?? null,
    tree_after: null,
  };
  const row = await db
    .insertInto("atos.effects")
    .values(values)
    .onConflict((conflict) => conflict.column("id").doNothing())
    .returningAll()
    .executeTakeFirst();
  const reserved = row === undefined ? await findEffect(db, effect.id) : effectRow.parse(row);
  if (reserved === undefined) throw noSuchEffect(effect.id, "be reserved: it was deleted meanwhile");
  return reserved;
}

/**
 * Counts one more attempt and returns how many there are now.
 *
 * @throws {AtosError} `store/no-such-effect`.
 */
export async function countAttempt(db: Db, id: string): Promise<number> {
  const row = await db
    .updateTable("atos.effects")
    .set(({ eb }) => ({ attempts: eb("attempts", "+", 1) }))
    .where("id", "=", id)
    .returning("attempts")
    .executeTakeFirst();
  if (row === undefined) throw noSuchEffect(id, "be attempted");
  return row.attempts;
}

/**
 * Records the result. An effect finishes once: the second finisher is told, so that its transaction undoes
 * whatever it did beside.
 *
 * @throws {AtosError} `store/effect-already-done` or `store/no-such-effect`.
 */
export async function finishEffect(
  db: Db,
  finish: { readonly id: string; readonly result: unknown; readonly treeAfter?: string; readonly at: Date },
): Promise<Effect> {
  const row = await db
    .updateTable("atos.effects")
    .set({
      state: "done",
      result: jsonText(finish.result),
      tree_after: finish.treeAfter ?? null,
      finished_at: finish.at,
    })
    .where("id", "=", finish.id)
    .where("state", "=", "reserved")
    .returningAll()
    .executeTakeFirst();
  if (row !== undefined) return effectRow.parse(row);
  const done = await findEffect(db, finish.id);
  if (done === undefined) throw noSuchEffect(finish.id, "be finished");
  throw new AtosError(
    "store/effect-already-done",
    `Effect ${finish.id} was finished at ${done.finishedAt?.toISOString() ?? "an unknown time"} and finishes only ` +
      "once. Use the recorded result; two workers may be running the same build.",
  );
}

/**
 * Records an effect that is done already and had no attempts to count, with events for its build's trail, in one
 * statement. False when it was recorded before; then nothing is added.
 */
export async function recordEffect(
  db: Db,
  done: EffectReservation & {
    readonly result: unknown;
    readonly events: readonly { readonly type: string; readonly data: unknown }[];
  },
): Promise<boolean> {
  const { id, buildId, kind, name, task, inputHash, at, events } = done;
  const types = events.map(({ type }) => type);
  const texts = events.map(({ data }) => jsonText(data));
  const { rows } = await sql`
    with done as (
      insert into atos.effects
        (id, build_id, kind, name, task, input_hash, state, attempts, result, reserved_at, finished_at)
      values (${id}, ${buildId}, ${kind}, ${name}, ${task}, ${inputHash}, 'done', 0, ${jsonText(done.result)}::json, ${at}, ${at})
      on conflict (id) do nothing returning 1
    )
    select atos.append_events(${buildId}, ${at}, ${types}::text[], ${texts}::text[]) from done`.execute(db);
  return rows.length > 0;
}

export async function findEffect(db: Db, id: string): Promise<Effect | undefined> {
  const row = await db.selectFrom("atos.effects").selectAll().where("id", "=", id).executeTakeFirst();
  return row && effectRow.parse(row);
}

/** All effects of a build, in the order they were reserved. */
export async function listEffects(db: Db, buildId: string): Promise<readonly Effect[]> {
  const rows = await db
    .selectFrom("atos.effects")
    .selectAll()
    .where("build_id", "=", buildId)
    .orderBy("reserved_at")
    .orderBy("id")
    .execute();
  return effectRow.array().parse(rows);
}

function noSuchEffect(id: string, what: string): AtosError {
  return new AtosError("store/no-such-effect", `There is no effect ${id} to ${what}.`);
}
