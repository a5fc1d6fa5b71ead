import assert from "node:assert/strict";
import { test } from "node:test";
import { makeBoard } from "./board.ts";
import type { PoolState, PoolWork } from "./pool-state.ts";
import { sampleFutures } from "./sample-futures.ts";
import { seededRandom } from "./seeded-random.ts";

function boardOf(spreads: readonly (number | undefined)[]) {
  const placements = [{ device: 0, loadedBytes: [1], slotBytes: [1], stepMs: 1 }];
  const works = spreads.map(
    (spread, index): PoolWork => ({
      id: `w${index}`,
      model: "a",
      steps: 100,
      spread,
      state: "ready",
      after: [],
      sinceMs: 0,
    }),
  );
  const state: PoolState = {
    nowMs: 0,
    devices: [{ id: "gpu0", budgetBytes: 9 }],
    models: [{ id: "a", placements, maxSlots: 1, loadMs: 1, resizeMs: 1, pinned: false }],
    residents: [],
    works,
    maxWaitMs: 1,
  };
  return makeBoard(state);
}

test("known lengths have a single future", () => {
  assert.deepEqual(sampleFutures(boardOf([undefined, 0, Number.NaN]), seededRandom(1), 4), [
    Float64Array.of(100, 100, 100),
  ]);
});

test("guessed lengths differ between futures around the same mean, known ones beside them don't", () => {
  const futures = sampleFutures(boardOf([0.8, 0, 0.8]), seededRandom(1), 4);
  assert.equal(futures.length, 4);
  for (const work of [0, 1, 2]) {
    const lengths = futures.map((future) => future[work] ?? 0);
    assert.ok(Math.abs(lengths.reduce((sum, steps) => sum + steps, 0) / 4 - 100) < 1e-9);
    assert.equal(new Set(lengths).size, work === 1 ? 1 : 4);
    assert.ok(lengths.every((steps) => steps > 0));
  }
  assert.deepEqual(futures, sampleFutures(boardOf([0.8, 0, 0.8]), seededRandom(1), 4), "the same for the same seed");
});
