import { setTimeout } from "node:timers/promises";
import { Error as DBOSErrors } from "@dbos-inc/dbos-sdk";
import { AtosError, EXIT, messageOf } from "../base/errors.ts";
import type { BuildEvent } from "../base/events.ts";
import { appendBuildEvents } from "../journal/build-events.ts";
import type { BuildQueue } from "../journal/durable-engine.ts";
import { buildsWithWish, findBuild, setBuildState, setWish } from "../store/builds.ts";
import { runBuild } from "./build.ts";
import type { BuildDeps } from "./build-deps.ts";
import { buildRequestSchema } from "./build-request.ts";
import { BuildRun } from "./build-run.ts";

const MAX_PARK_TRIES = 60;
const PARK_WAIT_MS = 1000;

class WishGranted extends Error {}

/**
 * Runs builds in this worker, and stops them when somebody asks.
 *
 * Whatever is thrown inside a build parks it: the workflow gives up its claim, the build waits
 * as `paused` with the reason, and `atos resume` goes on from the last recorded step.
 */
export class BuildControl {
  readonly #deps: BuildDeps;
  readonly #queue: BuildQueue;
  readonly #running = new Map<string, AbortController>();

  constructor(deps: BuildDeps, queue: BuildQueue) {
    this.#deps = deps;
    this.#queue = queue;
  }

  get running(): number {
    return this.#running.size;
  }

  /** The build workflow: called by the durable engine, again after every crash or resume. */
  async run(buildId: string): Promise<void> {
    const { db, source, now } = this.#deps.journal;
    const controller = new AbortController();
    this.#running.set(buildId, controller);
    try {
      const row = await findBuild(db, buildId);
      if (row === undefined) throw new Error(`there is no build ${buildId}`);
      // Not a recorded step: it must happen at every start, also of a resumed build.
      await setBuildState(db, { id: buildId, state: "running", at: now() });
      const request = buildRequestSchema.parse(row.request);
      const result = await runBuild(
        new BuildRun({ id: buildId, request, deps: this.#deps, signal: controller.signal }),
      );
      const finished: BuildEvent = { type: "build-finished", outcome: result.outcome, why: result.why };
      await source.transaction("build finished", async (trx) => {
        const at = now();
        await setBuildState(trx, { id: buildId, state: result.outcome, result, at });
        await appendBuildEvents(trx, buildId, { events: [finished], at });
      });
    } catch (error) {
      if (!isStoppedElsewhere(error)) await this.#park(buildId, error);
      throw error;
    } finally {
      // A quick resume may have begun the next run already.
      if (this.#running.get(buildId) === controller) this.#running.delete(buildId);
    }
  }

  /** Stops the builds that somebody asked to pause or to cancel. To be called now and then. */
  async grantWishes(): Promise<void> {
    for (const build of await buildsWithWish(this.#deps.journal.db)) {
      const controller = this.#running.get(build.id);
      if (controller === undefined) await this.#park(build.id, new WishGranted());
      else controller.abort(new WishGranted(`asked to ${build.wish ?? "pause"}`));
    }
  }

  async #park(buildId: string, error: unknown): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        // First of all: a workflow that threw while it still has its claim would be recorded as failed for good.
        await this.#queue.stop(buildId);
        return await this.#recordParked(buildId, error);
      } catch (cause) {
        if (attempt === MAX_PARK_TRIES) throw cause;
        await setTimeout(PARK_WAIT_MS);
      }
    }
  }

  async #recordParked(buildId: string, error: unknown): Promise<void> {
    const { db, now } = this.#deps.journal;
    const build = await findBuild(db, buildId);
    if (build === undefined) return;
    const at = now();
    const cancelled = build.wish === "cancel";
    const why = error instanceof WishGranted ? "asked for" : messageOf(error);
    const exitCode =
      error instanceof WishGranted ? EXIT.interrupted : error instanceof AtosError ? error.exitCode : EXIT.failed;
    const event: BuildEvent = cancelled
      ? { type: "build-finished", outcome: "cancelled", why }
      : { type: "build-paused", why, exitCode };
    await db.transaction().execute(async (trx) => {
      await setWish(trx, { id: buildId, wish: null, at });
      await setBuildState(trx, { id: buildId, state: cancelled ? "cancelled" : "paused", at });
      await appendBuildEvents(trx, buildId, { events: [event], at });
    });
  }
}

/** The durable engine took the build from this worker: whoever did that has recorded why. */
function isStoppedElsewhere(error: unknown): boolean {
  return (
    error instanceof DBOSErrors.DBOSWorkflowCancelledError || error instanceof DBOSErrors.DBOSWorkflowConflictError
  );
}
