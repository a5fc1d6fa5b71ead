import { sql, type Transaction } from "kysely";
import { DatabaseError } from "pg";
import { z } from "zod";
import { AtosError, usageError } from "../base/errors.ts";
import { type Db, jsonText, type Tables } from "./database.ts";

export const BUILD_STATES = ["queued", "running", "paused", "cancelled", "green", "red", "refused"] as const;
export type BuildState = (typeof BUILD_STATES)[number];

const BUILD_WISHES = ["pause", "cancel"] as const;
/** What a client asked of a build; the worker grants it at the next safe point. */
export type BuildWish = (typeof BUILD_WISHES)[number];

/** States from which a build still goes on, by itself or when resumed. */
export const UNFINISHED: readonly BuildState[] = ["queued", "running", "paused"];

const buildRow = z
  .object({
    id: z.string(),
    goal: z.string(),
    state: z.enum(BUILD_STATES),
    request: z.unknown(),
    wish: z.enum(BUILD_WISHES).nullable(),
    run: z.int(),
    worker: z.string(),
    out_directory: z.string(),
    forked_from: z.string().nullable(),
    forked_step: z.string().nullable(),
    result: z.unknown(),
    created_at: z.date(),
    updated_at: z.date(),
  })
  .transform(({ out_directory, forked_from, forked_step, created_at, updated_at, ...rest }) => ({
    ...rest,
    outDirectory: out_directory,
    forkedFrom: forked_from,
    forkedStep: forked_step,
    createdAt: created_at,
    updatedAt: updated_at,
  }));

const servedRow = z.object({ id: z.string(), state: z.enum(BUILD_STATES), wish: z.enum(BUILD_WISHES).nullable() });

/** `request` and `result` are JSON as it was given; `result` is null until there is one. `run` counts how often it was begun. */
export type Build = Readonly<z.infer<typeof buildRow>>;

export type NewBuild = {
  readonly id: string;
  readonly goal: string;
  readonly request: unknown;
  /** The installation that is to run it. */
  readonly worker: string;
  readonly outDirectory: string;
  /** An evaluation made it. */
  readonly evaluation?: true;
  /** The build that it goes on from, and the first step that it does itself. */
  readonly forked?: { readonly from: string; readonly step: string };
  readonly at: Date;
};

/**
 * Adds a queued build.
 *
 * @throws {AtosError} `store/directory-in-use` when an unfinished build delivers to the same directory.
 */
export async function insertBuild(db: Db, build: NewBuild): Promise<Build> {
  const values = {
    id: build.id,
    goal: build.goal,
    state: "queued",
    request: jsonText(build.request),
    wish: null,
    worker: build.worker,
    out_directory: build.outDirectory,
    result: null,
    forked_from: build.forked?.from ?? null,
    forked_step: build.forked?.step ?? null,
    evaluation: build.evaluation ?? false,
    created_at: build.at,
    updated_at: build.at,
  };
  try {
    return buildRow.parse(await db.insertInto("atos.builds").values(values).returningAll().executeTakeFirstOrThrow());
  } catch (error) {
    throw directoryInUse(error, build) ?? error;
  }
}

export async function findBuild(db: Db, id: string): Promise<Build | undefined> {
  const row = await db.selectFrom("atos.builds").selectAll().where("id", "=", id).executeTakeFirst();
  return row && buildRow.parse(row);
}

/** The newest first. */
export async function listBuilds(db: Db, limit: number): Promise<readonly Build[]> {
  return buildRow.array().parse(await newestFirst(db).limit(limit).execute());
}

/** The unfinished build of `worker` that delivers to `outDirectory`; paths are compared as text. */
export async function buildUsingDirectory(
  db: Db,
  { worker, outDirectory }: { readonly worker: string; readonly outDirectory: string },
): Promise<Build | undefined> {
  const row = await newestFirst(db)
    .where("state", "in", UNFINISHED)
    .where("worker", "=", worker)
    .where("out_directory", "=", outDirectory)
    .executeTakeFirst();
  return row && buildRow.parse(row);
}

/**
 * Sets the state; an absent `result` leaves the recorded one.
 *
 * @throws {AtosError} `store/no-such-build`, or `store/directory-in-use` when a finished build would go on
 *   while another one delivers to its directory.
 */
export async function setBuildState(
  db: Db,
  change: { readonly id: string; readonly state: BuildState; readonly result?: unknown; readonly at: Date },
): Promise<Build> {
  const result = change.result === undefined ? {} : { result: jsonText(change.result) };
  const row = await db
    .updateTable("atos.builds")
    .set({ state: change.state, updated_at: change.at, ...result })
    .where("id", "=", change.id)
    .returningAll()
    .executeTakeFirst()
    .catch((error: unknown) => {
      throw directoryInUse(error, change) ?? error;
    });
  if (row === undefined) {
    throw new AtosError("store/no-such-build", `There is no build ${change.id} to become ${change.state}.`);
  }
  return buildRow.parse(row);
}

/** Records or (null) withdraws a wish. False when the build is unknown or finished: nothing can be granted any more. */
export async function setWish(
  db: Db,
  change: { readonly id: string; readonly wish: BuildWish | null; readonly at: Date },
): Promise<boolean> {
  let update = db
    .updateTable("atos.builds")
    .set({ wish: change.wish, updated_at: change.at })
    .where("id", "=", change.id)
    .where("state", "in", change.wish === "pause" ? ["queued", "running"] : UNFINISHED);
  // Who wants it paused must not undo that somebody wants it ended.
  if (change.wish === "pause")
    update = update.where((where) => where.or([where("wish", "is", null), where("wish", "=", "pause")]));
  return (await update.returning("id").executeTakeFirst()) !== undefined;
}

/** Builds of `worker` that are queued or running, or that somebody wants something of; the newest first. */
export async function buildsToServe(db: Db, worker: string): Promise<readonly Pick<Build, "id" | "state" | "wish">[]> {
  const rows = await db
    .selectFrom("atos.builds")
    .select(["id", "state", "wish"])
    .where("worker", "=", worker)
    .where("state", "in", UNFINISHED)
    .where((where) => where.or([where("state", "!=", "paused"), where("wish", "is not", null)]))
    .orderBy("created_at", "desc")
    .orderBy("id")
    .execute();
  return servedRow.array().parse(rows);
}

/**
 * Begins the next run of a queued or running build and sets it to running: what the run before still does is no longer
 * recorded. Undefined when the build is something else by now.
 */
export async function claimBuild(
  db: Db,
  { id, at }: { readonly id: string; readonly at: Date },
): Promise<Build | undefined> {
  const row = await db
    .updateTable("atos.builds")
    .set(({ eb }) => ({ state: "running", run: eb("run", "+", 1), updated_at: at }))
    .where("id", "=", id)
    .where("state", "in", ["queued", "running"])
    .returningAll()
    .executeTakeFirst();
  return row && buildRow.parse(row);
}

/**
 * Whether `run` is the build's run, and the build runs; if so it stays that way until the transaction ends. To be asked
 * before anything else is locked.
 */
export async function hasClaim(
  transaction: Transaction<Tables>,
  claim: { readonly buildId: string; readonly run: number },
): Promise<boolean> {
  const { rows } = await sql<{ has: boolean }>`
    select atos.has_claim(${claim.buildId}, ${claim.run}) as has`.execute(transaction);
  return rows[0]?.has === true;
}

/**
 * The build, locked until the transaction ends: what is decided from it stays true that long. Not against new rows that
 * name it: who adds to its trail has the trail's lock, and would wait for this one.
 */
export async function lockBuild(transaction: Transaction<Tables>, id: string): Promise<Build | undefined> {
  const row = await transaction
    .selectFrom("atos.builds")
    .selectAll()
    .where("id", "=", id)
    .forNoKeyUpdate()
    .executeTakeFirst();
  return row && buildRow.parse(row);
}

function newestFirst(db: Db) {
  return db.selectFrom("atos.builds").selectAll().orderBy("created_at", "desc").orderBy("id", "desc");
}

function directoryInUse(
  error: unknown,
  build: { readonly id: string; readonly outDirectory?: string },
): AtosError | undefined {
  if (!(error instanceof DatabaseError) || error.constraint !== "builds_one_per_directory") return undefined;
  const where = build.outDirectory ?? "the same directory";
  return usageError(
    "store/directory-in-use",
    `Another unfinished build delivers to ${where}, so build ${build.id} can't. ` +
      "Choose another directory, or finish or cancel the other build.",
  );
}
