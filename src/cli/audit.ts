import { once } from "node:events";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { setTimeout } from "node:timers/promises";
import { EXIT, messageOf, usageError } from "../base/errors.ts";
import type { BuildEvent } from "../base/events.ts";
import { verifyTrail } from "../journal/audit-chain.ts";
import {
  checkExport,
  type ExportCheck,
  exportLine,
  headText,
  type KnownHead,
  parseHead,
  throughHead,
} from "../journal/audit-export.ts";
import { type RecordedEvent, readBuildEvents } from "../journal/build-events.ts";
import { findBuild, listBuilds } from "../store/builds.ts";
import type { Db } from "../store/database.ts";
import { chainedEventsAfter, lastSeq } from "../store/events.ts";
import { readReceiptOf } from "../workflows/verify-receipt.ts";
import { chosenBuild } from "./chosen-build.ts";
import { commandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { renderEvent } from "./render-event.ts";
import { connect } from "./worker-client.ts";

const PAGE = 500;
const POLL_MS = 300;
const MOST_BUILDS = 100_000;
/** A paused build goes on by another command. */
const ENDED = new Set(["green", "red", "refused", "cancelled", "paused"]);

/** `atos audit tail [ID]`: the last events of a build's trail; with `--follow` those to come, until it ends or pauses. */
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
  const text = renderEvent(event) ?? plainText(event);
  output.say(`${String(seq).padStart(4)}  ${at.toISOString()}  ${event.type.padEnd(18)} ${text.split("\n")[0] ?? ""}`);
}

/** Of what a person who follows a build is not told. Pure. */
export function plainText(event: BuildEvent): string {
  if (event.type === "edge-taken")
    return `${event.task === "" ? event.graph : event.task}: ${event.from} → ${event.to}, on ${event.on}`;
  if (event.type === "committed") return event.commit;
  return "step" in event ? event.step : "";
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
  const known = await knownHead(id, flags);
  if (flags.file !== undefined) {
    const all = await verifyFile(flags.file, known);
    const checks = id === undefined ? all : all.filter(({ build }) => build === id || build.startsWith("line "));
    if (checks.length === 0 && id !== undefined && all.length > 0)
      throw usageError("cli/audit-what", `${flags.file} holds no events of the build ${id}`);
    if (checks.length === 0) throw usageError("cli/audit-what", `${flags.file} holds no exported events`);
    return tell(checks, output);
  }
  if (known !== undefined && known.build === undefined)
    throw usageError("cli/audit-what", "--head needs the build whose head it is: atos audit verify ID --head HEAD");
  await using connection = await connect(commandContext(), output.note);
  const { db } = connection;
  const wanted = known?.build ?? id;
  const ids = wanted === undefined ? await allBuilds(db) : [(await chosenBuild(db, wanted)).id];
  const checks: ExportCheck[] = [];
  for (const build of ids) checks.push(...(await verifyOne(db, build, known)));
  return tell(checks, output);
}

async function verifyOne(db: Db, build: string, known: KnownHead | undefined): Promise<readonly ExportCheck[]> {
  let passes = false;
  const check = await verifyTrail(db, build, ({ seq, hash }) => {
    if (seq === known?.head.seq && hash === known.head.hash) passes = true;
  });
  return known === undefined ? [{ build, check }] : throughHead([{ build, check }], known, () => passes);
}

async function knownHead(id: string | undefined, { head, receipt }: VerifyFlags): Promise<KnownHead | undefined> {
  if (receipt !== undefined) {
    if (id !== undefined || head !== undefined)
      throw usageError("cli/audit-what", "a receipt names its build and its head: give --receipt alone");
    const { build, audit } = await readReceiptOf(resolve(receipt));
    if (audit !== undefined) return { build, head: { seq: audit.events, hash: audit.head } };
    throw usageError(
      "cli/audit-what",
      `the receipt in ${receipt} is of a version that kept no head of the audit trail`,
    );
  }
  if (head === undefined) return undefined;
  const parsed = parseHead(head);
  if (parsed !== undefined) return id === undefined ? { head: parsed } : { head: parsed, build: id };
  throw usageError(
    "cli/audit-what",
    `--head is NUMBER:HASH as atos audit verify prints it, not ${JSON.stringify(head)}`,
  );
}

async function verifyFile(file: string, known: KnownHead | undefined): Promise<readonly ExportCheck[]> {
  try {
    return await checkExport(linesOf(createReadStream(file, "utf8")), known);
  } catch (error) {
    throw usageError("cli/audit-what", `${file} can't be read: ${messageOf(error)}`);
  }
}

/** At line feeds alone: other line breaks stand within JSON as they are. */
async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
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
