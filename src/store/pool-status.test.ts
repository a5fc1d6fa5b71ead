import assert from "node:assert/strict";
import { test } from "node:test";
import { scratchDatabase } from "../../test/fixtures/scratch-database.ts";
import { readPoolStatuses, removePoolStatus, writePoolStatus } from "./pool-status.ts";
import { askUnload, findUnloadAnswer, finishUnloadWish, takeUnloadWishes, withdrawUnload } from "./unload-wishes.ts";

const at = new Date("2026-01-01T00:00:00.001Z");
const later = new Date("2026-01-01T00:00:09.002Z");
const muchLater = new Date("2026-01-01T02:00:00.000Z");

test("a pool's status and the wishes to unload", async (context) => {
  await using scratch = await scratchDatabase({ migrated: true });
  const { db } = scratch;

  await context.test("each worker has one status, the newest that it told", async () => {
    await writePoolStatus(db, { worker: "b", status: { residents: ["\u0000\ud800"] }, at });
    await writePoolStatus(db, { worker: "a", status: 1, at });
    await writePoolStatus(db, { worker: "a", status: 2, at: later });
    await writePoolStatus(db, { worker: "a", status: 3, at });
    assert.deepEqual(await readPoolStatuses(db), [
      { worker: "a", at: later, status: 2 },
      { worker: "b", at, status: { residents: ["\u0000\ud800"] } },
    ]);
  });

  await context.test("a worker's status goes when it ends, and others' stay", async () => {
    await removePoolStatus(db, "a");
    await removePoolStatus(db, "unknown");
    assert.deepEqual(
      (await readPoolStatuses(db)).map(({ worker }) => worker),
      ["b"],
    );
  });

  await context.test("a worker gets its own open wishes, the oldest first, until they are answered", async () => {
    await askUnload(db, { id: "2", worker: "a", model: undefined, at: later });
    await askUnload(db, { id: "1", worker: "a", model: "coder", at });
    await askUnload(db, { id: "3", worker: "b", model: undefined, at });
    const first = { id: "1", worker: "a", model: "coder", askedAt: at };
    const second = { id: "2", worker: "a", model: undefined, askedAt: later };
    assert.deepEqual(await takeUnloadWishes(db, "a"), [first, second]);
    assert.equal(await findUnloadAnswer(db, "1"), undefined);
    await finishUnloadWish(db, { id: "1", answer: { unloaded: ["coder"], busy: [] }, at: later });
    assert.deepEqual(await takeUnloadWishes(db, "a"), [second]);
    assert.deepEqual(await findUnloadAnswer(db, "1"), { unloaded: ["coder"], busy: [] });
  });

  await context.test("an answer is given once, and none to a wish that was withdrawn", async () => {
    await finishUnloadWish(db, { id: "1", answer: { unloaded: [], busy: ["coder"] }, at: later });
    assert.deepEqual(await findUnloadAnswer(db, "1"), { unloaded: ["coder"], busy: [] });
    await withdrawUnload(db, "1");
    assert.deepEqual(await findUnloadAnswer(db, "1"), { unloaded: ["coder"], busy: [] });
    await withdrawUnload(db, "2");
    await finishUnloadWish(db, { id: "2", answer: { unloaded: [], busy: [] }, at: later });
    assert.deepEqual([await takeUnloadWishes(db, "a"), await findUnloadAnswer(db, "2")], [[], undefined]);
  });

  await context.test("answers that nobody read for an hour are dropped, wishes without one are not", async () => {
    await askUnload(db, { id: "4", worker: "a", model: undefined, at: muchLater });
    assert.equal(await findUnloadAnswer(db, "1"), undefined);
    assert.equal((await takeUnloadWishes(db, "b")).length, 1);
  });
});
