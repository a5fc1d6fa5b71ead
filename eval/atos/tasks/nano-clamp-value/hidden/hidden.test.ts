import assert from "node:assert/strict";
import { test } from "node:test";
import { findFunction } from "./find-function.ts";

const clampValue = await findFunction("clampValue");

test("inside and outside", () => {
  assert.equal(clampValue(5, 0, 10), 5);
  assert.equal(clampValue(-3, 0, 10), 0);
  assert.equal(clampValue(12, 0, 10), 10);
  assert.equal(clampValue(0, 0, 10), 0);
  assert.equal(clampValue(-5, -9, -2), -5);
});
