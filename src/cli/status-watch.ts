import { setTimeout } from "node:timers/promises";
import { EXIT } from "../base/errors.ts";
import type { Db } from "../store/database.ts";
import type { CommandContext } from "./context.ts";
import { isLostConnection } from "./lost-connection.ts";
import type { Output } from "./output.ts";
import { openRedraw } from "./redraw.ts";
import { UNFINISHED } from "../store/builds.ts";
import { type Status, statusDocument, statusLines } from "./status-lines.ts";
import { type Connection, connectRunning } from "./worker-client.ts";

const BETWEEN_LOOKS_MS = 500;

type Watched = {
  readonly buildId: string;
  readonly read: (db: Db) => Promise<{ readonly status: Status }>;
};

/**
 * Looks at a build again and again until it has ended, or Ctrl-C: on a terminal the same lines, elsewhere a document at
 * every change. Keeps no worker awake and starts none; while none runs the last look stays.
 */
export async function watchStatus(context: CommandContext, watched: Watched, output: Output): Promise<number> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const redraw = !output.json && process.stdout.isTTY ? openRedraw(process.stdout) : undefined;
  await using watch = new StatusWatch(context, watched);
  let told = "";
  while (!stop.signal.aborted) {
    const status = await watch.look();
    if (status !== undefined) {
      const lines = statusLines(status);
      const news = whatCounts(status);
      if (redraw !== undefined) redraw(lines);
      else if (news !== told && output.json) output.emit(statusDocument(status));
      else if (news !== told) output.say(`${lines.join("\n")}\n`);
      told = news;
      if (!UNFINISHED.includes(status.build.state)) return EXIT.done;
    }
    await setTimeout(BETWEEN_LOOKS_MS, undefined, { signal: stop.signal }).catch(() => {});
  }
  return EXIT.done;
}

class StatusWatch implements AsyncDisposable {
  readonly #context: CommandContext;
  readonly #watched: Watched;
  #connection: Connection | undefined;

  constructor(context: CommandContext, watched: Watched) {
    this.#context = context;
    this.#watched = watched;
  }

  /** The build as it stands; undefined while no worker runs. */
  async look(): Promise<Status | undefined> {
    this.#connection ??= await connectRunning(this.#context, { watches: true });
    if (this.#connection === undefined) return undefined;
    try {
      return (await this.#watched.read(this.#connection.db)).status;
    } catch (error) {
      if (!isLostConnection(error)) throw error;
      await this[Symbol.asyncDispose]();
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.[Symbol.asyncDispose]();
    this.#connection = undefined;
  }
}

/** A look without what only time changes. */
function whatCounts({ build, view, questions }: Status): string {
  const passing = new Set(["spentMs", "forMs", "expectedLeftMs"]);
  return JSON.stringify([build.state, view, questions], (key, value: unknown) =>
    passing.has(key) ? undefined : value,
  );
}
