import assert from "node:assert/strict";
import { test } from "node:test";
import { steadyClock } from "./steady-clock.ts";

test("a clock that is set back goes on, and one that is set forward is followed", () => {
  let [wall, running] = [1000, 5];
  const nowMs = steadyClock(
    () => wall,
    () => running,
  );
  const pass = (ms: number): number => {
    wall += ms;
    running += ms;
    return nowMs();
  };
  assert.deepEqual([nowMs(), pass(10)], [1000, 1010]);
  wall -= 500;
  assert.deepEqual([nowMs(), pass(10)], [1010, 1020]);
  wall += 5000;
  assert.deepEqual([nowMs(), pass(10)], [5520, 5530]);
});
