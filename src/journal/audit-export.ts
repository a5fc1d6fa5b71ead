import { z } from "zod";
import type { ChainedEvent } from "../store/events.ts";
import { type ChainCheck, type ChainHead, checkChain, NO_EVENTS } from "./audit-chain.ts";

const lineSchema = z.strictObject({
  build: z.string(),
  seq: z.int(),
  at: z.string(),
  type: z.string(),
  data: z.unknown(),
  hash: z.string(),
});
/** As the export writes it: microseconds only where there are some. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})(\d{3})?Z$/;

/** One event as one line of JSON, with all that its hash is over. */
export function exportLine(build: string, { seq, micros, type, text, hash }: ChainedEvent): string {
  // The data goes in as it is stored, so that its bytes are those that were hashed.
  const head = JSON.stringify({ build, seq, at: timeText(micros), type });
  return `${head.slice(0, -1)},"data":${text},"hash":"${hash}"}`;
}

export type ExportCheck = { readonly build: string; readonly check: ChainCheck };

/**
 * Checks exported trails, line by line, without a database; the builds in the order they come in. With `known`, the
 * trail of that build must go through that head.
 *
 * Data is hashed as JSON writes it again: the same bytes, for it was JSON that wrote it.
 */
export async function checkExport(
  lines: Iterable<string> | AsyncIterable<string>,
  known?: KnownHead,
): Promise<readonly ExportCheck[]> {
  const trails = new Map<string, ChainCheck>();
  const passed = new Set<string>();
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === "") continue;
    const event = parseLine(line);
    if (event === undefined) {
      trails.set(`line ${number}`, { ok: false, seq: 0, why: `line ${number} is not an exported event` });
      continue;
    }
    const before = trails.get(event.build) ?? { ok: true, head: NO_EVENTS };
    if (before.ok) trails.set(event.build, checkChain(event.build, before.head, [event]));
    if (event.seq === known?.head.seq && event.hash === known.head.hash) passed.add(event.build);
  }
  const checks = [...trails].map(([build, check]) => ({ build, check }));
  if (known === undefined) return checks;
  return throughHead(checks, known, (build) => passed.has(build));
}

/** A head that somebody kept, and of which build if that is known. */
export type KnownHead = { readonly head: ChainHead; readonly build?: string };

/**
 * A trail that adds up can still have lost its end, or have been written anew; a head that somebody kept tells. Pure.
 */
export function throughHead(
  checks: readonly ExportCheck[],
  { head, build }: KnownHead,
  passes: (build: string) => boolean,
): readonly ExportCheck[] {
  const meant = checks.filter((each) => build === undefined || each.build === build);
  if (meant.length === 0) {
    const why = "none of its events are here, and its head was kept";
    return [...checks, { build: build ?? "the build", check: { ok: false, seq: head.seq, why } }];
  }
  return checks.map((each) => {
    if (!meant.includes(each) || !each.check.ok || head.seq === 0 || passes(each.build)) return each;
    const isShort = each.check.head.seq < head.seq;
    const why = isShort
      ? `it ends before event ${head.seq}, which was there when the head was taken`
      : `event ${head.seq} is not the one whose hash was kept`;
    return { build: each.build, check: { ok: false, seq: head.seq, why } };
  });
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
  const { build, seq, at: time, type, data, hash } = parsed.data;
  const [, milliseconds, rest = "000"] = TIME.exec(time) ?? [];
  const at = new Date(`${milliseconds ?? ""}Z`);
  if (Number.isNaN(at.getTime())) return undefined;
  const micros = (BigInt(at.getTime()) * 1000n + BigInt(rest)).toString();
  const event = { build, seq, at, micros, type, text: JSON.stringify(data), hash };
  // A key that is there twice would be read as the last of them alone.
  return exportLine(build, event) === line.trimEnd() ? event : undefined;
}

function timeText(micros: string): string {
  const rest = BigInt(micros) % 1000n;
  const text = new Date(Number(BigInt(micros) / 1000n)).toISOString();
  return rest === 0n ? text : text.replace("Z", `${String(rest).padStart(3, "0")}Z`);
}

/** `12:ab34…`: a trail's head, as people keep it. */
export function headText({ seq, hash }: ChainHead): string {
  return `${seq}:${hash}`;
}

/** Reads what {@link headText} wrote; undefined when it is none. */
export function parseHead(text: string): ChainHead | undefined {
  if (text.trim() === headText(NO_EVENTS)) return NO_EVENTS;
  const [, seq, hash] = /^(\d{1,9}):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  return seq === undefined || hash === undefined ? undefined : { seq: Number(seq), hash };
}
