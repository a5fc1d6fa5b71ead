import { createHash } from "node:crypto";
import type { Db } from "../store/database.ts";
import { type ChainedEvent, chainedEventsAfter, lastSeq } from "../store/events.ts";

const PAGE = 500;

/** Where a trail stands: its last event's number, and its hash, which stands for all of them. */
export type ChainHead = { readonly seq: number; readonly hash: string };

/** Before the first event. */
export const NO_EVENTS: ChainHead = { seq: 0, hash: "" };

export type ChainCheck =
  | { readonly ok: true; readonly head: ChainHead }
  /** `seq` is the first event that does not follow from those before it. */
  | { readonly ok: false; readonly seq: number; readonly why: string };

/**
 * Follows a trail from `head`: every event must have the next number, and the hash that comes of the one before it
 * and its own columns. Pure; the same arithmetic as `atos.event_hash`.
 */
export function checkChain(buildId: string, head: ChainHead, events: readonly ChainedEvent[]): ChainCheck {
  let last = head;
  for (const event of events) {
    const seq = last.seq + 1;
    if (event.seq !== seq) return { ok: false, seq, why: `event ${seq} is missing: the next one is ${event.seq}` };
    const hash = eventHash(buildId, last.hash, event);
    if (event.hash !== hash) {
      return { ok: false, seq, why: `event ${seq} (${event.type}) was changed, or one before it was` };
    }
    last = { seq, hash };
  }
  return { ok: true, head: last };
}

function eventHash(buildId: string, previous: string, { seq, micros, type, text }: ChainedEvent): string {
  const columns = [buildId, seq, micros, type, text].join("\n");
  return createHash("sha256").update(Buffer.from(previous, "hex")).update(columns, "utf8").digest("hex");
}

/** Checks one build's whole trail, a page at a time; `seen` gets each event that holds. */
export async function verifyTrail(
  db: Db,
  buildId: string,
  seen: (event: ChainedEvent) => void = () => {},
): Promise<ChainCheck> {
  let head = NO_EVENTS;
  for (;;) {
    const page = await chainedEventsAfter(db, { buildId, seq: head.seq, limit: PAGE });
    const check = checkChain(buildId, head, page);
    if (!check.ok) return check;
    for (const event of page) seen(event);
    head = check.head;
    if (page.length < PAGE) return check;
  }
}

/** Where a build's trail stands now. */
export async function trailHead(db: Db, buildId: string): Promise<ChainHead> {
  const seq = await lastSeq(db, buildId);
  const [last] = await chainedEventsAfter(db, { buildId, seq: seq - 1, limit: 1 });
  return last ?? NO_EVENTS;
}
