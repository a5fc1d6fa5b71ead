import { sql, type Transaction } from "kysely";
import { z } from "zod";
import { type Db, jsonText, type Tables } from "./database.ts";

const eventRow = z.object({ seq: z.int(), at: z.date(), type: z.string(), data: z.unknown() });

/** One event of a build. `seq` counts from 1 without a gap; `data` is JSON as it was given. */
export type StoredEvent = Readonly<z.infer<typeof eventRow>>;

/** First half of the two-part advisory lock key; the second is the build's hash. */
const EVENT_LOCK = 0x61746f73;

/**
 * Appends an event and returns its number.
 *
 * Holds the build's lock until the transaction ends, so numbers appear in the order they were given and a
 * reader that follows by `seq > last` misses none. Append last in a transaction, and to one build only:
 * others wait meanwhile. The transaction must be `read committed`, which is Postgres's default.
 */
export async function appendEvent(
  transaction: Transaction<Tables>,
  event: { readonly buildId: string; readonly type: string; readonly data: unknown; readonly at: Date },
): Promise<number> {
  // Two statements: the insert's snapshot must be taken after the lock, or it reads a stale maximum.
  await sql`select pg_advisory_xact_lock(${EVENT_LOCK}::integer, hashtext(${event.buildId}))`.execute(transaction);
  const { seq } = await transaction
    .insertInto("atos.events")
    .columns(["build_id", "seq", "at", "type", "data"])
    .expression((from) =>
      from
        .selectFrom("atos.events")
        .where("build_id", "=", event.buildId)
        .select(({ fn }) => [
          sql<string>`${event.buildId}::text`.as("build_id"),
          sql<number>`coalesce(${fn.max("seq")}, 0) + 1`.as("seq"),
          sql<Date>`${event.at}::timestamptz`.as("at"),
          sql<string>`${event.type}::text`.as("type"),
          sql<string>`${jsonText(event.data)}::json`.as("data"),
        ]),
    )
    .returning("seq")
    .executeTakeFirstOrThrow();
  return seq;
}

/** The next at most `limit` events after number `seq` (0: from the first), in order. */
export async function eventsAfter(
  db: Db,
  from: { readonly buildId: string; readonly seq: number; readonly limit: number },
): Promise<readonly StoredEvent[]> {
  const rows = await db
    .selectFrom("atos.events")
    .select(["seq", "at", "type", "data"])
    .where("build_id", "=", from.buildId)
    .where("seq", ">", from.seq)
    .orderBy("seq")
    .limit(from.limit)
    .execute();
  return eventRow.array().parse(rows);
}

/** The number of a build's last event; 0 when it has none. */
export async function lastSeq(db: Db, buildId: string): Promise<number> {
  const row = await db
    .selectFrom("atos.events")
    .select(({ fn }) => fn.max("seq").as("seq"))
    .where("build_id", "=", buildId)
    .executeTakeFirst();
  return row?.seq ?? 0;
}
