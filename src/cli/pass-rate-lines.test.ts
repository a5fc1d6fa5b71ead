import assert from "node:assert/strict";
import { test } from "node:test";
import { passRateLines } from "./pass-rate-lines.ts";

test("pass rates are a table, and without any it is said when they come", () => {
  const rate = { model: "coder", kind: "parsing", tier: "simple", size: "small", passed: 2, tried: 3 } as const;
  assert.deepEqual(
    passRateLines([rate, { ...rate, kind: "io", tier: "complex", size: "large", passed: 10, tried: 10 }]),
    [
      "pass rates     of tasks on this installation: kind, tier, size, green",
      "  parsing  simple   up to 2 criteria      2 of 3    67 %",
      "  io       complex  more than 5 criteria  10 of 10  100 %",
    ],
  );
  assert.deepEqual(passRateLines([]), [
    "pass rates     none yet: each task of a build that this model works on adds to them",
  ]);
});
