import { z } from "zod";
import { type Db, jsonText } from "./database.ts";

const wishRow = z
  .object({ id: z.string(), worker: z.string(), model: z.string().nullable(), asked_at: z.date() })
  .transform(({ asked_at, model, ...rest }) => ({ ...rest, model: model ?? undefined, askedAt: asked_at }));

/** What a client asked a worker to unload: the model of that name, or every idle one. */
export type UnloadWish = Readonly<z.infer<typeof wishRow>>;

const answerSchema = z.object({
  /** Models that were unloaded. */
  unloaded: z.array(z.string()).readonly(),
  /** Models that are in the middle of a turn, and are unloaded when it ends. */
  busy: z.array(z.string()).readonly(),
});

/** Both empty: nothing of that name was loaded, or nothing at all. */
export type UnloadAnswer = Readonly<z.infer<typeof answerSchema>>;

/** For how long an answer is kept: its client reads it within seconds, or is gone. */
const KEEP_MS = 3_600_000;

/** Records the wish; answers that nobody reads any more are dropped. */
export async function askUnload(
  db: Db,
  wish: { readonly id: string; readonly worker: string; readonly model: string | undefined; readonly at: Date },
): Promise<void> {
  const { id, worker, model, at } = wish;
  await db
    .deleteFrom("atos.pool_wishes")
    .where("done_at", "<", new Date(at.getTime() - KEEP_MS))
    .execute();
  const values = { id, worker, model: model ?? null, asked_at: at, done_at: null, answer: null };
  await db.insertInto("atos.pool_wishes").values(values).execute();
}

/** The wishes of `worker` that have no answer yet, the oldest first; each is given until it is finished. */
export async function takeUnloadWishes(db: Db, worker: string): Promise<readonly UnloadWish[]> {
  const rows = await db
    .selectFrom("atos.pool_wishes")
    .select(["id", "worker", "model", "asked_at"])
    .where("worker", "=", worker)
    .where("done_at", "is", null)
    .orderBy("asked_at")
    .orderBy("id")
    .execute();
  return wishRow.array().parse(rows);
}

/** Answers a wish, once: one that is withdrawn or answered already stays as it is. */
export async function finishUnloadWish(
  db: Db,
  { id, answer, at }: { readonly id: string; readonly answer: UnloadAnswer; readonly at: Date },
): Promise<void> {
  await db
    .updateTable("atos.pool_wishes")
    .set({ done_at: at, answer: jsonText(answer) })
    .where("id", "=", id)
    .where("done_at", "is", null)
    .execute();
}

/** The answer, once there is one. */
export async function findUnloadAnswer(db: Db, id: string): Promise<UnloadAnswer | undefined> {
  const row = await db.selectFrom("atos.pool_wishes").select("answer").where("id", "=", id).executeTakeFirst();
  return answerSchema.nullish().parse(row?.answer) ?? undefined;
}

/** Takes a wish back that has no answer, so that nothing happens after its client has gone. */
export async function withdrawUnload(db: Db, id: string): Promise<void> {
  await db.deleteFrom("atos.pool_wishes").where("id", "=", id).where("done_at", "is", null).execute();
}
