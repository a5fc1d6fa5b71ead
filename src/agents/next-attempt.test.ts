import assert from "node:assert/strict";
import { test } from "node:test";
import { nextAttempt, resampled } from "./next-attempt.ts";

test("a model is told once what was wrong, then the question is drawn again, four replies in all", () => {
  assert.deepEqual(
    [nextAttempt(1, false, true), nextAttempt(2, true, true), nextAttempt(3, true, true), nextAttempt(4, true, true)],
    ["tell", "resample", "resample", "give-up"],
  );
});

test("where there are no words to tell it with, the question is only drawn again", () => {
  assert.deepEqual(
    [nextAttempt(1, false, false), nextAttempt(3, false, false), nextAttempt(4, false, false)],
    ["resample", "resample", "give-up"],
  );
});

test("each sample has another seed of 32 bits, after the last one too, and is drawn livelier", () => {
  const options = { maxTokens: 9, temperature: 0.2, seed: 2 ** 32 - 1 };
  assert.deepEqual(
    [resampled(options, 0), resampled(options, 1), resampled({ ...options, temperature: 0.9 }, 2)],
    [options, { ...options, seed: 0, temperature: 0.7 }, { ...options, seed: 1, temperature: 0.9 }],
  );
});
