import { setTimeout } from "node:timers/promises";
import { Client } from "pg";
import { AtosError, EXIT } from "../base/errors.ts";
import { allBuildEvents, type RecordedEvent, readBuildEvents } from "../journal/build-events.ts";
import { type Build, findBuild, setWish } from "../store/builds.ts";
import { findRecorded } from "../journal/record-once.ts";
import { PLAN_ONLY_STEP, planOnlySchema } from "../workflows/ask-plan.ts";
import { PLAN_TOOL } from "../workflows/limits.ts";
import type { ShownPlan } from "../workflows/plan-question.ts";
import { keptSeq } from "../workflows/view-build.ts";
import { PROGRESS_CHANNEL, progressSchema } from "../workflows/watch.ts";
import { askAboutPlan, findPlanQuestion } from "./ask-about-plan.ts";
import type { CommandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { openPlanTerminal, type PlanTerminal } from "./plan-terminal.ts";
import { isLostConnection } from "./lost-connection.ts";
import { renderEvent } from "./render-event.ts";
import { openStatusLine, type StatusLine } from "./status-line.ts";
import { connect, type Connection } from "./worker-client.ts";

export type Followed =
  | {
      readonly kind: "ended";
      readonly build: Build;
      readonly position: Position;
      /** All of the build, also those before the position it was followed from. */
      readonly events: readonly RecordedEvent[];
      /** Of a build that was parked there because only its plan was asked for. */
      readonly plan?: ShownPlan;
    }
  | { readonly kind: "left" };

/**
 * How far a build was followed: the last event's number, with what exit code it parked, if it did, and of a fork up to
 * which event it tells what was done before it began.
 */
export type Position = { seq: number; pauseExitCode: number | undefined; keptUntil: number };

const POLL_MS = 100;
const LEAVE_MS = 500;
const PAGE = 200;
/** In a row, without an event between them. */
const MAX_RECONNECTS = 10;

/**
 * Shows a build's events from `fromSeq` on until it ends or parks, through crashes of the worker: a new one
 * is started and goes on, and the person is told so.
 *
 * Ctrl-C once asks the worker to pause the build and waits for it; twice leaves at once.
 */
export async function followBuild(
  context: CommandContext,
  output: Output,
  { buildId, fromSeq }: { buildId: string; fromSeq: number },
): Promise<Followed> {
  const status = openStatusLine(!output.json && process.stderr.isTTY);
  const interrupts = listenForInterrupts(output);
  const position: Position = { seq: fromSeq, pauseExitCode: undefined, keptUntil: 0 };
  const canAsk = !output.json && process.stdin.isTTY && process.stdout.isTTY;
  const desk = canAsk ? { terminal: openPlanTerminal(output.say, context.env), root: context.folder.root } : undefined;
  try {
    for (let attempt = 0; attempt < MAX_RECONNECTS; attempt++) {
      const before = position.seq;
      try {
        await using connection = await connect(context, output.note);
        return await followThrough(connection, { output, status, interrupts, buildId, position, desk });
      } catch (error) {
        if (!isLostConnection(error)) {
          if (attempt > 0) output.note(`build ${buildId} is kept. Go on: atos resume ${buildId}`);
          throw error;
        }
        status.clear();
        if (position.seq > before) attempt = 0;
        output.note("the worker or its database went away; starting again, nothing is lost");
        await setTimeout(POLL_MS * 2 ** Math.min(attempt, 5));
      }
    }
    throw new AtosError(
      "cli/no-worker",
      `the worker went away ${MAX_RECONNECTS} times; see ${context.folder.workerLog}. Go on: atos resume ${buildId}`,
    );
  } finally {
    status.clear();
    interrupts[Symbol.dispose]();
  }
}

type Follow = {
  readonly output: Output;
  readonly status: StatusLine;
  readonly interrupts: Interrupts;
  readonly buildId: string;
  readonly position: Position;
  /** Where a person can be asked, and a folder for what they write. Undefined: nobody is there. */
  readonly desk: { readonly terminal: PlanTerminal; readonly root: string } | undefined;
};

async function followThrough(connection: Connection, follow: Follow): Promise<Followed> {
  const { output, status, interrupts, buildId, position } = follow;
  await using _progress = await listenForProgress(connection.databaseUrl, follow);
  let asked = false;
  // A question may have been put before this began to follow.
  let mayBeAsked = true;
  for (;;) {
    if (interrupts.count >= 2) return { kind: "left" };
    if (interrupts.count === 1 && !asked)
      asked = await setWish(connection.db, { id: buildId, wish: "pause", at: new Date() });
    // Read before the events: what ended before this moment has all its events.
    const build = await findBuild(connection.db, buildId);
    const events = await readBuildEvents(connection.db, { buildId, seq: position.seq, limit: PAGE });
    for (const recorded of events) {
      status.clear();
      if (recorded.seq === 1) position.keptUntil = keptSeq([recorded]);
      show(output, recorded, position);
      position.seq = recorded.seq;
      if (recorded.event.type === "turn-finished") status.rest(recorded.event.task);
      if (recorded.event.type === "build-paused") position.pauseExitCode = recorded.event.exitCode;
    }
    mayBeAsked ||= events.some(({ event }) => event.type === "approval-asked" && event.tool === PLAN_TOOL);
    if (events.length === PAGE) continue;
    if (build !== undefined && !["queued", "running"].includes(build.state))
      return { ...(await endOf(connection, build, position)), kind: "ended", build, position };
    if (mayBeAsked && build !== undefined && interrupts.count === 0) {
      mayBeAsked = false;
      if ((await lookAtPlan(connection, follow, build)) === "left") return { kind: "left" };
    }
    status.draw();
    await setTimeout(POLL_MS, undefined, { signal: interrupts.second }).catch(() => {});
  }
}

/** Asks about the plan, where that is a question and somebody is there. */
async function lookAtPlan(
  { db }: Connection,
  { desk, interrupts, output, status }: Follow,
  build: Build,
): Promise<"left" | undefined> {
  const question = await findPlanQuestion(db, build.id);
  if (question === undefined) return undefined;
  status.clear();
  if (desk === undefined) {
    output.note(
      `the build waits for an answer about its plan: atos approve ${question.id}, or atos deny ${question.id}`,
    );
    return undefined;
  }
  const asked = await askAboutPlan({ db, build, ...desk }, question, interrupts.first);
  return asked === "left" ? "left" : undefined;
}

async function endOf(
  { db }: Connection,
  { id: buildId, state }: Build,
  { pauseExitCode }: Position,
): Promise<{ readonly events: readonly RecordedEvent[]; readonly plan?: ShownPlan }> {
  const events = await allBuildEvents(db, buildId);
  if (state !== "paused" || pauseExitCode !== EXIT.done) return { events };
  const found = await findRecorded({ db }, { buildId, name: PLAN_ONLY_STEP }, planOnlySchema);
  return found === undefined ? { events } : { events, plan: found.plan };
}

/** People are not told again what another build did: the first event says how much it was. */
function show(output: Output, { seq, at, event }: RecordedEvent, { keptUntil }: Position): void {
  output.emit({ seq, at, ...event });
  const text = seq > 1 && seq <= keptUntil ? undefined : renderEvent(event);
  if (text !== undefined) output.say(text);
}

async function listenForProgress(databaseUrl: string, { status, buildId }: Follow): Promise<AsyncDisposable> {
  const client = new Client({ connectionString: databaseUrl });
  client.on("error", () => {});
  client.on("notification", ({ payload }) => {
    const progress = progressSchema.safeParse(JSON.parse(payload ?? "null"));
    if (progress.success && progress.data.buildId === buildId) status.set(progress.data);
  });
  await client.connect();
  await client.query(`listen ${PROGRESS_CHANNEL}`);
  return { [Symbol.asyncDispose]: () => client.end().catch(() => {}) };
}

type Interrupts = Disposable & {
  readonly count: number;
  readonly first: AbortSignal;
  readonly second: AbortSignal;
};

function listenForInterrupts(output: Output): Interrupts {
  const first = new AbortController();
  const second = new AbortController();
  let count = 0;
  const listener = (): void => {
    count++;
    first.abort();
    if (count === 1) output.note("\npausing … (Ctrl-C again leaves at once)");
    if (count < 2) return;
    second.abort();
    // Whatever is waited for just then (a worker that starts, a database that does not answer).
    globalThis.setTimeout(() => process.exit(EXIT.interrupted), LEAVE_MS).unref();
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    get count() {
      return count;
    },
    first: first.signal,
    second: second.signal,
    [Symbol.dispose]: () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}
