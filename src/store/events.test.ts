import assert from "node:assert/strict";
import { test } from "node:test";
import { insertBuild } from "./builds.ts";
import { appendEvents, eventsAfter } from "./events.ts";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";

const at = new Date("2026-01-01T00:00:00.001Z");

test("events", async (context) => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db } = scratch;
  for (const id of ["one", "two", "busy"]) {
    await insertBuild(db, { id, goal: "g", request: {}, worker: "w", outDirectory: `/${id}`, at });
  }
  const append = async (buildId: string, data: unknown) =>
    await db
      .transaction()
      .execute(async (trx) => await appendEvents(trx, { buildId, at, events: [{ type: "noted", data }] }));

  await context.test("each build's events are numbered from 1 and read in order", async () => {
    const numbers = [await append("one", { why: "\u0000" }), await append("two", null), await append("one", [2])];
    assert.deepEqual(numbers, [1, 1, 2]);
    assert.deepEqual(await eventsAfter(db, { buildId: "one", seq: 0, limit: 10 }), [
      { seq: 1, at, type: "noted", data: { why: "\u0000" } },
      { seq: 2, at, type: "noted", data: [2] },
    ]);
    assert.deepEqual(await eventsAfter(db, { buildId: "two", seq: 1, limit: 10 }), []);
    assert.equal((await eventsAfter(db, { buildId: "one", seq: 0, limit: 1 })).length, 1);
  });

  await context.test("an append that is undone leaves no gap", async () => {
    const undone = db.transaction().execute(async (transaction) => {
      await appendEvents(transaction, { buildId: "one", at, events: [{ type: "lost", data: {} }] });
      throw new Error("undo");
    });
    await assert.rejects(undone, /undo/);
    assert.equal(await append("one", {}), 3);
  });

  await context.test(
    "a reader that follows twenty concurrent appends sees all, in order and without a gap",
    async () => {
      const appends = Array.from({ length: 20 }, async (_, index) => await append("busy", index));
      const seen: number[] = [];
      for (let round = 0; round < 1000 && seen.length < 20; round++) {
        const events = await eventsAfter(db, { buildId: "busy", seq: seen.at(-1) ?? 0, limit: 5 });
        seen.push(...events.map(({ seq }) => seq));
      }
      const numbers = await Promise.all(appends);
      const dense = Array.from({ length: 20 }, (_, index) => index + 1);
      assert.deepEqual(seen, dense);
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        dense,
      );
    },
  );

  await context.test("an event of an unknown build is refused", async () => {
    await assert.rejects(append("none", {}), { constraint: "events_build_id_fkey" });
  });
});
