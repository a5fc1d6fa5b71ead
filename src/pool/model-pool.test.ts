import assert from "node:assert/strict";
import { test } from "node:test";
import { assertIdle, type FakePool, fakePool, settled, story, until } from "../../test/fixtures/fake-pool.ts";
import { missingError } from "../base/errors.ts";

const never = new AbortController().signal;

async function turn({ lease, source }: FakePool, id: string): Promise<void> {
  await using _lease = await lease(source(id));
}

test("a model is loaded once and lent turn by turn", async () => {
  await using fake = await fakePool();
  for (let i = 0; i < 3; i++) await turn(fake, "a");
  assert.deepEqual(story(fake.events), ["loading a", "loaded a"]);
  assert.equal(fake.opened.length, 1);
});

test("several slots serve several turns at once, and the next one waits", async () => {
  await using fake = await fakePool();
  const a = fake.source("a", { slots: 2 });
  // Slots are opened for work that is known.
  const tasks = ["1", "2", "3"];
  fake.pool.foresee(
    "build",
    tasks.map((task) => ({ task, role: "developer", source: a, after: [] })),
  );
  await until(() => fake.pool.status().residents[0]?.state === "ready");
  const first = await fake.lease(a, "1");
  const second = await fake.lease(a, "2");
  const third = fake.lease(a, "3");
  await settled();
  assert.deepEqual(
    fake.pool.status().residents.map(({ turns }) => turns.map(({ task }) => task)),
    [["1", "2"]],
  );
  assert.deepEqual(
    fake.pool.status().queue.map(({ task }) => task),
    ["3"],
  );
  await first[Symbol.asyncDispose]();
  await (await third)[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  assertIdle(fake);
});

test("a model that does not fit beside waits for the turn to end and then takes the place", async () => {
  await using fake = await fakePool();
  const first = await fake.lease(fake.source("a"));
  const second = fake.lease(fake.source("b"));
  await settled();
  assert.equal(fake.live.size, 1);
  await first[Symbol.asyncDispose]();
  await using lease = await second;
  assert.equal(lease.model.id, "b");
  assert.deepEqual(story(fake.events), [
    "loading a",
    "loaded a",
    "waiting for b",
    "loading b, closes a",
    "unloaded a: to make room for b",
    "loaded b",
  ]);
  assert.deepEqual(
    fake.pool.status().residents.map(({ model }) => model),
    ["b"],
  );
});

test("two models that fit together both stay", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  await turn(fake, "a");
  await turn(fake, "b");
  await turn(fake, "a");
  assert.equal(fake.opened.length, 2);
});

test("two models do not compute on the processor at once", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  const a = await fake.lease(fake.source("a"));
  const waiting = fake.lease(fake.source("b"));
  await until(() => fake.live.size === 2 && fake.pool.status().queue.length === 1);
  await until(() => fake.pool.status().residents.every(({ state }) => state === "ready"));
  assert.deepEqual(
    fake.pool.status().queue.map(({ model }) => model),
    ["b"],
  );
  await a[Symbol.asyncDispose]();
  await (await waiting)[Symbol.asyncDispose]();
});

test("a load that fails fails its turns and nobody else's, and is tried again when somebody asks", async () => {
  await using fake = await fakePool();
  let isBroken = true;
  fake.faults.load = ({ id }) => {
    if (id === "broken" && isBroken) throw missingError("engine/model-broken", "it is no model; get another");
  };
  const held = await fake.lease(fake.source("a"));
  const broken = [fake.lease(fake.source("broken"), "1"), fake.lease(fake.source("broken"), "2")];
  const checked = Promise.all(broken.map((one) => assert.rejects(one, { code: "engine/model-broken" })));
  // Whichever of them is loaded first.
  const other = turn(fake, "b");
  await held[Symbol.asyncDispose]();
  await checked;
  await other;
  assert.equal(fake.opened.filter(({ id }) => id === "broken").length, 1);
  isBroken = false;
  await turn(fake, "broken");
  assertIdle(fake);
});

test("a turn that is given up while it waits leaves nothing behind", async () => {
  await using fake = await fakePool();
  const held = await fake.lease(fake.source("a"));
  const stop = new AbortController();
  const waiting = fake.lease(fake.source("b"), "task", stop.signal);
  await settled();
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  assert.deepEqual(fake.pool.status().queue, []);
  await held[Symbol.asyncDispose]();
  await settled();
  assert.deepEqual(
    fake.opened.map(({ id }) => id),
    ["a"],
  );
});

test("a turn that is given up while its model is loaded leaves nothing behind but the model", async () => {
  await using fake = await fakePool();
  const loading = Promise.withResolvers<void>();
  fake.faults.load = () => loading.promise;
  const stop = new AbortController();
  const waiting = fake.lease(fake.source("a"), "task", stop.signal);
  await until(() => fake.opened.length === 1);
  stop.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  loading.resolve();
  await until(() => fake.live.size === 1);
  await settled();
  assertIdle(fake);
  await turn(fake, "a");
  assert.equal(fake.opened.length, 1);
});

test("a turn that is given up in the moment in which it is granted gives its slot back", async () => {
  await using fake = await fakePool();
  for (let wait = 0; wait < 12; wait++) {
    const stop = new AbortController();
    const held = await fake.lease(fake.source("a"), "held");
    const waiting = fake.lease(fake.source("a"), "next", stop.signal);
    const outcome = waiting.then(
      (lease) => lease[Symbol.asyncDispose](),
      () => {},
    );
    await settled();
    const ended = held[Symbol.asyncDispose]();
    for (let i = 0; i < wait; i++) await Promise.resolve();
    stop.abort(new Error("enough"));
    await ended;
    await outcome;
    assertIdle(fake);
  }
});

test("a signal that is aborted already fails the request alone, whatever becomes of the file", async () => {
  await using fake = await fakePool();
  const missing = { kind: "gguf", id: "gone", path: "/nowhere/gone.gguf" } as const;
  await assert.rejects(fake.lease(missing, "task", AbortSignal.abort(new Error("enough"))), /enough/);
  await settled();
  await assert.rejects(fake.lease(missing), { code: "engine/model-not-found" });
});

test("a turn ends once, however often its lease is given back", async () => {
  await using fake = await fakePool();
  const first = await fake.lease(fake.source("a"));
  await first[Symbol.asyncDispose]();
  const second = await fake.lease(fake.source("a"));
  await first[Symbol.asyncDispose]();
  assert.equal(fake.pool.status().residents[0]?.turns.length, 1);
  await second[Symbol.asyncDispose]();
  assertIdle(fake);
});

test("a foreseen job is loaded for ahead, takes its turns in its place and ends with them counted", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  const [a, b] = [fake.source("a"), fake.source("b")];
  const jobs = [
    { task: "one", role: "developer", source: a, after: [] },
    { task: "two", role: "developer", source: b, after: [{ task: "one", role: "developer" }] },
  ];
  fake.pool.foresee("build", jobs);
  for (let i = 0; i < 3; i++) await (await fake.lease(a, "one"))[Symbol.asyncDispose]();
  await until(() => fake.live.size === 2);
  fake.pool.foresee("build", jobs.slice(1));
  await until(
    () =>
      Object.keys(fake.ledger.facts.facts.roles).length > 0 &&
      fake.ledger.facts.facts.roles["developer"]?.turnsPerTask !== undefined,
  );
  assert.equal(fake.ledger.facts.facts.roles["developer"]?.turnsPerTask, 3);
  assert.ok(story(fake.events).includes("loaded b"), "its build is told, although no turn waits");
});

test("a build that goes on loads nothing for what it did before it paused", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  const jobs = ["a", "b"].map((id) => ({ task: id, role: "developer", source: fake.source(id), after: [] }));
  fake.pool.foresee("build", jobs);
  await settled();
  fake.pool.foresee("build", jobs.slice(1));
  await until(() => fake.opened.length > 0);
  assert.deepEqual(
    fake.opened.map(({ id }) => id),
    ["b"],
  );
});

test("what a build foresaw before it ended is forgotten, also when its files are still being read", async () => {
  await using fake = await fakePool();
  fake.pool.foresee("build", [{ task: "one", role: "developer", source: fake.source("a"), after: [] }]);
  fake.pool.forget("build");
  await settled();
  assert.deepEqual(fake.opened, []);
});

test("a process that dies under its turns fails each of them, and the model is loaded afresh for the next", async () => {
  await using fake = await fakePool();
  const a = fake.source("a", { slots: 2 });
  const leases = await Promise.all([fake.lease(a, "1"), fake.lease(a, "2")]);
  fake.kill("a");
  for (const lease of leases) {
    await assert.rejects(lease.model.render({ messages: [] }), { code: "engine/child-died" });
    await lease[Symbol.asyncDispose]();
  }
  await (await fake.lease(a, "3"))[Symbol.asyncDispose]();
  assert.deepEqual(story(fake.events), ["loading a", "loaded a", "crashed a, 1", "loading a", "loaded a"]);
  assertIdle(fake);
});

test("a model that dies three times is left alone for a while, and others are not", async () => {
  let nowMs = 1_000_000;
  await using fake = await fakePool({ nowMs: () => nowMs });
  const a = fake.source("a");
  for (let i = 0; i < 3; i++) {
    await using lease = await fake.lease(a);
    fake.kill("a");
    const waiting = i === 2 ? assert.rejects(fake.lease(a, "next"), { code: "pool/model-quarantined" }) : undefined;
    await settled();
    await assert.rejects(lease.model.render({ messages: [] }), { code: "engine/child-died" });
    await waiting;
  }
  await assert.rejects(fake.lease(a), { code: "pool/model-quarantined", message: /another 300 s/ });
  assert.deepEqual(
    fake.pool.status().quarantined.map(({ model }) => model),
    ["a"],
  );
  await turn(fake, "b");
  nowMs += 300_001;
  await turn(fake, "a");
  assertIdle(fake);
});

test("idle models leave when other programs take memory, and no turn is cut", async () => {
  await using fake = await fakePool({ budgetMib: 256 });
  await turn(fake, "b");
  const held = await fake.lease(fake.source("a"));
  fake.machine.othersMib = 120;
  // The pool itself looks every five seconds.
  await fake.ledger.refresh(never);
  fake.pool.forget("nobody");
  await until(() => fake.live.size === 1);
  await held.model.render({ messages: [] });
  assert.deepEqual(
    fake.pool.status().residents.map(({ model, turns }) => [model, turns.length]),
    [["a", 1]],
  );
  await held[Symbol.asyncDispose]();
});
