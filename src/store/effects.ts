import { sql } from "kysely";
import { DatabaseError } from "pg";
import { z } from "zod";
import { AtosError } from "../base/errors.ts";
import type { EffectKind, TaskState } from "../base/events.ts";
import { type Db, jsonText } from "./database.ts";
import type { TaskResult } from "./task-results.ts";

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

const begunRow = z
  .object({ state: z.enum(["reserved", "done"]), input_hash: z.string(), attempts: z.int(), result: z.unknown() })
  .transform(({ input_hash: inputHash, ...rest }) => ({ ...rest, inputHash }));

/** What is told of an effect that is begun. */
export type BegunEffect = Readonly<z.infer<typeof begunRow>>;

/**
 * Records what is held, then as {@link reserveEffect}, and unless the effect is done its next attempt too: counted in
 * `attempts`, and told to the trail after the events. For one that is there with another input nothing is begun.
 *
 * @throws {AtosError} as {@link recordHeld}.
 */
export async function beginEffect(
  db: Db,
  effect: Omit<EffectReservation, "treeBefore"> & { readonly told: AttemptTold; readonly held?: readonly HeldStep[] },
): Promise<BegunEffect | undefined> {
  const { buildId, run, id, kind, name, task, inputHash, told, events, held = [], at } = effect;
  const { types, texts } = columnsOf(events);
  return orHeldProblem(async () => {
    const { rows } = await sql`
      select * from atos.begin_effect(${buildId}, ${run ?? null}, ${held.length === 0 ? null : heldText(held)}, ${id},
        ${kind}, ${name}, ${task}, ${inputHash}, ${jsonText(told)}, ${at}, ${types}, ${texts})`.execute(db);
    return begunRow.optional().parse(rows[0]);
  });
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

/** The end of an effect that was reserved: its result, and the workspace as it was left. */
type EffectEnd = { readonly id: string; readonly result: unknown; readonly treeAfter?: string };

/** A step that is recorded when it is done, and had no attempts to count. */
type StepEnd = Pick<EffectReservation, "id" | "kind" | "name" | "task" | "inputHash"> & {
  readonly result: unknown;
  /** What it changes beside, in the same transaction. */
  readonly change?: StepChange;
};

export type StepChange =
  | { readonly kind: "task-state"; readonly task: string; readonly state: TaskState }
  /** A result that is there already stays. */
  | { readonly kind: "task-result"; readonly result: TaskResult };

/** What was done, and is not in the ledger yet; with events for the trail. */
export type HeldStep = (EffectEnd | StepEnd) & { readonly events?: readonly EventRow[]; readonly at: Date };

/**
 * Records what was done, in this order, in one transaction; false when the run has ended, and then nothing is. What is
 * recorded is never changed: the second finisher of a step is told.
 *
 * @throws {AtosError} `store/effect-already-done`, `store/no-such-effect` or `store/no-such-task`.
 */
export async function recordHeld(db: Db, { buildId, run }: Recording, held: readonly HeldStep[]): Promise<boolean> {
  return orHeldProblem(async () => {
    const { rows } = await sql<{ recorded: boolean }>`
      select atos.record_held(${buildId}, ${run ?? null}, ${heldText(held)}) as recorded`.execute(db);
    return rows[0]?.recorded === true;
  });
}

function heldText(held: readonly HeldStep[]): string {
  return jsonText(
    held.map((step) => {
      const ended = { id: step.id, at: step.at, result: jsonText(step.result), ...columnsOf(step.events) };
      if (!("kind" in step)) return { ...ended, tree: step.treeAfter };
      const { kind, name, task, inputHash: hash } = step;
      return { ...ended, kind, name, task, hash, ...changeColumns(step.change) };
    }),
  );
}

function changeColumns(change: StepChange | undefined): object {
  if (change === undefined) return {};
  return change.kind === "task-state" ? { state_of: change.task, state: change.state } : { outcome: change.result };
}

/** By the code that `atos.record_held` fails with; the message is the step's id, or the task's. */
const HELD_PROBLEMS = new Map<string, (id: string) => AtosError>([
  ["AT001", alreadyDone],
  ["AT002", (id) => noSuchEffect(id, "be finished")],
  ["AT003", (id) => new AtosError("store/no-such-task", `There is no task ${id} to get another state.`)],
]);

async function orHeldProblem<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const problem = error instanceof DatabaseError && HELD_PROBLEMS.get(error.code ?? "");
    throw problem ? problem(error.message) : error;
  }
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

function columnsOf(events: readonly EventRow[] = []): {
  readonly types: readonly string[];
  readonly texts: readonly string[];
} {
  return { types: events.map(({ type }) => type), texts: events.map(({ data }) => jsonText(data)) };
}

async function notReserved(db: Db, id: string, what: string): Promise<AtosError> {
  return (await findEffect(db, id)) === undefined ? noSuchEffect(id, what) : alreadyDone(id);
}

function noSuchEffect(id: string, what: string): AtosError {
  return new AtosError("store/no-such-effect", `There is no effect ${id} to ${what}.`);
}

function alreadyDone(id: string): AtosError {
  return new AtosError(
    "store/effect-already-done",
    `Effect ${id} was finished already, and finishes only once. Use the recorded result; two workers may be running the same build, or two of its steps have one name.`,
  );
}
