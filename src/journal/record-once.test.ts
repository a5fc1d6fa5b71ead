import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import type { BuildEvent } from "../base/events.ts";
import { claimBuild, findBuild, insertBuild, setBuildState } from "../store/builds.ts";
import { listEffects } from "../store/effects.ts";
import { insertTasks, listTasks } from "../store/tasks.ts";
import { type ScratchDatabase, scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { allBuildEvents } from "./build-events.ts";
import { type Journal, runEffect } from "./effect.ts";
import { findRecorded, recordOnce, recordStep } from "./record-once.ts";
import { RunEndedError } from "./run-ended.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
let scratch: ScratchDatabase;
before(async () => {
  scratch = await scratchDatabase({ migrated: true });
});
after(async () => await scratch[Symbol.asyncDispose]());

async function begin(buildId: string): Promise<Journal> {
  const found = await findBuild(scratch.db, buildId);
  const row = { id: buildId, goal: "g", request: {}, worker: "w", outDirectory: `/${buildId}`, at };
  if (found === undefined) await insertBuild(scratch.db, row);
  const build = (await claimBuild(scratch.db, { id: buildId, at })) ?? assert.fail(`${buildId} can't run`);
  return { db: scratch.db, now: () => at, claim: { buildId, run: build.run } };
}

const noted = (why: string): BuildEvent => ({ type: "model-unloaded", model: "m", why });
const whys = async (buildId: string): Promise<readonly string[]> =>
  (await allBuildEvents(scratch.db, buildId)).map(({ event }) => ("why" in event ? String(event.why) : event.type));
const never = (): Promise<never> => assert.fail("what is recorded is not done again");

test("a step is done once with all it changes, and a replay gets its result", async () => {
  const waiting = [noted("told")];
  const journal = { ...(await begin("once")), told: () => waiting.splice(0) };
  const step = { buildId: "once", name: "plan made", task: "plan", input: { tasks: 2 } };
  assert.equal(await findRecorded(journal, step, z.number()), undefined);
  const first = await recordOnce(journal, step, async (trx) => {
    await setBuildState(trx, { id: "once", state: "running", result: { changed: true }, at });
    return { result: 7, events: [noted("planned")] };
  });
  waiting.push(noted("told"));
  assert.deepEqual([first, await recordOnce(journal, step, never)], [7, 7]);
  assert.deepEqual([waiting, await whys("once")], [[], ["told", "planned"]]);
  assert.deepEqual((await findBuild(scratch.db, "once"))?.result, { changed: true });
  const rows = (await listEffects(scratch.db, "once")).map(({ kind, task, state, attempts }) => [
    kind,
    task,
    state,
    attempts,
  ]);
  assert.deepEqual(rows, [["record", "plan", "done", 0]]);
  assert.equal(await findRecorded(journal, step, z.number()), 7);
  await assert.rejects(findRecorded(journal, step, z.string()), z.ZodError);
  await assert.rejects(recordOnce(journal, { ...step, input: { tasks: 3 } }, never), /was recorded otherwise/);
});

test("a step of one statement is done once with all it changes; a run that has ended finds it, and does no other", async () => {
  const waiting = [noted("told")];
  const journal = { ...(await begin("state")), told: () => waiting.splice(0) };
  const task = { id: "t", tier: "simple", files: [], after: [], description: "", covers: [], kind: "other" } as const;
  await insertTasks(scratch.db, { buildId: "state", tasks: [task], at });
  const set = (of: Journal, state: "running" | "green", id = "t"): Promise<void> =>
    recordStep(of, {
      buildId: "state",
      name: `${id}: ${state}`,
      events: [noted(state)],
      change: { kind: "task-state", task: id, state },
    });
  const states = async () => (await listTasks(scratch.db, "state")).map(({ state }) => state);
  await set(journal, "running");
  await set(journal, "green");
  await begin("state");
  await set(journal, "running");
  assert.deepEqual([await states(), await whys("state")], [["green"], ["told", "running", "green"]]);
  await assert.rejects(set(journal, "green", "other"), RunEndedError);
  await assert.rejects(set(await begin("state"), "green", "other"), { code: "store/no-such-task" });
  assert.deepEqual(await whys("state"), ["told", "running", "green"]);
});

test("a step that throws has changed nothing, and told nothing", async () => {
  const journal = { ...(await begin("undone")), told: () => [noted("told")] };
  const step = { buildId: "undone", name: "a" };
  const broken = recordOnce(journal, step, async (trx) => {
    await setBuildState(trx, { id: "undone", state: "green", at });
    throw new Error("half way");
  });
  await assert.rejects(broken, /half way/);
  assert.equal((await findBuild(scratch.db, "undone"))?.state, "running");
  assert.deepEqual([await whys("undone"), await listEffects(scratch.db, "undone")], [[], []]);
  assert.equal(await recordOnce(journal, step, async () => ({ result: "x", events: [] })), "x");
});

test("of two runs that come to a step at once, one does it: the other has ended, or finds it done", async () => {
  for (let round = 0; round < 10; round++) {
    const buildId = `raced-${round}`;
    const stale = await begin(buildId);
    const journal = await begin(buildId);
    let done = 0;
    const work = async () => ({ result: ++done, events: [noted("done")] });
    const [old, one, other] = await Promise.allSettled(
      [stale, journal, journal].map((each) => recordOnce(each, { buildId, name: "a" }, work)),
    );
    assert.deepEqual(
      [one, other],
      [1, 1].map((value) => ({ status: "fulfilled", value })),
    );
    // It came too late to do it, and in time or not to see it.
    assert.ok(old?.status === "fulfilled" ? old.value === 1 : old?.reason instanceof RunEndedError);
    assert.deepEqual([done, await whys(buildId)], [1, ["done"]]);
  }
});

test("without a claim two that come to a step at once do it once", async () => {
  const { claim: _, ...journal } = await begin("unclaimed");
  let done = 0;
  const work = async () => ({ result: ++done, events: [noted("done")] });
  const results = await Promise.all(
    [1, 2, 3, 4].map(() => recordOnce(journal, { buildId: "unclaimed", name: "a" }, work)),
  );
  assert.deepEqual([results, await whys("unclaimed")], [[1, 1, 1, 1], ["done"]]);
});

test("a step may end its own run, and what goes on beside it is not recorded any more", async () => {
  const journal = await begin("ends");
  const ended = Promise.withResolvers<void>();
  const { signal } = new AbortController();
  const spec = { buildId: "ends", name: "beside", kind: "tests", task: "t", input: 1, signal } as const;
  const beside = runEffect(journal, spec, async () => {
    await ended.promise;
    return { result: 1, events: [noted("late")] };
  });
  const refused = assert.rejects(beside, RunEndedError);
  await recordOnce(journal, { buildId: "ends", name: "build finished" }, async (trx) => {
    await setBuildState(trx, { id: "ends", state: "green", at });
    return { result: null, events: [{ type: "build-finished", outcome: "green", why: "it works" }] };
  });
  ended.resolve();
  await refused;
  await assert.rejects(recordOnce(journal, { buildId: "ends", name: "more" }, never), RunEndedError);
  const events = await whys("ends");
  assert.equal(events.at(-1), "it works");
  assert.ok(!events.includes("late"));
});

test("steps and effects of one build, side by side, wait for each other and never for ever", async () => {
  const journal = await begin("busy");
  const { signal } = new AbortController();
  const names = Array.from({ length: 40 }, (_, index) => `step-${index}`);
  const tell = { ...journal, told: () => [noted("told")] };
  await Promise.all(
    names.map((name, index) =>
      index % 2 === 0
        ? recordOnce(tell, { buildId: "busy", name }, async (trx) => {
            await setBuildState(trx, { id: "busy", state: "running", at });
            return { result: name, events: [noted(name)] };
          })
        : runEffect(tell, { buildId: "busy", name, kind: "tests", task: "t", input: 1, signal }, async () => ({
            result: name,
            events: [noted(name)],
          })),
    ),
  );
  assert.equal((await whys("busy")).length, 20 * 2 + 20 * 3);
});
