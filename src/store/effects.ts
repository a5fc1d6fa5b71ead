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
  record: "record",
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

/** What goes into the trail with a change of the ledger: `data` is any JSON value. */
export type EventRow = { readonly type: string; readonly data: unknown };

/** Of which build, and by which run of it; without a run it is not asked whether that one still has the build. */
export type Recording = { readonly buildId: string; readonly run?: number | undefined };

export type EffectReservation = Recording & {
  readonly id: string;
  readonly kind: EffectKind;
  readonly name: string;
  readonly task: string;
  readonly inputHash: string;
  /** The workspace as it is, for an effect that changes one. */
  readonly treeBefore?: string;
  /** Go into the trail when the effect is new. */
  readonly events?: readonly EventRow[];
  readonly at: Date;
};

/**
 * Reserves an effect before it happens and returns its row: the new one, or the one of an earlier reservation,
 * untouched. Undefined when the run has ended. It is the caller's part to compare `inputHash` and to look at `state`.
 */
export async function reserveEffect(db: Db, effect: EffectReservation): Promise<Effect | undefined> {
  const { buildId, run, id, kind, name, task, inputHash, treeBefore, events, at } = effect;
  const { types, texts } = columnsOf(events);
  const { rows } = await sql`
    select * from atos.reserve_effect(${buildId}, ${run ?? null}, ${id}, ${kind}, ${name}, ${task}, ${inputHash},
      ${treeBefore ?? null}, ${at}, ${types}, ${texts})`.execute(db);
  return effectRow.optional().parse(rows[0]);
}

/** What the trail is told of an attempt, without its number. */
export type AttemptTold = { readonly step: string } & Readonly<Record<string, string>>;

/**
 * As {@link reserveEffect}, and unless it is done its next attempt too: counted in `attempts`, and told to the trail
 * after the events. For one that is there with another input nothing is begun.
 */
export async function beginEffect(
  db: Db,
  effect: Omit<EffectReservation, "treeBefore"> & { readonly told: AttemptTold },
): Promise<Effect | undefined> {
  const { buildId, run, id, kind, name, task, inputHash, told, events, at } = effect;
  const { types, texts } = columnsOf(events);
  const { rows } = await sql`
    select * from atos.begin_effect(${buildId}, ${run ?? null}, ${id}, ${kind}, ${name}, ${task}, ${inputHash},
      ${jsonText(told)}, ${at}, ${types}, ${texts})`.execute(db);
  return effectRow.optional().parse(rows[0]);
}

/**
 * Counts one more attempt, tells the trail, and returns how many there are now; undefined when the run has ended.
 * `told` is the event without its number.
 *
 * @throws {AtosError} `store/effect-already-done` or `store/no-such-effect`.
 */
export async function startAttempt(
  db: Db,
  start: Recording & {
    readonly id: string;
    readonly told: AttemptTold;
    readonly at: Date;
  },
): Promise<number | undefined> {
  const { buildId, run, id, told, at } = start;
  const { rows } = await sql<{ attempt: number | null }>`
    select atos.start_attempt(${buildId}, ${run ?? null}, ${id}, ${at}, ${jsonText(told)}) as attempt`.execute(db);
  const attempt = rows[0]?.attempt ?? undefined;
  if (attempt === 0) throw await notReserved(db, id, "be attempted");
  return attempt;
}

/**
 * Records the result, with its events; false when the run has ended. An effect finishes once: the second finisher is
 * told, so that its transaction undoes whatever it did beside.
 *
 * @throws {AtosError} `store/effect-already-done` or `store/no-such-effect`.
 */
export async function finishEffect(
  db: Db,
  finish: Recording & {
    readonly id: string;
    readonly result: unknown;
    readonly treeAfter?: string;
    readonly events?: readonly EventRow[];
    readonly at: Date;
  },
): Promise<boolean> {
  const { buildId, run, id, result, treeAfter, at } = finish;
  const { types, texts } = columnsOf(finish.events);
  const { rows } = await sql<{ outcome: "finished" | "ended" | "not-reserved" }>`
    select atos.finish_effect(${buildId}, ${run ?? null}, ${id}, ${jsonText(result)}, ${treeAfter ?? null}, ${at},
      ${types}, ${texts}) as outcome`.execute(db);
  if (rows[0]?.outcome === "not-reserved") throw await notReserved(db, id, "be finished");
  return rows[0]?.outcome === "finished";
}

/** `known`: it was recorded before, and nothing is added; `ended`: the run has ended. */
export type RecordOutcome = "recorded" | "known" | "ended";

/**
 * Records an effect that is done already and had no attempts to count, with events for its build's trail, in one
 * statement.
 */
export async function recordEffect(
  db: Db,
  done: Omit<EffectReservation, "treeBefore"> & { readonly result: unknown },
): Promise<RecordOutcome> {
  const { buildId, run, id, kind, name, task, inputHash, result, at } = done;
  const { types, texts } = columnsOf(done.events);
  const { rows } = await sql<{ outcome: RecordOutcome }>`
    select atos.record_effect(${buildId}, ${run ?? null}, ${id}, ${kind}, ${name}, ${task}, ${inputHash},
      ${jsonText(result)}, ${at}, ${types}, ${texts}) as outcome`.execute(db);
  return rows[0]?.outcome ?? "ended";
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

/**
 * Gives the build `to` its own copies of finished effects of the build `from`, those of `names`. Their ids are the
 * build's id, a slash and the name. Returns how many there were.
 */
export async function copyEffects(
  db: Db,
  { from, to, names }: { readonly from: string; readonly to: string; readonly names: readonly string[] },
): Promise<number> {
  const { numAffectedRows } = await sql`
    insert into atos.effects (id, build_id, kind, name, task, input_hash, state, attempts, result, reserved_at,
      finished_at, tree_before, tree_after)
    select ${to} || '/' || name, ${to}, kind, name, task, input_hash, state, attempts, result, reserved_at,
      finished_at, tree_before, tree_after
    from atos.effects where build_id = ${from} and state = 'done' and name = any(${[...names]}::text[])`.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** A step of ATOS's own tables on its way into the ledger, without a result. */
export type StepRecord = Pick<EffectReservation, "buildId" | "run" | "id" | "name" | "inputHash" | "events" | "at">;

/** The arguments that every function begins with which records such a step. */
export function stepArguments({ buildId, run, id, name, inputHash, events, at }: StepRecord) {
  const { types, texts } = columnsOf(events);
  return sql`${buildId}, ${run ?? null}, ${id}, ${name}, ${inputHash}, ${at}, ${types}, ${texts}`;
}

function columnsOf(events: readonly EventRow[] = []): {
  readonly types: readonly string[];
  readonly texts: readonly string[];
} {
  return { types: events.map(({ type }) => type), texts: events.map(({ data }) => jsonText(data)) };
}

async function notReserved(db: Db, id: string, what: string): Promise<AtosError> {
  const done = await findEffect(db, id);
  if (done === undefined) return new AtosError("store/no-such-effect", `There is no effect ${id} to ${what}.`);
  return new AtosError(
    "store/effect-already-done",
    `Effect ${id} was finished at ${done.finishedAt?.toISOString() ?? "an unknown time"} and finishes only ` +
      "once. Use the recorded result; two workers may be running the same build.",
  );
}
