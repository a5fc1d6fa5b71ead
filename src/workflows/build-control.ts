import { setTimeout } from "node:timers/promises";
import { Error as DBOSErrors } from "@dbos-inc/dbos-sdk";
import { AtosError, EXIT, messageOf } from "../base/errors.ts";
import type { BuildEvent } from "../base/events.ts";
import { appendBuildEvents } from "../journal/build-events.ts";
import type { BuildQueue } from "../journal/durable-engine.ts";
import { activeBuilds, buildsWithWish, claimBuild, lockBuild, setBuildState, setWish } from "../store/builds.ts";
import { runBuild } from "./build.ts";
import type { BuildDeps } from "./build-deps.ts";
import { buildRequestSchema } from "./build-request.ts";
import { BuildRun } from "./build-run.ts";

const MAX_PARK_TRIES = 60;
const PARK_WAIT_MS = 1000;

/** Why a build was stopped that nothing was wrong with. */
class WishGranted extends Error {}

export type BuildControlOptions = {
  readonly workerId: string;
  /** Called when it can't even be recorded that a build stopped: the worker must end, as after a crash. */
  readonly onLost: () => void;
};

/**
 * Runs the builds of this worker: queues what clients asked for, and stops what they asked to stop.
 *
 * Whatever is thrown inside a build parks it: the workflow gives up its claim, the build waits
 * as `paused` with the reason, and `atos resume` goes on from the last recorded step.
 */
export class BuildControl {
  readonly #deps: BuildDeps;
  readonly #queue: BuildQueue;
  readonly #options: BuildControlOptions;
  readonly #running = new Map<string, AbortController>();
  /** Builds handed to the queue, by the moment they were asked for: a resumed one is handed over again. */
  readonly #queued = new Map<string, number>();

  constructor(deps: BuildDeps, queue: BuildQueue, options: BuildControlOptions) {
    this.#deps = deps;
    this.#queue = queue;
    this.#options = options;
  }

  /** Looks at what clients have asked for since; to be called now and then. Says whether there is work. */
  async tick(): Promise<boolean> {
    const { db } = this.#deps.journal;
    const active = await activeBuilds(db, this.#options.workerId);
    for (const { id, state, updatedAt } of active) {
      if (state !== "queued" || this.#queued.get(id) === updatedAt.getTime()) continue;
      this.#queued.set(id, updatedAt.getTime());
      if (!(await this.#queue.goOn(id)))
        await this.#park(id, new Error("its workflow has ended and can't go on; start it anew"));
    }
    for (const build of await buildsWithWish(db, this.#options.workerId)) {
      const controller = this.#running.get(build.id);
      if (controller === undefined) await this.#park(build.id, new WishGranted());
      else controller.abort(new WishGranted(`asked to ${build.wish ?? "pause"}`));
    }
    return active.length > 0 || this.#running.size > 0;
  }

  /** The build workflow: called by the durable engine, again after every crash or resume. */
  async run(buildId: string): Promise<void> {
    const { db, source, now } = this.#deps.journal;
    const controller = new AbortController();
    this.#running.set(buildId, controller);
    try {
      // Not a recorded step: it must happen at every start, also of a resumed build.
      const row = await claimBuild(db, { id: buildId, at: now() });
      if (row === undefined) throw new Error(`build ${buildId} was ended before it began to run`);
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
      // What a step throws on an abort may be its own words; the reason is what counts.
      const reason: unknown = controller.signal.aborted ? controller.signal.reason : error;
      if (!isStoppedElsewhere(error)) await this.#park(buildId, reason);
      throw error;
    } finally {
      // A quick resume may have begun the next run already.
      if (this.#running.get(buildId) === controller) this.#running.delete(buildId);
    }
  }

  async #park(buildId: string, error: unknown): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        // First of all: a workflow that threw while it still has its claim would be recorded as failed for good.
        await this.#queue.stop(buildId);
        return await this.#recordParked(buildId, error);
      } catch {
        // Nothing can be recorded, so nothing may end: the next worker finds the build as it is, and goes on.
        if (attempt === MAX_PARK_TRIES) {
          this.#options.onLost();
          return await new Promise<never>(() => {});
        }
        await setTimeout(PARK_WAIT_MS);
      }
    }
  }

  async #recordParked(buildId: string, error: unknown): Promise<void> {
    const { db, now } = this.#deps.journal;
    const asked = error instanceof WishGranted;
    await db.transaction().execute(async (trx) => {
      const build = await lockBuild(trx, buildId);
      // It ended by itself, or its wish was granted already, while this was under way.
      if (build === undefined || !["queued", "running", "paused"].includes(build.state)) return;
      if (build.wish === null && (asked || build.state === "paused")) return;
      const at = now();
      const cancelled = build.wish === "cancel";
      const why = asked ? "as asked" : messageOf(error);
      const exitCode = asked ? EXIT.interrupted : error instanceof AtosError ? error.exitCode : EXIT.failed;
      const event: BuildEvent = cancelled
        ? { type: "build-finished", outcome: "cancelled", why }
        : { type: "build-paused", why, exitCode };
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
