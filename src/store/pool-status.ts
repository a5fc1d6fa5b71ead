import { z } from "zod";
import { type Db, jsonText } from "./database.ts";

const statusRow = z.object({ worker: z.string(), at: z.date(), status: z.unknown() });

/** What a worker's pool holds, as it told last. `status` is JSON as it was given: its shape is the pool's. */
export type StoredPoolStatus = Readonly<z.infer<typeof statusRow>>;

/** Puts the worker's status in place of its last one; one that is older than that changes nothing. */
export async function writePoolStatus(
  db: Db,
  { worker, status, at }: { readonly worker: string; readonly status: unknown; readonly at: Date },
): Promise<void> {
  const values = { at, status: jsonText(status) };
  await db
    .insertInto("atos.pool_status")
    .values({ worker, ...values })
    .onConflict((conflict) => conflict.column("worker").doUpdateSet(values).where("atos.pool_status.at", "<=", at))
    .execute();
}

/** One for each worker of this database that told one, in the order of their names. */
export async function readPoolStatuses(db: Db): Promise<readonly StoredPoolStatus[]> {
  return statusRow.array().parse(await db.selectFrom("atos.pool_status").selectAll().orderBy("worker").execute());
}

/** Nothing is loaded there any more, as when the worker begins or ends. */
export async function removePoolStatus(db: Db, worker: string): Promise<void> {
  await db.deleteFrom("atos.pool_status").where("worker", "=", worker).execute();
}
