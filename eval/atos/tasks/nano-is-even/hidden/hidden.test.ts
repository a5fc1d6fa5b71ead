import assert from "node:assert/strict";
import { test } from "node:test";
import { findFunction } from "./find-function.ts";

const isEven = await findFunction("isEven");

test("even and odd", () => {
  for (let n = -4; n <= 5; n++) assert.equal(isEven(n), n % 2 === 0);
});
