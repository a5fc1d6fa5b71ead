import assert from "node:assert/strict";
import { test } from "node:test";
import { insertBuild } from "./builds.ts";
import { eventsAfter } from "./events.ts";
import { countAttempt, findEffect, finishEffect, listEffects, recordEffect, reserveEffect } from "./effects.ts";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
const later = new Date("2026-01-01T00:00:09.002Z");
const turn = { id: "one/3", buildId: "one", kind: "turn", name: "code", task: "parser", inputHash: "abc", at } as const;

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
    const done = await finishEffect(db, { id: "one/2", result: 1, treeAfter: "after", at: later });
    assert.deepEqual([done.treeBefore, done.treeAfter], ["before", "after"]);
  });

  await context.test("what is done already is recorded once, with its events", async () => {
    const done = { ...turn, id: "one/0", result: { found: 1 }, events: [{ type: "noted", data: { a: 1 } }] };
    assert.deepEqual([await recordEffect(db, done), await recordEffect(db, { ...done, result: 2 })], [true, false]);
    const row = await findEffect(db, "one/0");
    assert.deepEqual([row?.state, row?.attempts, row?.result], ["done", 0, { found: 1 }]);
    const events = await eventsAfter(db, { buildId: "one", seq: 0, limit: 9 });
    assert.deepEqual(events, [{ seq: 1, at, type: "noted", data: { a: 1 } }]);
  });

  await context.test("concurrent reservations agree on one", async () => {
    const rows = await Promise.all(
      ["a", "b", "c", "d", "e"].map(async (inputHash) => await reserveEffect(db, { ...turn, id: "one/4", inputHash })),
    );
    assert.equal(new Set(rows.map(({ inputHash }) => inputHash)).size, 1);
  });

  await context.test("attempts are counted", async () => {
    assert.deepEqual([await countAttempt(db, turn.id), await countAttempt(db, turn.id)], [1, 2]);
    await assert.rejects(countAttempt(db, "none"), { code: "store/no-such-effect" });
  });

  await context.test("a result is recorded once and comes back exactly", async () => {
    const result = { text: "nul \u0000 and half a pair \udc00", b: [1], a: null };
    const done = await finishEffect(db, { id: turn.id, result, at: later });
    assert.deepEqual([done.state, done.attempts, done.finishedAt], ["done", 2, later]);
    assert.equal(JSON.stringify((await findEffect(db, turn.id))?.result), JSON.stringify(result));
    await assert.rejects(finishEffect(db, { id: turn.id, result: "another", at: later }), {
      code: "store/effect-already-done",
    });
    await assert.rejects(finishEffect(db, { id: "none", result: null, at }), { code: "store/no-such-effect" });
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
      ["one/0", "one/2", "one/3", "one/4", "one/1"],
    );
    assert.deepEqual(await listEffects(db, "two"), []);
  });
});
