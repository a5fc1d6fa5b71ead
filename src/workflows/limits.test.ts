import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Limit, LimitReached, Limits, type LimitsStart, type TimedEvent, timeSpentMs } from "./limits.ts";

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

test("the time in which a person is waited for is not spent", async () => {
  const { limits } = limitsOf({ minutes: 2, spentMs: 119_950 });
  using _ = limits;
  const waiting = limits.waiting();
  await setTimeout(200);
  await limits.check();
  waiting[Symbol.dispose]();
  await new Promise((resolve) => limits.signal.addEventListener("abort", resolve));
  await assert.rejects(limits.check(), LimitReached);
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

test("the time until the answer about the plan is not spent, through a pause and a crash too", () => {
  const at = (second: number, event: TimedEvent) => ({ at: new Date(second * 1000), event });
  const asked = { type: "approval-asked", tool: "plan", approval: "a" } as const;
  const answered = { type: "approval-answered", approval: "a" } as const;
  const events = [
    at(10, { type: "build-started" }),
    at(20, { type: "approval-asked", tool: "run_command", approval: "b" }),
    at(30, { type: "approval-answered", approval: "b" }),
    at(35, asked),
    at(500, { type: "build-paused" }),
    at(600, { type: "build-resumed" }),
    at(700, answered),
    at(705, { type: "committed" }),
  ];
  assert.equal(timeSpentMs(events, new Date(707_000)), 32_000);
  assert.equal(timeSpentMs(events.slice(0, 4), new Date(707_000)), 25_000);
  assert.equal(timeSpentMs(events.slice(0, 6), new Date(707_000)), 25_000);
  const expired = [...events.slice(0, 4), at(100, answered), at(101, { type: "build-paused" })];
  const again = [...expired, at(200, { type: "build-resumed" }), at(203, asked), at(900, answered)];
  assert.equal(timeSpentMs(again, new Date(901_000)), 30_000);
});
