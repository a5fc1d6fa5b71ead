import { setTimeout } from "node:timers/promises";
import { Client } from "pg";
import { AtosError, EXIT } from "../base/errors.ts";
import { type RecordedEvent, readBuildEvents } from "../journal/build-events.ts";
import { type Build, findBuild, setWish } from "../store/builds.ts";
import { PROGRESS_CHANNEL, progressSchema } from "../workflows/watch.ts";
import type { CommandContext } from "./context.ts";
import type { Output } from "./output.ts";
import { renderEvent } from "./render-event.ts";
import { openStatusLine, type StatusLine } from "./status-line.ts";
import { connect, type Connection } from "./worker-client.ts";

export type Followed =
  | { readonly kind: "ended"; readonly build: Build; readonly events: readonly RecordedEvent[] }
  | { readonly kind: "left" };

const POLL_MS = 100;
const PAGE = 200;
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
  const seen: RecordedEvent[] = [];
  try {
    for (let attempt = 0; attempt < MAX_RECONNECTS; attempt++) {
      try {
        await using connection = await connect(context, output.note);
        return await followThrough(connection, { output, status, interrupts, buildId, fromSeq, seen });
      } catch (error) {
        if (!isLostConnection(error)) {
          if (attempt > 0) output.note(`build ${buildId} is kept. Go on: atos resume ${buildId}`);
          throw error;
        }
        status.clear();
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
  readonly fromSeq: number;
  readonly seen: RecordedEvent[];
};

async function followThrough(connection: Connection, follow: Follow): Promise<Followed> {
  const { output, status, interrupts, buildId, seen } = follow;
  await using _progress = await listenForProgress(connection.databaseUrl, follow);
  let asked = false;
  for (;;) {
    if (interrupts.count >= 2) return { kind: "left" };
    if (interrupts.count === 1 && !asked)
      asked = await setWish(connection.db, { id: buildId, wish: "pause", at: new Date() });
    // Read before the events: what ended before this moment has all its events.
    const build = await findBuild(connection.db, buildId);
    const events = await readBuildEvents(connection.db, {
      buildId,
      seq: seen.at(-1)?.seq ?? follow.fromSeq,
      limit: PAGE,
    });
    for (const recorded of events) {
      seen.push(recorded);
      status.clear();
      output.emit({ seq: recorded.seq, at: recorded.at, ...recorded.event });
      const text = renderEvent(recorded.event);
      if (text !== undefined) output.say(text);
    }
    if (events.length === PAGE) continue;
    if (build !== undefined && !["queued", "running"].includes(build.state))
      return { kind: "ended", build, events: seen };
    status.draw();
    await setTimeout(POLL_MS, undefined, { signal: interrupts.second }).catch(() => {});
  }
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

type Interrupts = Disposable & { readonly count: number; readonly second: AbortSignal };

function listenForInterrupts(output: Output): Interrupts {
  const second = new AbortController();
  let count = 0;
  const listener = (): void => {
    count++;
    if (count === 1) output.note("\npausing after the running step … (Ctrl-C again leaves at once)");
    if (count === 2) second.abort();
    if (count > 2) process.exit(EXIT.interrupted);
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    get count() {
      return count;
    },
    second: second.signal,
    [Symbol.dispose]: () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}

/** Errors of the connection, as opposed to errors of what was asked through it. */
function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  // 57P01 … 57P03: the server ends or starts; 08…: connection exceptions.
  // 53100: its disk is full, and so the worker is about to end and to say so.
  if (/^(53100|57P0[123]|08|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT)/.test(code)) return true;
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/i.test(
    error.message,
  );
}
