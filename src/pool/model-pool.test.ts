import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeModel } from "../../test/fixtures/fake-model.ts";
import type { BuildEvent } from "../base/events.ts";
import type { Model, ModelSource } from "../engine/model.ts";
import { ModelPool } from "./model-pool.ts";

const never = new AbortController().signal;

function source(id: string): ModelSource {
  return { kind: "gguf", id, path: `/${id}.gguf` };
}

function setUp(failing: readonly string[] = []) {
  const disposed: string[] = [];
  const events: BuildEvent[] = [];
  const open = async ({ id }: ModelSource): Promise<Model> => {
    if (failing.includes(id)) throw new Error(`${id} is broken`);
    return {
      ...fakeModel([]),
      id,
      [Symbol.asyncDispose]: async () => void disposed.push(id),
    };
  };
  const report = async (event: BuildEvent): Promise<void> => void events.push(event);
  return { pool: new ModelPool(open, () => 0), disposed, events, report };
}

test("a model is loaded once and lent again without another load", async () => {
  const { pool, events, report } = setUp();
  for (let i = 0; i < 3; i++) await (await pool.lease({ source: source("a"), report }, never))[Symbol.asyncDispose]();
  assert.deepEqual(events, [{ type: "model-loaded", model: "a", durationMs: 0 }]);
});

test("another model makes room for itself only after the lease is given back", async () => {
  const { pool, disposed, report } = setUp();
  const first = await pool.lease({ source: source("a"), report }, never);
  const second = pool.lease({ source: source("b"), report }, never);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(disposed, []);
  await first[Symbol.asyncDispose]();
  assert.equal((await second).model.id, "b");
  assert.deepEqual(disposed, ["a"]);
});

test("requests are answered in the order they came", async () => {
  const { pool, report } = setUp();
  const order: string[] = [];
  const use = async (id: string): Promise<void> => {
    await using lease = await pool.lease({ source: source(id), report }, never);
    order.push(lease.model.id);
  };
  await Promise.all(["a", "b", "a", "c"].map(use));
  assert.deepEqual(order, ["a", "b", "a", "c"]);
});

test("a load that fails and a wait that is aborted hold nobody up", async () => {
  const { pool, report } = setUp(["broken"]);
  const stop = new AbortController();
  const held = await pool.lease({ source: source("a"), report }, never);
  const aborted = pool.lease({ source: source("b"), report }, stop.signal);
  const broken = pool.lease({ source: source("broken"), report }, never);
  const last = pool.lease({ source: source("c"), report }, never);
  stop.abort(new Error("enough"));
  // At once, and not only when the lease before it is over.
  await assert.rejects(aborted, /enough/);
  await held[Symbol.asyncDispose]();
  await assert.rejects(broken, /broken is broken/);
  assert.equal((await last).model.id, "c");
});

test("a dropped model is loaded afresh", async () => {
  const { pool, events, report } = setUp();
  const lease = await pool.lease({ source: source("a"), report }, never);
  await pool.drop("its process died", report);
  await lease[Symbol.asyncDispose]();
  await pool.lease({ source: source("a"), report }, never);
  assert.deepEqual(
    events.map((event) => event.type),
    ["model-loaded", "model-unloaded", "model-loaded"],
  );
});
