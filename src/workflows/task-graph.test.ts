import assert from "node:assert/strict";
import test from "node:test";
import { type Failure, madeProgress, reflect, type Reflection } from "./task-graph.ts";

function failure(failing: number | undefined, key = "a"): Failure {
  return { failing, key, text: "" };
}

test("a repair made progress when fewer tests fail, or they fail for another reason", () => {
  assert.equal(madeProgress(undefined, failure(3)), true);
  assert.equal(madeProgress(failure(3), failure(2)), true);
  assert.equal(madeProgress(failure(2), failure(3, "b")), false, "more fail, so it got worse whatever they say");
  assert.equal(madeProgress(failure(2), failure(2)), false);
  assert.equal(madeProgress(failure(2), failure(2, "b")), true);
  assert.equal(madeProgress(failure(undefined), failure(undefined)), false);
});

const FRESH = { failure: failure(2), before: undefined, rounds: 0, sample: 1, passed: false };
const BOUNDS = { rounds: 2, samples: 2, next: "complex" } as const;

test("what a failure calls for", () => {
  const cases: readonly (readonly [
    string,
    Reflection,
    Parameters<typeof reflect>[0],
    Parameters<typeof reflect>[1]?,
  ])[] = [
    ["a first failure is repaired", "repair", FRESH],
    ["so is a second, when there was progress", "repair", { ...FRESH, rounds: 1, before: failure(3) }],
    ["without progress it is drawn again", "resample", { ...FRESH, rounds: 1, before: failure(2) }],
    ["so it is after the last round", "resample", { ...FRESH, rounds: 2, before: failure(3) }],
    ["a reply without files can't be repaired", "resample", { ...FRESH, failure: failure(undefined) }],
    ["after the last sample a stronger model is asked", "escalate", { ...FRESH, rounds: 2, sample: 2 }],
    ["without one it is given up", "give-up", { ...FRESH, rounds: 2, sample: 2 }, { ...BOUNDS, next: undefined }],
    ["what passed before is kept, rounds left or not", "keep", { ...FRESH, passed: true }],
    ["without rounds nothing is repaired", "resample", FRESH, { ...BOUNDS, rounds: 0 }],
  ];
  for (const [words, expected, state, bounds] of cases) assert.equal(reflect(state, bounds ?? BOUNDS), expected, words);
});
