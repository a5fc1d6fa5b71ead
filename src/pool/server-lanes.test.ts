import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";
import { fakeModel } from "../../test/fixtures/fake-model.ts";
import { missingError } from "../base/errors.ts";
import type { BuildEvent } from "../base/events.ts";
import type { Model, OpenAiSource } from "../engine/model.ts";
import type { Lease } from "./lease.ts";
import { rateWaitMs } from "./rate-limit.ts";
import { type OpenServer, ServerLanes } from "./server-lanes.ts";

const never = new AbortController().signal;
const server: OpenAiSource = {
  kind: "openai",
  id: "remote",
  baseUrl: "http://127.0.0.1:1/v1",
  model: "m",
  contextTokens: 4096,
};

function setUp(open: OpenServer = async () => modelWith(2)) {
  const events: BuildEvent[] = [];
  const ending = new AbortController();
  const lanes = new ServerLanes({ open, nowMs: () => Date.now(), signal: ending.signal });
  const job = { build: "build", task: "task", role: "developer" };
  const report = async (event: BuildEvent): Promise<void> => void events.push(event);
  const lease = (source: OpenAiSource, signal: AbortSignal = never): Promise<Lease> =>
    lanes.lease(source, { source, job, report }, signal);
  return { lanes, events, lease, ending };
}

function modelWith(slots: number): Model {
  return { ...fakeModel([]), capabilities: { options: new Set(), slots } };
}

test("a server gets as many requests at once as it computes together, the others in the order in which they came", async () => {
  const { lanes, lease, events } = setUp();
  const [first, second] = await Promise.all([lease(server), lease(server)]);
  const order: number[] = [];
  const waiting = [3, 4].map(async (number) => {
    await using _lease = await lease(server);
    order.push(number);
  });
  await delay(10);
  assert.deepEqual(order, []);
  assert.deepEqual(lanes.status(), [
    { model: "remote", address: "http://127.0.0.1:1/v1", busy: 2, limit: 2, waiting: 2 },
  ]);
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await Promise.all(waiting);
  assert.deepEqual(order, [3, 4]);
  await second[Symbol.asyncDispose]();
  assert.equal(lanes.status()[0]?.busy, 0);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["model-loaded"],
  );
});

test("a roster entry's concurrency counts more than what the server says", async () => {
  const { lanes, lease } = setUp();
  const one = { ...server, concurrency: 1 };
  const first = await lease(one);
  const stop = new AbortController();
  const second = lease(one, stop.signal);
  await delay(10);
  stop.abort(new Error("enough"));
  await assert.rejects(second, /enough/);
  await first[Symbol.asyncDispose]();
  assert.deepEqual(
    lanes.status().map(({ busy, waiting }) => [busy, waiting]),
    [[0, 0]],
  );
});

test("a request that is given up in the moment in which its turn comes gives it back", async () => {
  const { lanes, lease } = setUp(async () => modelWith(1));
  for (let wait = 0; wait < 8; wait++) {
    const first = await lease(server);
    const stop = new AbortController();
    const second = lease(server, stop.signal).then(
      (got) => got[Symbol.asyncDispose](),
      () => {},
    );
    await delay(1);
    const ended = first[Symbol.asyncDispose]();
    for (let i = 0; i < wait; i++) await Promise.resolve();
    stop.abort(new Error("enough"));
    await Promise.all([ended, second]);
    assert.equal(lanes.status()[0]?.busy, 0);
  }
});

test("a server that can't be reached fails all who ask meanwhile, and the next one asks again", async () => {
  let asked = 0;
  const { lease } = setUp(async () => {
    if (++asked === 1) throw missingError("engine/server-unreachable", "nobody listens there");
    return modelWith(1);
  });
  const both = await Promise.allSettled([lease(server), lease(server)]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(asked, 1);
  await (await lease(server))[Symbol.asyncDispose]();
  assert.equal(asked, 2);
});

test("whoever asked first may give up: the others get the server with all its slots", async () => {
  const reached = Promise.withResolvers<Model>();
  const { lanes, lease } = setUp(() => reached.promise);
  const stop = new AbortController();
  const first = assert.rejects(lease(server, stop.signal), /enough/);
  const second = lease(server);
  stop.abort(new Error("enough"));
  await first;
  reached.resolve(modelWith(3));
  await (await second)[Symbol.asyncDispose]();
  assert.equal(lanes.status()[0]?.limit, 3);
});

test("when the pool ends whoever waits for a server is told so", async () => {
  const { lanes, lease, ending } = setUp(async () => modelWith(1));
  await lease(server);
  const waiting = assert.rejects(lease(server), /it is over/);
  await delay(1);
  ending.abort(new Error("it is over"));
  await waiting;
  await lanes[Symbol.asyncDispose]();
  await assert.rejects(lease(server), /it is over/);
});

test("no more requests begin within a minute than are allowed", () => {
  assert.equal(rateWaitMs([], undefined, 0), 0);
  assert.equal(rateWaitMs([0, 10_000], 3, 20_000), 0);
  assert.equal(rateWaitMs([0, 10_000], 2, 20_000), 40_000);
  assert.equal(rateWaitMs([0, 10_000], 1, 20_000), 50_000);
  assert.equal(rateWaitMs([0, 10_000], 2, 60_000), 0);
});
