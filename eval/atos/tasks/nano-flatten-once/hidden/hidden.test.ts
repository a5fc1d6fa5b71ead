import assert from "node:assert/strict";
import { test } from "node:test";
import { findFunction } from "./find-function.ts";

const flattenOnce = await findFunction("flattenOnce");

test("one level", () => {
  assert.deepEqual(flattenOnce([[1, 2], [3], []]), [1, 2, 3]);
  assert.deepEqual(flattenOnce([]), []);
  assert.deepEqual(flattenOnce([["a"], ["b", "c"]]), ["a", "b", "c"]);
  assert.deepEqual(flattenOnce([[[1]], [[2, 3]]]), [[1], [2, 3]]);
});
