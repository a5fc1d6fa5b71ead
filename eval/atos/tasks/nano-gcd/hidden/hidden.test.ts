import assert from "node:assert/strict";
import { test } from "node:test";
import { findFunction } from "./find-function.ts";

const gcd = await findFunction("gcd");

test("divisors", () => {
  for (const [a, b, found] of [[12, 18, 6], [17, 5, 1], [100, 75, 25], [7, 7, 7], [9, 0, 9], [0, 4, 4]]) assert.equal(gcd(a, b), found);
});
