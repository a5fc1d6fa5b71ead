import { z } from "zod";
import { BUILD_STATES, type Build, findBuild, UNFINISHED } from "./builds.ts";
import type { Db } from "./database.ts";

const listedRow = z
  .object({
    id: z.string(),
    state: z.enum(BUILD_STATES),
    goal: z.string(),
    out_directory: z.string(),
    created_at: z.date(),
    evaluation: z.boolean(),
  })
  .transform(({ out_directory: outDirectory, created_at: createdAt, ...rest }) => ({
    ...rest,
    outDirectory,
    createdAt,
  }));
export type ListedBuild = Readonly<z.infer<typeof listedRow>>;

/** The newest first; `all`: with those of evaluations. */
export async function newestBuilds(
  db: Db,
  { limit, all }: { readonly limit: number; readonly all: boolean },
): Promise<readonly ListedBuild[]> {
  let query = newestFirst(db).select(["id", "state", "goal", "out_directory", "created_at", "evaluation"]).limit(limit);
  if (!all) query = query.where("evaluation", "=", false);
  return listedRow.array().parse(await query.execute());
}

/** The newest build that is no evaluation's; with `unfinishedOf` the newest of that installation that may still go on. */
export async function newestBuild(
  db: Db,
  { unfinishedOf }: { readonly unfinishedOf?: string } = {},
): Promise<Build | undefined> {
  let query = newestFirst(db).select("id").where("evaluation", "=", false).limit(1);
  if (unfinishedOf !== undefined) query = query.where("worker", "=", unfinishedOf).where("state", "in", UNFINISHED);
  const row = await query.executeTakeFirst();
  return row === undefined ? undefined : findBuild(db, row.id);
}

function newestFirst(db: Db) {
  return db.selectFrom("atos.builds").orderBy("created_at", "desc").orderBy("id", "desc");
}
