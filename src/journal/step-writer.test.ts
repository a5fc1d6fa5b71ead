import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { AtosError } from "../base/errors.ts";
import type { BuildEvent } from "../base/events.ts";
import { claimBuild, insertBuild } from "../store/builds.ts";
import { findEffect, listEffects } from "../store/effects.ts";
import { type ScratchDatabase, scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { verifyTrail } from "./audit-chain.ts";
import { allBuildEvents } from "./build-events.ts";
import { type EffectSpec, type Journal, runEffect } from "./effect.ts";
import { recordOnce, recordStep } from "./record-once.ts";
import { type Claim, RunEndedError } from "./run-ended.ts";
import { runReading } from "./run-reading.ts";
import { StepWriter } from "./step-writer.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
const { signal } = new AbortController();
let scratch: ScratchDatabase;
before(async () => {
  scratch = await scratchDatabase({ migrated: true });
});
after(() => scratch[Symbol.asyncDispose]());

type Writing = Journal & { readonly writer: StepWriter; readonly claim: Claim };

async function begin(buildId: string): Promise<Writing> {
  const { db } = scratch;
  const known = await db.selectFrom("atos.builds").select("id").where("id", "=", buildId).executeTakeFirst();
  if (known === undefined)
    await insertBuild(db, { id: buildId, goal: "g", request: {}, worker: "w", outDirectory: `/${buildId}`, at });
  const run = (await claimBuild(db, { id: buildId, at }))?.run ?? assert.fail(`${buildId} can't run`);
  return { db, now: () => at, claim: { buildId, run }, writer: new StepWriter(db, { buildId, run }) };
}

const spec = (buildId: string, name: string): EffectSpec<string> => ({
  buildId,
  name,
  kind: "tests",
  task: "t",
  input: name,
  signal,
});
const noted = (why: string): BuildEvent => ({ type: "model-unloaded", model: "m", why });
const doing = (why: string) => async () => ({ result: why, events: [noted(why)] });
const told = async (buildId: string): Promise<readonly string[]> =>
  (await allBuildEvents(scratch.db, buildId)).map(({ event }) => {
    if (event.type === "attempt-started") return `${event.step} begins`;
    return "why" in event ? String(event.why) : event.type;
  });
const statesOf = async (buildId: string) => (await listEffects(scratch.db, buildId)).map(({ state }) => state);

test("what is done is recorded with the next step, ahead of it, or before long by itself", async (context) => {
  const journal = await begin("held");
  context.mock.timers.enable({ apis: ["setTimeout"] });
  assert.equal(await runEffect(journal, spec("held", "a"), doing("a is done")), "a is done");
  const reading = { ...spec("held", "look"), kind: "tool", schema: z.string() } as const;
  assert.equal(await runReading(journal, reading, doing("seen")), "seen");
  await recordStep(journal, { buildId: "held", name: "said", events: [noted("said")] });
  assert.deepEqual(await statesOf("held"), ["reserved"], "nothing waited for its record");
  await runEffect(journal, spec("held", "b"), doing("b is done"));
  assert.deepEqual(await told("held"), ["a begins", "a is done", "seen", "said", "b begins"]);
  context.mock.timers.tick(10);
  while ((await findEffect(scratch.db, "held/b"))?.state !== "done") await setImmediate();
  assert.deepEqual((await told("held")).at(-1), "b is done");
  assert.equal((await verifyTrail(scratch.db, "held")).ok, true);
});

test("side by side too, no step is begun whose strand has done something that is not recorded", async () => {
  const journal = await begin("strands");
  const strands = Array.from({ length: 12 }, (_, index) => `s${index}`);
  await Promise.all(
    strands.map(async (strand) => {
      for (let step = 0; step < 6; step++)
        await runEffect(journal, spec("strands", `${strand}/${step}`), doing(`${strand}/${step} is done`));
    }),
  );
  await journal.writer.settle();
  const trail = await told("strands");
  assert.equal(trail.length, 12 * 6 * 2);
  for (const strand of strands) {
    const own = trail.filter((line) => line.startsWith(`${strand}/`));
    const steps = Array.from({ length: 6 }, (_, step) => `${strand}/${step}`);
    assert.deepEqual(
      own,
      steps.flatMap((step) => [`${step} begins`, `${step} is done`]),
    );
  }
});

test("a step of ATOS's own tables, a reservation and an external effect leave nothing held behind them", async () => {
  const journal = await begin("settled");
  await runEffect(journal, spec("settled", "a"), doing("a"));
  await recordOnce(journal, { buildId: "settled", name: "own" }, async () => ({ result: 1, events: [noted("own")] }));
  assert.deepEqual(await told("settled"), ["a begins", "a", "own"]);
  await runEffect(journal, spec("settled", "b"), doing("b"));
  const external = { kind: "external", reconcile: () => assert.fail("it was not cut off") } as const;
  await runEffect(journal, { ...spec("settled", "c"), guard: external }, doing("c"));
  assert.deepEqual((await told("settled")).slice(3), ["b begins", "b", "c begins", "c"]);
});

test("of a run that another has replaced nothing that is held is recorded, and its next step says so", async () => {
  const old = await begin("replaced");
  await runEffect(old, spec("replaced", "a"), doing("late"));
  const next = await begin("replaced");
  await assert.rejects(runEffect(old, spec("replaced", "b"), doing("never")), RunEndedError);
  assert.equal(await old.writer.settle(), false, "it was dropped then");
  assert.deepEqual(await told("replaced"), ["a begins"]);
  assert.equal(await runEffect(next, spec("replaced", "a"), doing("again")), "again");
  await next.writer.settle();
  assert.deepEqual(await told("replaced"), ["a begins", "a begins", "again"]);
});

test("what an external effect came to is recorded by itself, whatever becomes of other steps", async () => {
  const journal = await begin("alone");
  const external = { kind: "external", reconcile: () => assert.fail("it was not cut off") } as const;
  await runEffect(journal, { ...spec("alone", "sent"), guard: external }, async () => {
    journal.writer.hold({ id: "alone/never-reserved", result: 1, at });
    await assert.rejects(journal.writer.settle(), { code: "store/no-such-effect" });
    return { result: "sent", events: [noted("sent")] };
  });
  assert.deepEqual(await told("alone"), ["sent begins", "sent"]);
});

test("a statement that fails with what it carried is followed by no other, and whoever began the run is told", async () => {
  const lostErrors: unknown[] = [];
  const begun = await begin("lost");
  const journal = { ...begun, writer: new StepWriter(begun.db, begun.claim, (error) => lostErrors.push(error)) };
  journal.writer.hold({ id: "lost/never-reserved", result: 1, at });
  const lost = { code: "store/no-such-effect" };
  await assert.rejects(runEffect(journal, spec("lost", "a"), doing("a")), lost);
  await assert.rejects(runEffect(journal, spec("lost", "b"), doing("b")), lost);
  await assert.rejects(journal.writer.settle(), lost);
  assert.deepEqual(
    lostErrors.map((error) => error instanceof AtosError && error.code),
    ["store/no-such-effect"],
  );
  assert.deepEqual(await statesOf("lost"), []);
  const next = await begin("lost");
  assert.equal(await runEffect(next, spec("lost", "a"), doing("a")), "a");
  await next.writer.settle();
});
