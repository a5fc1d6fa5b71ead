import assert from "node:assert/strict";
import test from "node:test";
import { type Limit, LimitReached, Limits, type LimitsStart, timeSpentMs } from "./limits.ts";

function limitsOf(start: Partial<LimitsStart>): { readonly limits: Limits; readonly recorded: Limit[] } {
  const recorded: Limit[] = [];
  const limits = new Limits({
    minutes: undefined,
    tokens: undefined,
    spentMs: 0,
    reached: undefined,
    record: async (limit) => void recorded.push(limit),
    ...start,
  });
  return { limits, recorded };
}

test("without limits nothing is ever too late", async () => {
  const { limits } = limitsOf({});
  using _ = limits;
  limits.spend(1e9);
  await limits.check();
  assert.equal(limits.signal.aborted, false);
});

test("the limit of tokens is recorded once, before anything is decided by it", async () => {
  const { limits, recorded } = limitsOf({ tokens: 100 });
  using _ = limits;
  limits.spend(99);
  await limits.check();
  limits.spend(1);
  await Promise.all([assert.rejects(limits.check(), LimitReached), assert.rejects(limits.check(), LimitReached)]);
  assert.deepEqual(recorded, [{ limit: "tokens", most: 100 }]);
});

test("time that was spent before counts, and what waits is told", async () => {
  const { limits, recorded } = limitsOf({ minutes: 2, spentMs: 120_000 });
  using _ = limits;
  await new Promise((resolve) => limits.signal.addEventListener("abort", resolve));
  await assert.rejects(limits.check(), /the build's limit of 2 minutes is reached/);
  assert.deepEqual(recorded, [{ limit: "minutes", most: 2 }]);
});

test("a limit that an earlier run reached stays reached, and is not recorded again", async () => {
  const { limits, recorded } = limitsOf({ minutes: 9, reached: { limit: "minutes", most: 9 } });
  using _ = limits;
  await assert.rejects(limits.check(), LimitReached);
  assert.deepEqual(recorded, []);
});

test("pauses are not time spent, and a crash is", () => {
  const at = (second: number, type: "build-started" | "build-paused" | "build-resumed" | "committed") =>
    ({ at: new Date(second * 1000), event: { type } }) as const;
  const events = [at(10, "build-started"), at(15, "committed"), at(20, "build-paused"), at(100, "build-resumed")];
  assert.equal(timeSpentMs(events, new Date(107_000)), 17_000);
  assert.equal(timeSpentMs(events.slice(0, 3), new Date(107_000)), 10_000);
  assert.equal(timeSpentMs([], new Date(5)), 0);
});
