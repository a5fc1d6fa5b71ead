import { z } from "zod";
import type { ChainedEvent } from "../store/events.ts";
import { type ChainCheck, type ChainHead, checkChain, NO_EVENTS } from "./audit-chain.ts";

const lineSchema = z.strictObject({
  build: z.string(),
  seq: z.int(),
  at: z.iso.datetime().transform((text) => new Date(text)),
  type: z.string(),
  data: z.unknown(),
  hash: z.string(),
});

/** One event as one line of JSON, with all that its hash is over. */
export function exportLine(build: string, { seq, at, type, text, hash }: ChainedEvent): string {
  // The data goes in as it is stored, so that its bytes are those that were hashed.
  const head = JSON.stringify({ build, seq, at, type });
  return `${head.slice(0, -1)},"data":${text},"hash":"${hash}"}`;
}

export type ExportCheck = { readonly build: string; readonly check: ChainCheck };

/**
 * Checks exported trails, line by line, without a database; the builds in the order they come in.
 *
 * Data is hashed as JSON writes it again: the same bytes, for it was JSON that wrote it.
 */
export function checkExport(lines: Iterable<string>): readonly ExportCheck[] {
  const trails = new Map<string, ChainCheck>();
  let number = 0;
  for (const line of lines) {
    number++;
    if (line.trim() === "") continue;
    const event = parseLine(line);
    if (event === undefined) {
      trails.set(`line ${number}`, { ok: false, seq: 0, why: `line ${number} is not an exported event` });
      continue;
    }
    const before = trails.get(event.build) ?? { ok: true, head: NO_EVENTS };
    if (before.ok) trails.set(event.build, checkChain(event.build, before.head, [event]));
  }
  return [...trails].map(([build, check]) => ({ build, check }));
}

function parseLine(line: string): (ChainedEvent & { readonly build: string }) | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { build, seq, at, type, data, hash } = parsed.data;
  return { build, seq, at, type, text: JSON.stringify(data), hash };
}

/** `12:ab34…`: a trail's head, as people keep it. */
export function headText({ seq, hash }: ChainHead): string {
  return `${seq}:${hash}`;
}

/** Reads what {@link headText} wrote; undefined when it is none. */
export function parseHead(text: string): ChainHead | undefined {
  const [, seq, hash] = /^(\d{1,9}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}
