import assert from "node:assert/strict";
import { test } from "node:test";
import { identity, multiply, power, transpose } from "./matrices.ts";

test("transpose", () => {
  assert.deepEqual(transpose([[1, 2, 3], [4, 5, 6]]), [[1, 4], [2, 5], [3, 6]]);
});

test("multiply", () => {
  assert.deepEqual(multiply([[1, 2], [3, 4]], [[5, 6], [7, 8]]), [[19, 22], [43, 50]]);
  assert.deepEqual(multiply([[1, 2, 3]], [[4], [5], [6]]), [[32]]);
});

test("identity and powers", () => {
  assert.deepEqual(identity(2), [[1, 0], [0, 1]]);
  assert.deepEqual(power([[1, 1], [1, 0]], 10), [[89, 55], [55, 34]]);
  assert.deepEqual(power([[2, 1], [0, 3]], 0), [[1, 0], [0, 1]]);
  assert.deepEqual(power([[2]], 1), [[2]]);
});

test("what does not fit is refused", () => {
  assert.throws(() => transpose([]), RangeError);
  assert.throws(() => transpose([[1, 2], [3]]), RangeError);
  assert.throws(() => multiply([[1, 2]], [[1, 2]]), RangeError);
  assert.throws(() => power([[1, 2]], 2), RangeError);
  assert.throws(() => power([[1]], -1), RangeError);
  assert.throws(() => power([[1]], 1.5), RangeError);
});

test("arguments stay as they are", () => {
  const given = [[1, 2], [3, 4]];
  transpose(given);
  power(given, 3);
  multiply(given, given);
  assert.deepEqual(given, [[1, 2], [3, 4]]);
});
