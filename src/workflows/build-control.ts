import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { AtosError, EXIT, messageOf, usageError } from "../base/errors.ts";
import type { BuildEvent } from "../base/events.ts";
import { appendBuildEvents } from "../journal/build-events.ts";
import type { BuildQueue } from "../journal/durable-engine.ts";
import { reportEvent } from "../journal/report-event.ts";
import { type Claim, RunEndedError } from "../journal/run-ended.ts";
import { StepWriter } from "../journal/step-writer.ts";
import { type Approval, closeApprovals } from "../store/approvals.ts";
import { buildsToServe, claimBuild, findBuild, lockBuild, setBuildState, setWish } from "../store/builds.ts";
import { runBuild } from "./build.ts";
import type { BuildDeps } from "./build-deps.ts";
import { buildRequestSchema, WORKFLOW_VERSION } from "./build-request.ts";
import { BuildRun } from "./build-run.ts";
import { runSingle } from "./run-single.ts";
import { openLimits } from "./open-limits.ts";

const MAX_PARK_TRIES = 10;
const PARK_WAIT_MS = 1000;
const STOP_MS = 10_000;

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
  readonly #deps: Omit<BuildDeps, "report">;
  readonly #queue: BuildQueue;
  readonly #options: BuildControlOptions;
  readonly #running = new Map<string, AbortController>();

  constructor(deps: Omit<BuildDeps, "report">, queue: BuildQueue, options: BuildControlOptions) {
    this.#deps = deps;
    this.#queue = queue;
    this.#options = options;
  }

  /** Looks at what clients have asked for since; to be called now and then. Says whether there is work. */
  async tick(): Promise<boolean> {
    const { db } = this.#deps.journal;
    const builds = await buildsToServe(db, this.#options.workerId);
    for (const { id, wish } of builds) {
      if (wish === null) {
        if (!this.#running.has(id)) await this.#handOver(id);
        continue;
      }
      const granted = new WishGranted(`asked to ${wish}`);
      if (!this.#running.has(id)) await this.#park(id, granted);
      // Also one that began while it was being parked.
      this.#running.get(id)?.abort(granted);
    }
    return builds.some(({ state }) => state !== "paused") || this.#running.size > 0;
  }

  /**
   * Gives the durable engine a build that should run and does not: a new one, a resumed one, or one that was
   * stopped by a crash in the middle of being parked. One that the engine has already is left alone.
   */
  async #handOver(id: string): Promise<void> {
    const build = await findBuild(this.#deps.journal.db, id);
    const version = z.object({ workflowVersion: z.string() }).safeParse(build?.request).data?.workflowVersion;
    if (version !== WORKFLOW_VERSION) {
      return this.#park(
        id,
        usageError(
          "workflows/other-version",
          `it was begun by another version of ATOS (${version ?? "unknown"}); go on with that, or end it: atos cancel ${id}`,
        ),
      );
    }
    if (!(await this.#queue.goOn(id)))
      await this.#park(id, new Error("its workflow has ended and can't go on; start it anew"));
  }

  /** The build workflow: called by the durable engine, again after every crash or resume. */
  async run(buildId: string): Promise<void> {
    const { db, now } = this.#deps.journal;
    const controller = new AbortController();
    this.#running.get(buildId)?.abort(new RunEndedError(buildId));
    this.#running.set(buildId, controller);
    let writer: StepWriter | undefined;
    try {
      // Not a recorded step: every start is a run of its own, and ends the one before.
      const row = await claimBuild(db, { id: buildId, at: now() });
      if (row === undefined) throw new Error(`build ${buildId} was ended before it began to run`);
      const request = buildRequestSchema.parse(row.request);
      const claim = { buildId, run: row.run, isFirst: row.run === 1 && row.forkedFrom === null };
      const deps = this.#depsOf(claim, (error) => controller.abort(error));
      writer = deps.journal.writer;
      using limits = await openLimits(deps.journal, { buildId, limits: request.limits });
      const { worker } = row;
      const build = new BuildRun({ id: buildId, request, deps, worker, limits, signal: controller.signal });
      const result = await (request.shape === "single" ? runSingle(build) : runBuild(build));
      const { outcome, why } = result;
      await build.main.once("build finished", async (trx) => {
        const at = now();
        // The limit may have come while somebody was asked.
        const unanswered = unansweredOf(await closeApprovals(trx, buildId, at));
        await setBuildState(trx, { id: buildId, state: outcome, result, at });
        return { result: null, events: [...unanswered, { type: "build-finished", outcome, why }] };
      });
    } catch (error) {
      // What a step throws on an abort may be its own words; the reason is what counts.
      const reason: unknown = controller.signal.aborted ? controller.signal.reason : error;
      // What still goes on beside what threw.
      controller.abort(reason);
      // A run that was ended has nothing to stop any more: whoever did that has recorded why.
      if (!(error instanceof RunEndedError) && this.#running.get(buildId) === controller) {
        // What can't be recorded is done again.
        await writer?.settle().catch(() => false);
        await this.#park(buildId, reason);
      }
      throw error;
    } finally {
      // A quick resume may have begun the next run already.
      if (this.#running.get(buildId) === controller) {
        this.#running.delete(buildId);
        this.#deps.pool.forget(buildId);
      }
    }
  }

  /** What this run of a build works with: once it has lost its claim, nothing of it is recorded. */
  #depsOf(claim: Claim, onLost: (error: unknown) => void): BuildDeps {
    const writer = new StepWriter(this.#deps.journal.db, claim, onLost);
    const journal = { ...this.#deps.journal, claim, writer };
    const report = async (buildId: string, event: BuildEvent): Promise<void> => {
      // The pool tells of models too that other builds wait for: of a run that has ended it is not told.
      await reportEvent(journal, buildId, event);
    };
    return { ...this.#deps, journal, report };
  }

  async #park(buildId: string, error: unknown): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        // First of all: a workflow that threw while it still has its claim would be recorded as failed for good.
        await within(STOP_MS, this.#queue.stop(buildId));
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
      const unanswered = unansweredOf(cancelled ? await closeApprovals(trx, buildId, at) : []);
      await appendBuildEvents(trx, buildId, { events: [...unanswered, event], at });
    });
  }
}

/** Nobody answers a question of a build that has ended. */
function unansweredOf(closed: readonly Approval[]): readonly BuildEvent[] {
  return closed.map(({ id }) => ({ type: "approval-answered", approval: id, decision: "expired", by: "" }));
}

/** The engine itself retries a lost database without end. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  const late = new AbortController();
  try {
    const tooLate = setTimeout(limitMs, undefined, { signal: late.signal }).then(() => {
      throw new Error(`no answer within ${limitMs} ms`);
    });
    await Promise.race([work, tooLate]);
  } finally {
    late.abort();
  }
}
