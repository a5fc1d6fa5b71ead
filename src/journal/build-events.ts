import type { Transaction } from "kysely";
import { type BuildEvent, buildEventSchema } from "../base/events.ts";
import type { Db, Tables } from "../store/database.ts";
import type { EventRow } from "../store/effects.ts";
import { appendEvents, eventsAfter } from "../store/events.ts";

const PAGE = 500;

/** A build's event as it was recorded; `seq` counts from 1 without gaps. */
export type RecordedEvent = { readonly seq: number; readonly at: Date; readonly event: BuildEvent };

/** Appends events to a build's audit trail. The trail is append-only and numbered without gaps. */
export async function appendBuildEvents(
  trx: Transaction<Tables>,
  buildId: string,
  entry: { readonly events: readonly BuildEvent[]; readonly at: Date },
): Promise<void> {
  if (entry.events.length === 0) return;
  await appendEvents(trx, { buildId, at: entry.at, events: eventRows(entry.events) });
}

/** Events as the trail keeps them. */
export function eventRows(events: readonly BuildEvent[]): readonly EventRow[] {
  return events.map(({ type, ...data }) => ({ type, data }));
}

/** The events after `seq`, at most `limit`, in order. */
export async function readBuildEvents(
  db: Db,
  from: { readonly buildId: string; readonly seq: number; readonly limit: number },
): Promise<readonly RecordedEvent[]> {
  const rows = await eventsAfter(db, from);
  return rows.map(({ seq, at, type, data }) => ({ seq, at, event: buildEventSchema.parse({ ...Object(data), type }) }));
}

/** Every event of a build so far, in order. */
export async function allBuildEvents(db: Db, buildId: string): Promise<readonly RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const page = await readBuildEvents(db, { buildId, seq: events.at(-1)?.seq ?? 0, limit: PAGE });
    events.push(...page);
    if (page.length < PAGE) return events;
  }
}
