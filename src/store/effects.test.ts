import assert from "node:assert/strict";
import { test } from "node:test";
import { claimBuild, hasClaim, insertBuild, lockBuild, setBuildState } from "./builds.ts";
import { eventsAfter } from "./events.ts";
import { findEffect, type HeldStep, listEffects, recordHeld, reserveEffect, startAttempt } from "./effects.ts";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
const later = new Date("2026-01-01T00:00:09.002Z");
const turn = { id: "one/3", buildId: "one", kind: "turn", name: "code", task: "parser", inputHash: "abc", at } as const;
const one = { buildId: "one" };

test("effects", async (context) => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db } = scratch;
  await insertBuild(db, { id: "one", goal: "g", request: {}, worker: "w", outDirectory: "/out", at });

  await context.test("a reservation is its row, and the same one again changes nothing", async () => {
    const { at: reservedAt, ...given } = turn;
    const reserved = {
      ...given,
      state: "reserved",
      attempts: 0,
      result: null,
      reservedAt,
      finishedAt: null,
      treeBefore: null,
      treeAfter: null,
    };
    assert.deepEqual(await reserveEffect(db, turn), reserved);
    assert.deepEqual(await reserveEffect(db, { ...turn, inputHash: "other", at: later }), reserved);
  });

  await context.test("the workspace before and after an effect is kept with it", async () => {
    await reserveEffect(db, { ...turn, id: "one/2", treeBefore: "before" });
    assert.equal(await recordHeld(db, one, [{ id: "one/2", result: 1, treeAfter: "after", at: later }]), true);
    const done = await findEffect(db, "one/2");
    assert.deepEqual([done?.treeBefore, done?.treeAfter], ["before", "after"]);
  });

  await context.test("what is done already is recorded once, with its events", async () => {
    const done = { ...turn, id: "one/0", result: { found: 1 }, events: [{ type: "noted", data: { a: 1 } }] };
    assert.equal(await recordHeld(db, one, [done]), true);
    await assert.rejects(recordHeld(db, one, [{ ...done, result: 2 }]), { code: "store/effect-already-done" });
    const row = await findEffect(db, "one/0");
    assert.deepEqual([row?.state, row?.attempts, row?.result], ["done", 0, { found: 1 }]);
    const events = await eventsAfter(db, { buildId: "one", seq: 0, limit: 9 });
    assert.deepEqual(events, [{ seq: 1, at, type: "noted", data: { a: 1 } }]);
  });

  await context.test("concurrent reservations agree on one", async () => {
    const rows = await Promise.all(
      ["a", "b", "c", "d", "e"].map(async (inputHash) => await reserveEffect(db, { ...turn, id: "one/4", inputHash })),
    );
    assert.equal(new Set(rows.map((row) => row?.inputHash)).size, 1);
  });

  await context.test("what comes before a new effect is in the trail with it, and once", async () => {
    const told = { ...turn, id: "one/5", events: [{ type: "told", data: { b: 2 } }] };
    await Promise.all([reserveEffect(db, told), reserveEffect(db, told), reserveEffect(db, told)]);
    const events = await eventsAfter(db, { buildId: "one", seq: 1, limit: 9 });
    assert.deepEqual(events, [{ seq: 2, at, type: "told", data: { b: 2 } }]);
  });

  await context.test("attempts are counted and told", async () => {
    const start = { buildId: "one", id: turn.id, told: { step: "code", call: 'say "}"' }, at };
    assert.deepEqual([await startAttempt(db, start), await startAttempt(db, start)], [1, 2]);
    await assert.rejects(startAttempt(db, { ...start, id: "none" }), { code: "store/no-such-effect" });
    const events = await eventsAfter(db, { buildId: "one", seq: 2, limit: 9 });
    assert.deepEqual(
      events.map(({ type, data }) => [type, data]),
      [1, 2].map((attempt) => ["attempt-started", { ...start.told, attempt }]),
    );
  });

  await context.test("a result is recorded once and comes back exactly", async () => {
    const result = { text: "nul \u0000 and half a pair \udc00", b: [1], a: null };
    await recordHeld(db, one, [{ id: turn.id, result, at: later }]);
    const done = await findEffect(db, turn.id);
    assert.deepEqual([done?.state, done?.attempts, done?.finishedAt], ["done", 2, later]);
    assert.equal(JSON.stringify((await findEffect(db, turn.id))?.result), JSON.stringify(result));
    const again = { id: turn.id, result: "another", at: later };
    await assert.rejects(recordHeld(db, one, [again]), { code: "store/effect-already-done" });
    const attempt = { buildId: "one", id: turn.id, told: { step: "code" }, at };
    await assert.rejects(startAttempt(db, attempt), { code: "store/effect-already-done" });
    await assert.rejects(recordHeld(db, one, [{ ...again, id: "none" }]), { code: "store/no-such-effect" });
    assert.equal(JSON.stringify((await findEffect(db, turn.id))?.result), JSON.stringify(result));
  });

  await context.test("a reservation goes with the transaction that made it", async () => {
    const undone = db.transaction().execute(async (transaction) => {
      await reserveEffect(transaction, { ...turn, id: "one/9" });
      throw new Error("undo");
    });
    await assert.rejects(undone, /undo/);
    assert.equal(await findEffect(db, "one/9"), undefined);
  });

  await context.test("a build's effects are listed in the order they were reserved", async () => {
    await reserveEffect(db, { ...turn, id: "one/1", at: later });
    assert.deepEqual(
      (await listEffects(db, "one")).map(({ id }) => id),
      ["one/0", "one/2", "one/3", "one/4", "one/5", "one/1"],
    );
    assert.deepEqual(await listEffects(db, "two"), []);
  });

  await context.test("a run that another one replaced records nothing more, and sees what is done", async () => {
    await insertBuild(db, { id: "two", goal: "g", request: {}, worker: "w", outDirectory: "/two", at });
    const effect = { ...turn, buildId: "two", id: "two/1", events: [{ type: "told", data: {} }] };
    const start = { buildId: "two", id: "two/1", told: { step: "code" }, at };
    const end = { id: "two/1", result: 1, at };
    const record = (run: number, step: HeldStep) => recordHeld(db, { buildId: "two", run }, [step]);
    const all = async (run: number) => [
      (await reserveEffect(db, { ...effect, run }))?.state,
      await startAttempt(db, { ...start, run }),
      await record(run, end),
      await record(run, { ...effect, id: "two/2", result: 2 }),
      (await reserveEffect(db, { ...effect, run: 99 }))?.state,
    ];
    const none = [undefined, undefined, false, false, undefined];
    assert.deepEqual(await all(0), none, "not begun yet");
    await claimBuild(db, { id: "two", at });
    const second = await claimBuild(db, { id: "two", at });
    assert.equal(second?.run, 2);
    assert.deepEqual(await all(1), none);
    assert.deepEqual(await all(2), ["reserved", 1, true, true, "done"]);
    for (const state of ["queued", "paused", "cancelled", "green"] as const) {
      await setBuildState(db, { id: "two", state, at });
      const later = { ...effect, id: "two/3", run: 2 };
      assert.deepEqual([await reserveEffect(db, later), await record(2, { ...later, result: 3 })], [undefined, false]);
    }
    const events = await eventsAfter(db, { buildId: "two", seq: 0, limit: 9 });
    assert.deepEqual(
      events.map(({ type }) => type),
      ["told", "attempt-started", "told"],
    );
  });

  await context.test(
    "who ends a run waits for what it is recording, and what comes later is not recorded",
    async () => {
      await insertBuild(db, { id: "three", goal: "g", request: {}, worker: "w", outDirectory: "/three", at });
      await claimBuild(db, { id: "three", at });
      const effect = { ...turn, buildId: "three", run: 1 };
      const first = await db.transaction().execute(async (trx) => {
        const row = await reserveEffect(trx, { ...effect, id: "three/1" });
        const ending = db.transaction().execute(async (other) => {
          await lockBuild(other, "three");
          const seen = await findEffect(other, "three/1");
          await setBuildState(other, { id: "three", state: "paused", at });
          return seen;
        });
        return { row, ending, late: ending.then(() => reserveEffect(db, { ...effect, id: "three/2" })) };
      });
      assert.equal((await first.ending)?.id, "three/1", "it saw all that was recorded before");
      assert.equal(await first.late, undefined);
      const has = await db.transaction().execute((trx) => hasClaim(trx, { buildId: "three", run: 1 }));
      assert.equal(has, false);
    },
  );

  await context.test("whoever tells the trail while a build is locked does not wait", async () => {
    const told = await db.transaction().execute(async (trx) => {
      await lockBuild(trx, "one");
      return recordHeld(db, one, [{ ...turn, id: "one/6", result: 1, events: [{ type: "noted", data: 1 }] }]);
    });
    assert.equal(told, true);
  });
});
