import assert from "node:assert/strict";
import { test } from "node:test";
import { nextLoad } from "./next-load.ts";
import { FIRST_PLAN } from "./plan.ts";
import { planPolicy } from "./plan-policy.ts";
import type { PoolModel, PoolState, PoolWork } from "./pool-state.ts";

const MB = 1e6;

function model(id: string, megabytes: number): PoolModel {
  const placements = [{ device: 0, loadedBytes: [megabytes * MB], slotBytes: [100 * MB], stepMs: 10 }];
  return { id, placements, maxSlots: 4, loadMs: 2000, resizeMs: 250, pinned: false };
}

function state(works: readonly PoolWork[]): PoolState {
  return {
    nowMs: 1000,
    devices: [{ id: "gpu0", budgetBytes: 4000 * MB }],
    models: [model("a", 3000), model("b", 3000)],
    residents: [{ model: "a", placement: 0, slots: 1, state: "ready", readyAtMs: 0, usedAtMs: 0 }],
    works,
    maxWaitMs: 600_000,
  };
}

const running: PoolWork = { id: "r", model: "a", steps: 4000, state: "running", after: [], sinceMs: 0 };

test("tells the load that follows the running turns, what goes for it and who comes", () => {
  const works: PoolWork[] = ["v", "w"].map((id) => ({
    id,
    model: "b",
    steps: 10,
    state: "later",
    after: ["r"],
    sinceMs: 0,
  }));
  const next = { model: "b", evict: ["a"], why: "2 works come for it in about 40 s" };
  assert.deepEqual(nextLoad(state([running, ...works]), FIRST_PLAN), next);
  assert.deepEqual(planPolicy().next?.(state([running, ...works])), next);
});

test("tells when the turn of works comes that wait already, and nothing where none is needed", () => {
  const waiting: PoolWork = { id: "w", model: "b", steps: 10, state: "ready", after: [], sinceMs: 0 };
  const why = "1 work waits for it, and its turn comes in about 40 s";
  assert.deepEqual(nextLoad(state([running, waiting]), FIRST_PLAN), { model: "b", evict: ["a"], why });
  assert.deepEqual(nextLoad(state([waiting]), FIRST_PLAN), { model: "b", evict: ["a"], why: "1 work waits for it" });
  assert.equal(nextLoad(state([running]), FIRST_PLAN), undefined);
  assert.equal(nextLoad(state([]), FIRST_PLAN), undefined);
});
