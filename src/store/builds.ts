import type { Transaction } from "kysely";
import { DatabaseError } from "pg";
import { z } from "zod";
import { AtosError, usageError } from "../base/errors.ts";
import { type Db, jsonText, type Tables } from "./database.ts";

const BUILD_STATES = ["queued", "running", "paused", "cancelled", "green", "red", "refused"] as const;
export type BuildState = (typeof BUILD_STATES)[number];

/** What a client asked of a build; the worker grants it at the next safe point. */
export type BuildWish = "pause" | "cancel";

/** States from which a build still goes on, by itself or when resumed. */
const UNFINISHED = ["queued", "running", "paused"] as const satisfies readonly BuildState[];

const buildRow = z
  .object({
    id: z.string(),
    goal: z.string(),
    state: z.enum(BUILD_STATES),
    request: z.unknown(),
    wish: z.enum(["pause", "cancel"]).nullable(),
    worker: z.string(),
    out_directory: z.string(),
    result: z.unknown(),
    created_at: z.date(),
    updated_at: z.date(),
  })
  .transform(({ out_directory, created_at, updated_at, ...rest }) => ({
    ...rest,
    outDirectory: out_directory,
    createdAt: created_at,
    updatedAt: updated_at,
  }));

/** `request` and `result` are JSON as it was given; `result` is null until there is one. */
export type Build = Readonly<z.infer<typeof buildRow>>;

export type NewBuild = {
  readonly id: string;
  readonly goal: string;
  readonly request: unknown;
  /** The installation that is to run it. */
  readonly worker: string;
  readonly outDirectory: string;
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

/** The newest build of `worker` that is queued, running or paused. */
export async function latestUnfinishedBuild(db: Db, worker: string): Promise<Build | undefined> {
  const row = await newestFirst(db)
    .where("worker", "=", worker)
    .where("state", "in", UNFINISHED)
    .limit(1)
    .executeTakeFirst();
  return row && buildRow.parse(row);
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

/** Unfinished builds of `worker` with a wish not yet withdrawn, the newest first. */
export async function buildsWithWish(db: Db, worker: string): Promise<readonly Build[]> {
  const rows = await newestFirst(db)
    .where("worker", "=", worker)
    .where("wish", "is not", null)
    .where("state", "in", UNFINISHED)
    .execute();
  return buildRow.array().parse(rows);
}

/** Builds of `worker` that are queued or running, the newest first. */
export async function activeBuilds(db: Db, worker: string): Promise<readonly Build[]> {
  const rows = await newestFirst(db).where("worker", "=", worker).where("state", "in", ["queued", "running"]).execute();
  return buildRow.array().parse(rows);
}

/** Sets a queued or running build to running; undefined when it is something else by now. */
export async function claimBuild(
  db: Db,
  { id, at }: { readonly id: string; readonly at: Date },
): Promise<Build | undefined> {
  const row = await db
    .updateTable("atos.builds")
    .set({ state: "running", updated_at: at })
    .where("id", "=", id)
    .where("state", "in", ["queued", "running"])
    .returningAll()
    .executeTakeFirst();
  return row && buildRow.parse(row);
}

/** The build, locked until the transaction ends: what is decided from it stays true that long. */
export async function lockBuild(transaction: Transaction<Tables>, id: string): Promise<Build | undefined> {
  const row = await transaction
    .selectFrom("atos.builds")
    .selectAll()
    .where("id", "=", id)
    .forUpdate()
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
