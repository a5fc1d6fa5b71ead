import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGoal } from "./check-goal.ts";

const bad = { code: "workflows/bad-goal", exitCode: 2 };

test("a goal is trimmed and its line ends made plain", () => {
  assert.equal(checkGoal("  add two\r\n\tnumbers \n"), "add two\n\tnumbers");
});

test("an empty goal, one of 100 kB and one with control characters are refused", () => {
  assert.throws(() => checkGoal(" \n\t "), bad);
  assert.throws(() => checkGoal("x".repeat(100_000)), bad);
  assert.throws(() => checkGoal("add \u0007 numbers"), /U\+0007/);
  assert.throws(() => checkGoal("add \u001b[31m numbers"), bad);
  assert.throws(() => checkGoal("half of a pair: \ud800"), bad);
});
