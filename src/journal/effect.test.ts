import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { z } from "zod";
import type { BuildEvent } from "../base/events.ts";
import { claimBuild, insertBuild, setBuildState } from "../store/builds.ts";
import { listEffects } from "../store/effects.ts";
import { type ScratchDatabase, scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { verifyTrail } from "./audit-chain.ts";
import { allBuildEvents } from "./build-events.ts";
import { type EffectSpec, type Journal, runEffect } from "./effect.ts";
import { reportEvent } from "./report-event.ts";
import { RunEndedError } from "./run-ended.ts";
import { runReading } from "./run-reading.ts";
import { Workspaces } from "./workspaces.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), "atos-effect-"));
let scratch: ScratchDatabase;
before(async () => {
  scratch = await scratchDatabase({ migrated: true });
});
after(async () => {
  await scratch[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function newBuild(id: string): Promise<void> {
  await insertBuild(scratch.db, { id, goal: "g", request: {}, worker: "w", outDirectory: `/${id}`, at });
}

/** The journal of the build's next run. */
async function nextRun(buildId: string, more: Partial<Journal> = {}): Promise<Journal> {
  const build = (await claimBuild(scratch.db, { id: buildId, at })) ?? assert.fail(`${buildId} can't run`);
  return { db: scratch.db, now: () => at, claim: { buildId, run: build.run }, ...more };
}

const spec = (buildId: string, name: string, input: unknown = name): EffectSpec<string> => ({
  buildId,
  name,
  kind: "tests",
  task: "t",
  input,
  signal,
});
const noted = (why: string): BuildEvent => ({ type: "model-unloaded", model: "m", why });
const whys = async (buildId: string): Promise<readonly string[]> =>
  (await allBuildEvents(scratch.db, buildId)).map(({ event }) => ("why" in event ? String(event.why) : event.type));
const never = (): Promise<never> => assert.fail("what is done is not run again");

test("effects of one build go on side by side, and a replay finds them by name in any order", async () => {
  await newBuild("many");
  const names = Array.from({ length: 20 }, (_, index) => `step-${index}`);
  const journal = await nextRun("many");
  let running = 0;
  const all = Promise.withResolvers<void>();
  const results = await Promise.all(
    names.map((name) =>
      runEffect(journal, spec("many", name), async () => {
        if (++running === names.length) all.resolve();
        await all.promise;
        return { result: `${name} done`, events: [noted(name)] };
      }),
    ),
  );
  assert.deepEqual(
    results,
    names.map((name) => `${name} done`),
  );
  const replay = await nextRun("many");
  const backwards = names.toReversed();
  const found = await Promise.all(backwards.map((name) => runEffect(replay, spec("many", name), never)));
  assert.deepEqual(found, results.toReversed());
  const trail = await verifyTrail(scratch.db, "many");
  assert.equal(trail.ok && trail.head.seq, 40, "an attempt and an end of each, once");
});

test("what was told before an effect is in the trail once, also when the run was cut off just after", async () => {
  await newBuild("told");
  const waiting = [noted("first"), noted("second")];
  const told = (): readonly BuildEvent[] => waiting.splice(0);
  const cut = await nextRun("told", {
    told,
    atBoundary: (boundary) => {
      if (boundary === "after-reserve") throw new Error("cut off");
    },
  });
  await assert.rejects(runEffect(cut, spec("told", "a"), never), /cut off/);
  assert.deepEqual(await whys("told"), ["first", "second", "attempt-started"]);
  waiting.push(noted("first"), noted("second"));
  const again = await nextRun("told", { told });
  await runEffect(again, spec("told", "a"), async () => ({ result: "x", events: [noted("done")] }));
  assert.equal(waiting.length, 0, "what was told then is dropped");
  waiting.push(noted("third"));
  await runEffect(again, spec("told", "b"), async () => ({ result: "x", events: [] }));
  const seen = ["first", "second", "attempt-started", "attempt-started", "done", "third", "attempt-started"];
  assert.deepEqual(await whys("told"), seen);
});

test("a reading leaves what was told to the next effect", async () => {
  await newBuild("read");
  const waiting = [noted("before")];
  const journal = await nextRun("read", { told: () => waiting.splice(0) });
  const reading = { ...spec("read", "look"), kind: "tool", schema: z.string() } as const;
  const look = async () => ({ result: "seen", events: [noted("looked")] });
  assert.equal(await runReading(journal, reading, look), "seen");
  assert.equal(await runReading(journal, reading, never), "seen");
  assert.equal(waiting.length, 1);
  await runEffect(journal, spec("read", "do"), async () => ({ result: "x", events: [] }));
  assert.deepEqual(await whys("read"), ["looked", "before", "attempt-started"]);
});

test("a failed attempt is told and tried again, and the step that gives up throws and can be begun anew", async () => {
  await newBuild("fails");
  const journal = await nextRun("fails");
  const tries = { ...spec("fails", "a"), retryAfterMs: (_: unknown, attempt: number) => (attempt < 2 ? 1 : undefined) };
  let attempts = 0;
  const broken = async (): Promise<never> => {
    throw new Error(`no ${++attempts}`);
  };
  await assert.rejects(runEffect(journal, tries, broken), /no 2/);
  const result = await runEffect(journal, tries, async (key) => ({ result: key, events: [] }));
  assert.match(result, /^[0-9a-f]{64}$/);
  assert.deepEqual(await whys("fails"), ["attempt-started", "no 1", "attempt-started", "no 2", "attempt-started"]);
  assert.deepEqual(
    (await listEffects(scratch.db, "fails")).map(({ state, attempts: count }) => [state, count]),
    [["done", 3]],
  );
});

test("a replay with another input is a bug, and is said so", async () => {
  await newBuild("other");
  const journal = await nextRun("other");
  await runEffect(journal, spec("other", "a", 1), async () => ({ result: "x", events: [] }));
  await assert.rejects(runEffect(journal, spec("other", "a", 2), never), /reserved with another input/);
});

const ENDINGS: Readonly<Record<string, (buildId: string) => Promise<unknown>>> = {
  "replaced by a newer run": (buildId) => claimBuild(scratch.db, { id: buildId, at }),
  paused: (id) => setBuildState(scratch.db, { id, state: "paused", at }),
  cancelled: (id) => setBuildState(scratch.db, { id, state: "cancelled", at }),
};
for (const [how, end] of Object.entries(ENDINGS)) {
  test(`a run that was ${how} records nothing more, wherever it is`, async () => {
    const buildId = `stale ${how}`;
    await newBuild(buildId);
    const journal = await nextRun(buildId, { told: () => [noted("told late")] });
    const ended = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const quiet = { ...journal, told: () => [] };
    await runEffect(quiet, spec(buildId, "done"), async () => ({ result: "kept", events: [noted("kept")] }));
    const done = async () => {
      begun.resolve();
      await ended.promise;
      return { result: "late", events: [noted("late")] };
    };
    const fail = async (): Promise<never> => {
      await done();
      throw new Error("late failure");
    };
    const admit = async () => {
      await ended.promise;
      return undefined;
    };
    const reading = { ...spec(buildId, "reading"), schema: z.string() };
    const late = Promise.allSettled([
      runEffect(quiet, spec(buildId, "in the work"), done),
      runEffect(quiet, spec(buildId, "in work that fails"), fail),
      runEffect(quiet, { ...spec(buildId, "before the work"), admit }, never),
      runReading(quiet, reading, done),
      ended.promise.then(() => runEffect(journal, spec(buildId, "new"), never)),
    ]);
    await begun.promise;
    // Both attempts are told before the end.
    while ((await whys(buildId)).length < 4) await new Promise(setImmediate);
    const before = [await whys(buildId), await listEffects(scratch.db, buildId)];
    await end(buildId);
    ended.resolve();
    for (const outcome of await late)
      assert.ok(outcome.status === "rejected" && outcome.reason instanceof RunEndedError);
    assert.equal(await reportEvent(journal, buildId, noted("reported late")), false);
    assert.deepEqual([await whys(buildId), await listEffects(scratch.db, buildId)], before);
    assert.equal(await runEffect(journal, spec(buildId, "done"), never), "kept", "what is done is shown to everybody");
  });
}

test("a run that goes on after another finds what that had begun, and finishes it as a further attempt", async () => {
  await newBuild("goes-on");
  const first = await nextRun("goes-on");
  const cut = runEffect(first, spec("goes-on", "a"), async () => {
    await nextRun("goes-on");
    return { result: "first", events: [noted("first")] };
  });
  await assert.rejects(cut, RunEndedError);
  const last = await nextRun("goes-on");
  const result = await runEffect(last, spec("goes-on", "a"), async () => ({ result: "last", events: [noted("last")] }));
  assert.equal(result, "last");
  assert.deepEqual(await whys("goes-on"), ["attempt-started", "attempt-started", "last"]);
});

test("a journal of one build records nothing of another", async () => {
  await newBuild("mine");
  await newBuild("yours");
  await assert.rejects(runEffect(await nextRun("mine"), spec("yours", "a"), never), /a run of build mine can't/);
});

test("a workspace is brought back to what it was before an effect that was cut off, and a replay leaves it alone", async () => {
  await newBuild("workspace");
  const trees = await Workspaces.open(join(folder, "trees.git"));
  const root = join(folder, "work");
  mkdirSync(root);
  const file = join(root, "a.txt");
  writeFileSync(file, "before\n");
  const workspace = () => ({
    kind: "workspace" as const,
    folder: trees.openFolder(root),
    refused: (why: string) => ({ result: why, events: [] }),
  });
  const broken = { ...spec("workspace", "write"), guard: workspace() };
  const cutOff = async (): Promise<never> => {
    writeFileSync(file, "half\n");
    throw new Error("cut off");
  };
  await assert.rejects(runEffect(await nextRun("workspace"), broken, cutOff), /cut off/);
  const guard = workspace();
  const written = await runEffect(await nextRun("workspace"), { ...spec("workspace", "write"), guard }, async () => {
    const found = readFileSync(file, "utf8");
    writeFileSync(file, "after\n");
    return { result: found, events: [] };
  });
  assert.equal(written, "before\n");
  const [row] = await listEffects(scratch.db, "workspace");
  assert.ok(row?.treeBefore !== row?.treeAfter);
  writeFileSync(file, "changed by hand\n");
  const guardAgain = workspace();
  const again = { ...spec("workspace", "write"), guard: guardAgain };
  assert.equal(await runEffect(await nextRun("workspace"), again, never), "before\n");
  const stopped = { ...again, guard: workspace(), signal: AbortSignal.abort(new Error("at the limit")) };
  assert.equal(await runEffect(await nextRun("workspace"), stopped, never), "before\n");
  const other = { ...stopped, ...spec("workspace", "other"), signal: stopped.signal };
  await assert.rejects(runEffect(await nextRun("workspace"), other, never), /at the limit/);
  assert.equal(readFileSync(file, "utf8"), "changed by hand\n", "no state is looked at or brought back");
  assert.deepEqual(await guardAgain.folder.current(), { kind: "taken", snapshot: row?.treeAfter });
  assert.equal(readFileSync(file, "utf8"), "after\n");
});
