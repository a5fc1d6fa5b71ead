import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { AtosError } from "../base/errors.ts";
import {
  buildsToServe,
  buildUsingDirectory,
  findBuild,
  insertBuild,
  listBuilds,
  setBuildState,
  setWish,
} from "./builds.ts";
import { newestBuild, newestBuilds } from "./newest-builds.ts";
import { type ScratchDatabase, scratchDatabase } from "../../test/fixtures/scratch-database.ts";

let scratch: ScratchDatabase;
before(async () => {
  scratch = await scratchDatabase({ migrated: true });
});
after(async () => await scratch[Symbol.asyncDispose]());
beforeEach(async () => {
  await scratch.db.deleteFrom("atos.builds").execute();
});

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second, 123));

async function queued(id: string, second = 0) {
  return await insertBuild(scratch.db, {
    id,
    goal: `goal of ${id}`,
    request: { b: 1, a: [null, "ü"] },
    worker: "w",
    outDirectory: `/out/${id}`,
    at: at(second),
  });
}

test("a build is found as it was inserted", async () => {
  const inserted = await queued("one");
  assert.deepEqual(inserted, {
    id: "one",
    goal: "goal of one",
    state: "queued",
    request: { b: 1, a: [null, "ü"] },
    wish: null,
    run: 0,
    worker: "w",
    outDirectory: "/out/one",
    forkedFrom: null,
    forkedStep: null,
    result: null,
    createdAt: at(0),
    updatedAt: at(0),
  });
  assert.deepEqual(await findBuild(scratch.db, "one"), inserted);
  assert.equal(await findBuild(scratch.db, "two"), undefined);
});

test("a request comes back with its keys in order and with characters that no SQL text can hold", async () => {
  const request = { z: "a\u0000b", a: "half a pair: \ud83d", 10: -0.1, 2: 1e21 };
  await insertBuild(scratch.db, { id: "one", goal: "g", request, worker: "w", outDirectory: "/out", at: at(0) });
  const found = await findBuild(scratch.db, "one");
  assert.equal(JSON.stringify(found?.request), JSON.stringify(request));
});

test("a list of builds starts with the newest and stops at its limit", async () => {
  await queued("old", 1);
  await queued("new", 3);
  await queued("middle", 2);
  const ids = (await listBuilds(scratch.db, 2)).map(({ id }) => id);
  assert.deepEqual(ids, ["new", "middle"]);
});

test("a state without a result keeps the recorded result", async () => {
  await queued("one");
  await setBuildState(scratch.db, { id: "one", state: "red", result: { why: "tests" }, at: at(1) });
  const changed = await setBuildState(scratch.db, { id: "one", state: "running", at: at(2) });
  assert.deepEqual([changed.state, changed.result, changed.updatedAt], ["running", { why: "tests" }, at(2)]);
});

test("the state of an unknown build can't be set", async () => {
  await assert.rejects(setBuildState(scratch.db, { id: "none", state: "green", at: at(0) }), {
    code: "store/no-such-build",
  });
});

test("of an installation's builds the newest that may still go on is found, and no evaluation's", async () => {
  const unfinished = () => newestBuild(scratch.db, { unfinishedOf: "w" });
  assert.equal(await unfinished(), undefined);
  await queued("paused", 1);
  await setBuildState(scratch.db, { id: "paused", state: "paused", at: at(5) });
  await queued("cancelled", 2);
  await setBuildState(scratch.db, { id: "cancelled", state: "cancelled", at: at(5) });
  await queued("green", 3);
  await setBuildState(scratch.db, { id: "green", state: "green", at: at(5) });
  const evaluated = {
    id: "eval",
    goal: "g",
    request: {},
    worker: "w",
    outDirectory: "/eval",
    evaluation: true,
  } as const;
  await insertBuild(scratch.db, { ...evaluated, at: at(4) });
  assert.equal((await unfinished())?.id, "paused");
  assert.equal((await newestBuild(scratch.db))?.id, "green");
  const listed = async (all: boolean) => (await newestBuilds(scratch.db, { limit: 2, all })).map(({ id }) => id);
  assert.deepEqual(
    [await listed(true), await listed(false)],
    [
      ["eval", "green"],
      ["green", "cancelled"],
    ],
  );
});

test("queued and running builds are served, and a paused one of which something is wanted", async () => {
  await queued("queued");
  for (const state of ["running", "paused", "red", "refused"] as const) {
    await queued(state);
    await setBuildState(scratch.db, { id: state, state, at: at(1) });
  }
  assert.deepEqual((await buildsToServe(scratch.db, "w")).map(({ id }) => id).toSorted(), ["queued", "running"]);
  assert.deepEqual(await buildsToServe(scratch.db, "another installation"), []);
  assert.equal(await setWish(scratch.db, { id: "paused", wish: "cancel", at: at(1) }), true);
  const served = (await buildsToServe(scratch.db, "w")).map(({ id, state, wish }) => `${id} ${state} ${wish}`);
  assert.deepEqual(served.toSorted(), ["paused paused cancel", "queued queued null", "running running null"]);
});

test("a wish is seen until it is withdrawn or the build is over", async () => {
  await queued("one");
  const wishes = async () =>
    (await buildsToServe(scratch.db, "w")).flatMap(({ id, wish }) => (wish === null ? [] : [[id, wish]]));
  assert.equal(await setWish(scratch.db, { id: "one", wish: "pause", at: at(1) }), true);
  assert.deepEqual(await wishes(), [["one", "pause"]]);
  await setWish(scratch.db, { id: "one", wish: null, at: at(2) });
  assert.deepEqual(await wishes(), []);
  await setWish(scratch.db, { id: "one", wish: "cancel", at: at(3) });
  await setBuildState(scratch.db, { id: "one", state: "cancelled", at: at(4) });
  assert.deepEqual(await wishes(), []);
  assert.equal(await setWish(scratch.db, { id: "one", wish: "pause", at: at(5) }), false);
  assert.equal(await setWish(scratch.db, { id: "none", wish: "pause", at: at(5) }), false);
});

test("a directory belongs to one unfinished build", async () => {
  await queued("first");
  assert.equal((await buildUsingDirectory(scratch.db, { worker: "w", outDirectory: "/out/first" }))?.id, "first");
  const second = { id: "second", goal: "g", request: {}, worker: "w", outDirectory: "/out/first", at: at(1) };
  await assert.rejects(insertBuild(scratch.db, second), (error: unknown) => {
    assert(error instanceof AtosError);
    assert.deepEqual([error.code, error.exitCode], ["store/directory-in-use", 2]);
    assert.match(error.message, /\/out\/first/);
    return true;
  });
  await setBuildState(scratch.db, { id: "first", state: "red", at: at(2) });
  assert.equal(await buildUsingDirectory(scratch.db, { worker: "w", outDirectory: "/out/first" }), undefined);
  await insertBuild(scratch.db, second);
  await assert.rejects(setBuildState(scratch.db, { id: "first", state: "running", at: at(3) }), {
    code: "store/directory-in-use",
  });
});

test("of many clients that ask for one directory at the same moment, one gets it", async () => {
  const asked = Array.from({ length: 8 }, async (_, index) => {
    return await insertBuild(scratch.db, {
      id: `${index}`,
      goal: "g",
      request: {},
      worker: "w",
      outDirectory: "/same",
      at: at(0),
    });
  });
  const settled = await Promise.allSettled(asked);
  assert.equal(settled.filter(({ status }) => status === "fulfilled").length, 1);
});

test("a row that this version doesn't understand is refused, not passed on", async () => {
  await queued("one");
  const reading = scratch.db.transaction().execute(async (transaction) => {
    await transaction.schema.alterTable("atos.builds").dropConstraint("builds_state_check").execute();
    await transaction.updateTable("atos.builds").set({ state: "dreaming" }).execute();
    return await findBuild(transaction, "one");
  });
  await assert.rejects(reading, { name: "ZodError" });
});
