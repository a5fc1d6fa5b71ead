import { once } from "node:events";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { EXIT, messageOf, usageError } from "../base/errors.ts";
import { type ChainHead, verifyTrail } from "../journal/audit-chain.ts";
import { checkExport, type ExportCheck, exportLine, headText, parseHead } from "../journal/audit-export.ts";
import { type RecordedEvent, readBuildEvents } from "../journal/build-events.ts";
import { findBuild, listBuilds } from "../store/builds.ts";
import type { Db } from "../store/database.ts";
import { type ChainedEvent, chainedEventsAfter, lastSeq } from "../store/events.ts";
import { readReceiptOf } from "../workflows/verify-receipt.ts";
import { chosenBuild } from "./chosen-build.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { renderEvent } from "./render-event.ts";
import { connect } from "./worker-client.ts";

const PAGE = 500;
const POLL_MS = 300;
const MOST_BUILDS = 100_000;
const ENDED = new Set(["green", "red", "refused", "cancelled"]);

/** `atos audit tail [ID]`: the last events of a build's trail; with `--follow` those to come, until it ends. */
export async function runAuditTailCommand(
  id: string | undefined,
  flags: { readonly lines?: string; readonly follow?: boolean },
  output: Output,
): Promise<number> {
  const lines = Number(flags.lines ?? "20");
  if (!Number.isInteger(lines) || lines < 0 || lines > 100_000)
    throw usageError("cli/bad-limit", `--lines must be a whole number from 0 to 100000, not ${flags.lines}`);
  await using connection = await connect(commandContext(), output.note);
  const { db } = connection;
  const { id: buildId } = await chosenBuild(db, id);
  let seq = Math.max(0, (await lastSeq(db, buildId)) - lines);
  for (;;) {
    // Asked before its events, or the last of them could be missed.
    const ended = flags.follow !== true || ENDED.has((await findBuild(db, buildId))?.state ?? "cancelled");
    const page = await readBuildEvents(db, { buildId, seq, limit: PAGE });
    for (const recorded of page) show(output, buildId, recorded);
    seq = page.at(-1)?.seq ?? seq;
    if (ended && page.length < PAGE) return EXIT.done;
    if (page.length < PAGE) await setTimeout(POLL_MS);
  }
}

function show(output: Output, build: string, { seq, at, event }: RecordedEvent): void {
  output.emit({ build, seq, at, ...event });
  const text = renderEvent(event) ?? ("step" in event ? event.step : "");
  output.say(`${String(seq).padStart(4)}  ${at.toISOString()}  ${event.type.padEnd(18)} ${text.split("\n")[0] ?? ""}`);
}

/** `atos audit export [ID]`: a build's whole trail, or all, as JSON Lines on standard output. */
export async function runAuditExportCommand(
  id: string | undefined,
  flags: { readonly all?: boolean },
  output: Output,
): Promise<number> {
  if (flags.all === true && id !== undefined)
    throw usageError("cli/audit-what", `give a build or --all, not both: ${id}`);
  await using connection = await connect(commandContext(), output.note);
  const { db } = connection;
  for (const buildId of flags.all === true ? await allBuilds(db) : [(await chosenBuild(db, id)).id]) {
    let seq = 0;
    for (;;) {
      const page = await chainedEventsAfter(db, { buildId, seq, limit: PAGE });
      const text = page.map((event) => `${exportLine(buildId, event)}\n`).join("");
      if (text !== "" && !process.stdout.write(text)) await once(process.stdout, "drain");
      seq = page.at(-1)?.seq ?? seq;
      if (page.length < PAGE) break;
    }
  }
  return EXIT.done;
}

type VerifyFlags = { readonly head?: string; readonly receipt?: string; readonly file?: string };

/** `atos audit verify [ID]`: follows the hashes of one trail, or of all; exit 1 when one does not add up. */
export async function runAuditVerifyCommand(
  id: string | undefined,
  flags: VerifyFlags,
  output: Output,
): Promise<number> {
  if (flags.file !== undefined) return tell(await verifyFile(flags.file), output);
  await using connection = await connect(commandContext(), output.note);
  const { db } = connection;
  const known = await knownHead(flags);
  const buildId = known?.build ?? id;
  if (known !== undefined && buildId === undefined)
    throw usageError("cli/audit-what", "--head needs the build whose head it is: atos audit verify ID --head HEAD");
  const ids = buildId === undefined ? await allBuilds(db) : [(await chosenBuild(db, buildId)).id];
  const checks: ExportCheck[] = [];
  for (const build of ids) checks.push(await verifyOne(db, build, known?.head));
  return tell(checks, output);
}

/** A trail that adds up can still have lost its end, or been written anew; a head that somebody kept tells. */
async function verifyOne(db: Db, build: string, known: ChainHead | undefined): Promise<ExportCheck> {
  let there: ChainedEvent | undefined;
  const check = await verifyTrail(db, build, (event) => {
    if (event.seq === known?.seq) there = event;
  });
  if (!check.ok || known === undefined || there?.hash === known.hash) return { build, check };
  const why =
    there === undefined
      ? `it ends before event ${known.seq}, which was there when the head was taken`
      : `event ${known.seq} is not the one whose hash was kept`;
  return { build, check: { ok: false, seq: known.seq, why } };
}

async function knownHead({
  head,
  receipt,
}: VerifyFlags): Promise<{ readonly build?: string; readonly head: ChainHead } | undefined> {
  if (receipt !== undefined) {
    const { build, audit } = await readReceiptOf(receipt);
    if (audit !== undefined) return { build, head: { seq: audit.events, hash: audit.head } };
    throw usageError(
      "cli/audit-what",
      `the receipt in ${receipt} is of a version that kept no head of the audit trail`,
    );
  }
  if (head === undefined) return undefined;
  const parsed = parseHead(head);
  if (parsed !== undefined) return { head: parsed };
  throw usageError(
    "cli/audit-what",
    `--head is NUMBER:HASH as atos audit verify prints it, not ${JSON.stringify(head)}`,
  );
}

async function verifyFile(file: string): Promise<readonly ExportCheck[]> {
  const lines: string[] = [];
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) lines.push(line);
  } catch (error) {
    throw usageError("cli/audit-what", `${file} can't be read: ${messageOf(error)}`);
  }
  return checkExport(lines);
}

function tell(checks: readonly ExportCheck[], output: Output): number {
  const builds = checks.map(({ build, check }) =>
    check.ok ? { build, ok: true, events: check.head.seq, head: headText(check.head) } : { build, ...check },
  );
  const ok = checks.every(({ check }) => check.ok);
  output.emit({ ok, builds });
  for (const { build, check } of checks) {
    if (check.ok) output.say(`✔ ${build}: ${check.head.seq} events, head ${headText(check.head)}`);
    else output.say(`✘ ${build}: ${check.why}`);
  }
  if (checks.length === 0) output.say("there is nothing to verify yet");
  return ok ? EXIT.done : EXIT.failed;
}

async function allBuilds(db: Db): Promise<readonly string[]> {
  return (await listBuilds(db, MOST_BUILDS)).map(({ id }) => id).toReversed();
}
