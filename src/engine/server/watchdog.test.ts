import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Watchdog } from "./watchdog.ts";

const late = (): Error => new Error("late");

test("aborts with the error of what did not come, and not before its time", async () => {
  using watchdog = new Watchdog();
  const startedAt = performance.now();
  watchdog.expect(10_000, () => new Error("long"));
  watchdog.expect(20, late);
  while (!watchdog.signal.aborted) await delay(5);
  assert.ok(performance.now() - startedAt >= 20);
  assert.match(String(watchdog.signal.reason), /late/);
});

test("what is expected again later moves the end, and nothing expected never ends", async () => {
  using watchdog = new Watchdog();
  watchdog.expect(5, late);
  watchdog.expect(60_000, late);
  using resting = new Watchdog();
  resting.expect(5, late);
  resting.rest();
  await delay(40);
  assert.deepEqual([watchdog.signal.aborted, resting.signal.aborted], [false, false]);
  resting.expect(5, late);
  await delay(40);
  assert.equal(resting.signal.aborted, true);
});

test("passes on the abort of the signal it was given, also one of before, until it is disposed", () => {
  const outer = new AbortController();
  const watchdog = new Watchdog(outer.signal);
  const disposed = new Watchdog(outer.signal);
  disposed[Symbol.dispose]();
  outer.abort(new Error("stop"));
  assert.equal(watchdog.signal.reason, outer.signal.reason);
  assert.equal(new Watchdog(outer.signal).signal.reason, outer.signal.reason);
  assert.equal(disposed.signal.aborted, false);
  watchdog[Symbol.dispose]();
});
