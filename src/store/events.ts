import { sql, type Transaction } from "kysely";
import { z } from "zod";
import { type Db, jsonText, type Tables } from "./database.ts";

const eventRow = z.object({ seq: z.int(), at: z.date(), type: z.string(), data: z.unknown() });

/** One event of a build. `seq` counts from 1 without a gap; `data` is JSON as it was given. */
export type StoredEvent = Readonly<z.infer<typeof eventRow>>;

/**
 * Appends events, all of one moment, and returns the number of the last.
 *
 * Holds the build's lock until the transaction ends, so numbers appear in the order they were given and a
 * reader that follows by `seq > last` misses none. Append last in a transaction, and to one build only:
 * others wait meanwhile. The transaction must be `read committed`, which is Postgres's default.
 */
export async function appendEvents(
  transaction: Transaction<Tables>,
  entry: {
    readonly buildId: string;
    readonly at: Date;
    readonly events: readonly { readonly type: string; readonly data: unknown }[];
  },
): Promise<number> {
  const types = entry.events.map(({ type }) => type);
  const texts = entry.events.map(({ data }) => jsonText(data));
  const { rows } = await sql<{ last: number }>`
    select atos.append_events(${entry.buildId}, ${entry.at}, ${types}::text[], ${texts}::text[]) as last`.execute(
    transaction,
  );
  return rows[0]?.last ?? 0;
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

const chainedRow = z
  .object({
    seq: z.int(),
    at: z.date(),
    micros: z.string(),
    type: z.string(),
    text: z.string(),
    hash: z.string(),
  })
  .readonly();

/**
 * An event with what its hash is over: `micros` are the microseconds since 1970 of its time, `text` is its data as it
 * is stored, `hash` 64 hexadecimal digits.
 */
export type ChainedEvent = z.infer<typeof chainedRow>;

/** As {@link eventsAfter}, with hashes. */
export async function chainedEventsAfter(
  db: Db,
  from: { readonly buildId: string; readonly seq: number; readonly limit: number },
): Promise<readonly ChainedEvent[]> {
  const { rows } = await sql`
    select seq, at, ((extract(epoch from at) * 1000000)::bigint)::text as micros, type, data::text as text, encode(hash, 'hex') as hash from atos.events
    where build_id = ${from.buildId} and seq > ${from.seq} order by seq limit ${from.limit}`.execute(db);
  return chainedRow.array().parse(rows);
}
