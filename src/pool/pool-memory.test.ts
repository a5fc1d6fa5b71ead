import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertIdle,
  childDied,
  type FakePool,
  fakePool,
  settled,
  story,
  until,
} from "../../test/fixtures/fake-pool.ts";
import { missingError, usageError } from "../base/errors.ts";
import type { GgufSource } from "../engine/model.ts";

const never = new AbortController().signal;

function outOfMemory(): Error {
  return missingError("engine/not-enough-memory", "a context of that size can't be allocated; take a smaller one");
}

async function turn({ lease }: FakePool, source: GgufSource): Promise<number> {
  await using got = await lease(source);
  return got.model.contextTokens;
}

test("a model that runs out of memory is tried with fewer slots, then with less context, and each is told", async () => {
  await using fake = await fakePool({ budgetMib: 1024 });
  fake.faults.load = ({ id, slots = 1, contextTokens = 0 }) => {
    if (slots > 1) throw childDied(id, true);
    if (contextTokens > 4096) throw outOfMemory();
  };
  const source = fake.source("a", { slots: 4, contextTokens: 16_384 });
  const leases = [1, 2, 3, 4].map((task) =>
    fake.lease(source, String(task)).then((lease) => lease[Symbol.asyncDispose]()),
  );
  await Promise.all(leases);
  const told = story(fake.events).filter((line) => line.startsWith("shrunk"));
  assert.equal(told.at(-2), "shrunk a to 1 slots of 8192");
  assert.equal(told.at(-1), "shrunk a to 1 slots of 4096");
  assert.equal(await turn(fake, source), 4096, "a turn gets what there is, although it asked for more");
  assertIdle(fake);
});

test("a process that is killed while it loads is begun anew, and nothing is learned of its size", async () => {
  await using fake = await fakePool({ budgetMib: 1024 });
  let isFirst = true;
  fake.faults.load = ({ id }) => {
    if (!isFirst) return;
    isFirst = false;
    throw childDied(id, true);
  };
  assert.equal(await turn(fake, fake.source("a")), 4096);
  await until(() => story(fake.events).some((line) => line.startsWith("loaded")));
  assert.equal(fake.opened.length, 2);
  assert.deepEqual(
    fake.events.filter(({ type }) => type === "model-crashed" || type === "model-shrunk").map(({ type }) => type),
    ["model-crashed"],
  );
  assertIdle(fake);
});

test("a model whose process dies in every load is left alone after the third", async () => {
  await using fake = await fakePool({ budgetMib: 1024 });
  fake.faults.load = ({ id }) => {
    throw childDied(id, false);
  };
  await assert.rejects(turn(fake, fake.source("a")), { code: "pool/model-quarantined" });
  assert.equal(fake.opened.length, 3);
  assertIdle(fake);
});

test("a model that was given less is given all again when memory may be back, ten minutes later", async () => {
  let laterMs = 0;
  await using fake = await fakePool({ budgetMib: 1024, nowMs: () => Date.now() + laterMs });
  let isShort = true;
  fake.faults.load = ({ contextTokens = 0 }) => {
    if (isShort && contextTokens > 4096) throw outOfMemory();
  };
  const source = fake.source("a", { contextTokens: 8192 });
  assert.equal(await turn(fake, source), 4096);
  isShort = false;
  assert.equal(await turn(fake, source), 4096);
  laterMs = 11 * 60_000;
  await fake.pool.unload(undefined);
  assert.equal(await turn(fake, source), 8192);
  assertIdle(fake);
});

test("a model that runs out of memory however small it is made fails with the typed error", async () => {
  await using fake = await fakePool({ budgetMib: 1024 });
  fake.faults.load = () => {
    throw outOfMemory();
  };
  await assert.rejects(turn(fake, fake.source("a", { contextTokens: 8192 })), {
    code: "pool/not-enough-memory",
    message: /with one slot and 2048 tokens of context/,
  });
  assert.deepEqual(
    fake.opened.map(({ contextTokens }) => contextTokens),
    [8192, 4096, 2048],
  );
  assertIdle(fake);
});

test("a model that is larger than all there is gets a shorter context, and fails when that does not help", async () => {
  await using fake = await fakePool({ budgetMib: 160 });
  assert.ok((await turn(fake, fake.source("a", { contextTokens: 400_000 }))) < 100_000);
  assert.match(story(fake.events)[0] ?? "", /^shrunk a to 1 slots of \d+$/);
  await using tiny = await fakePool({ budgetMib: 64 });
  await assert.rejects(turn(tiny, tiny.source("a")), {
    code: "pool/not-enough-memory",
    message: /needs 9\d MiB of system for one slot and 4096 tokens .*the budget of 64 MiB that was set/,
  });
  assert.deepEqual(tiny.opened, []);
});

test("a booking that others came before is tried again", async () => {
  await using fake = await fakePool();
  fake.machine.othersMib = 100;
  const waiting = turn(fake, fake.source("a"));
  await until(() => fake.pool.status().queue.some(({ why }) => why.includes("used by others")));
  assert.deepEqual(fake.opened, []);
  fake.machine.othersMib = 0;
  await fake.ledger.refresh(never);
  await waiting;
  assertIdle(fake);
});

test("a turn that others leave no memory for fails after its time", async () => {
  await using fake = await fakePool({ maxWaitMs: 1 });
  fake.machine.othersMib = 100;
  await assert.rejects(turn(fake, fake.source("a")), { code: "pool/not-enough-memory" });
  await until(() => fake.pool.status().residents.length === 0);
  assertIdle(fake);
});

test("a turn that needs more context has its model made larger as soon as it is idle, before younger turns", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  const [small, large] = [fake.source("a", { contextTokens: 4096 }), fake.source("a", { contextTokens: 8192 })];
  const order: string[] = [];
  const held = await fake.lease(small, "held");
  const waiting: Promise<void>[] = [];
  for (const source of [large, small]) {
    const use = async (): Promise<void> => {
      await using lease = await fake.lease(source, String(waiting.length));
      order.push(String(lease.model.contextTokens));
    };
    waiting.push(use());
    await until(() => fake.pool.status().queue.length === waiting.length);
  }
  assert.deepEqual(order, []);
  await held[Symbol.asyncDispose]();
  await Promise.all(waiting);
  assert.deepEqual(order, ["8192", "4096"]);
  assert.equal(fake.opened.length, 1);
  assert.equal(fake.pool.status().residents[0]?.contextTokens, 8192);
});

test("a turn that needs more context than can be had in its place has its model loaded anew", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  fake.faults.resize = () => {
    throw usageError("engine/context-too-large", "this can't be made larger; load it again");
  };
  await turn(fake, fake.source("a", { contextTokens: 4096 }));
  assert.equal(await turn(fake, fake.source("a", { contextTokens: 8192 })), 8192);
  assert.equal(fake.opened.length, 2);
});

test("a model whose process ends over a resize is loaded anew, and its turns notice nothing", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  fake.faults.resize = () => {
    throw childDied("a", true);
  };
  await turn(fake, fake.source("a", { contextTokens: 4096 }));
  await turn(fake, fake.source("a", { contextTokens: 8192 }));
  assert.equal(
    fake.events.some(({ type }) => type === "model-crashed"),
    false,
  );
  assertIdle(fake);
});

test("an idle model is unloaded at once, one in a turn after it", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  await turn(fake, fake.source("a"));
  const held = await fake.lease(fake.source("b"));
  assert.deepEqual(await fake.pool.unload(undefined), { gone: ["a"], later: ["b"] });
  assert.deepEqual(
    [...fake.live.values()].map(({ id }) => id),
    ["b"],
  );
  await held[Symbol.asyncDispose]();
  await until(() => fake.live.size === 0);
  assert.deepEqual(await fake.pool.unload("nobody"), { gone: [], later: [] });
  assertIdle(fake);
});

test("a pool that ends in the middle of everything leaves nothing loaded, and tells whoever waits", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  fake.faults.load = ({ id }, signal) =>
    id === "b" ? new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))) : undefined;
  await fake.lease(fake.source("a"));
  const loading = assert.rejects(fake.lease(fake.source("b")), { code: "pool/closed" });
  const waiting = assert.rejects(fake.lease(fake.source("c")), { code: "pool/closed" });
  await until(() => fake.opened.length === 2);
  await fake.pool[Symbol.asyncDispose]();
  await Promise.all([loading, waiting]);
  assert.equal(fake.live.size, 0);
  await assert.rejects(fake.lease(fake.source("a")), { code: "pool/closed" });
});

test("a build in which nothing can be recorded fails, and others go on", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  const job = { build: "other", task: "task", role: "developer" };
  const report = (): Promise<void> => Promise.reject(new Error("the database is gone"));
  await assert.rejects(fake.pool.lease({ source: fake.source("a"), job, report }, never), /the database is gone/);
  await turn(fake, fake.source("a"));
  assertIdle(fake);
});

test("sources of one file that differ in slots and context are one model", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  const settings = { deterministic: false } as const;
  await turn(fake, fake.source("a", settings));
  await turn(fake, fake.source("a", { ...settings, slots: 2 }));
  await turn(fake, fake.source("a", { ...settings, contextTokens: 2048 }));
  assert.equal(fake.opened.length, 1);
});

test("a turn gets the context that it asked for, also when others have more", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  await turn(fake, fake.source("a", { contextTokens: 8192 }));
  assert.equal(await turn(fake, fake.source("a")), 4096);
  assert.equal(fake.opened.length, 1);
});

test("a model that somebody wants larger while it is loaded is booked as it was loaded", async () => {
  await using fake = await fakePool();
  const loading = Promise.withResolvers<void>();
  fake.faults.load = () => loading.promise;
  const first = fake.lease(fake.source("a", { contextTokens: 4096 }), "1");
  await until(() => fake.opened.length === 1);
  const stop = new AbortController();
  const second = assert.rejects(fake.lease(fake.source("a", { contextTokens: 50_000 }), "2", stop.signal), /enough/);
  await settled();
  loading.resolve();
  await using _lease = await first;
  assert.ok(fake.ledger.bookedBytes(0) < 128 * 2 ** 20);
  stop.abort(new Error("enough"));
  await second;
});

test("a model that can't have more slots after all goes on with those it has", async () => {
  // Two slots are less than a quarter below the budget: after one shortage they would not be booked anew.
  await using fake = await fakePool({ budgetMib: 128 });
  let resizes = 0;
  fake.faults.resize = ({ slots }) => {
    resizes++;
    if (slots > 1) throw outOfMemory();
  };
  const source = fake.source("a", { slots: 8, contextTokens: 8192 });
  await turn(fake, source);
  const uses = [1, 2, 3, 4, 5, 6, 7, 8].map(async (task) => {
    await using _lease = await fake.lease(source, String(task));
    await settled();
  });
  await Promise.all(uses);
  assert.ok(resizes > 0 && resizes <= 3, `${resizes} resizes`);
  assert.equal(fake.opened.length, 1);
});

test("a model whose larger size is refused goes on with the slots it has", async () => {
  await using fake = await fakePool();
  const source = fake.source("a", { slots: 8 });
  await turn(fake, source);
  let bookings = 0;
  fake.ledger.book = async () => {
    bookings++;
    return { kind: "refused", why: "another worker is booking" };
  };
  const uses = [1, 2, 3, 4].map(async (task) => {
    await using _lease = await fake.lease(source, String(task));
    await settled();
  });
  await Promise.all(uses);
  assert.equal(bookings, 1);
});

test("what a worker claimed for models that it unloaded is given back to other workers", async (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  await using fake = await fakePool();
  await turn(fake, fake.source("a"));
  await fake.ledger.refresh(never);
  assert.equal(fake.ledger.isClaiming, true);
  await fake.pool.unload(undefined);
  t.mock.timers.tick(5000);
  await until(() => !fake.ledger.isClaiming);
});
