import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_CALLS, type RateHistory, type RateLimits, withCall, withinLimits } from "./rate-window.ts";

const limits: RateLimits = {
  callsPerMinute: 3,
  callsPerMinuteOf: { search_web: 1 },
  callsPerRun: 5,
  argumentChars: 100,
  outputBytesPerRun: 1000,
};
const after = (...calls: readonly (readonly [string, number])[]): RateHistory =>
  calls.reduce((history, [tool, atMs]) => withCall(history, { tool, atMs }), NO_CALLS);
const ask = (history: RateHistory, tool: string, atMs: number) =>
  withinLimits(limits, history, { tool, atMs, argumentChars: 100 });

test("calls within the limits are fine, and a minute later there is room again", () => {
  const three = after(["a", 0], ["b", 1000], ["a", 2000]);
  assert.deepEqual(ask(after(["a", 0], ["a", 1000]), "a", 2000), { ok: true });
  assert.deepEqual(ask(three, "a", 2500), {
    ok: false,
    why: "more than 3 tool calls in a minute; go on in 58 s",
    retryAfterMs: 57_500,
  });
  assert.deepEqual(ask(three, "a", 60_000), { ok: true });
});

test("a tool may have a lower limit of its own", () => {
  const once = after(["search_web", 0]);
  assert.deepEqual(ask(once, "search_web", 10_000), {
    ok: false,
    why: "more than 1 calls of search_web in a minute; go on in 50 s",
    retryAfterMs: 50_000,
  });
  assert.deepEqual(ask(once, "a", 10_000), { ok: true });
  assert.deepEqual(ask(NO_CALLS, "constructor", 0), { ok: true });
});

test("arguments, calls of a run and output have limits that no waiting helps with", () => {
  const all = { ...NO_CALLS, calls: 5 };
  const loud = { ...NO_CALLS, outputBytes: 1000 };
  assert.deepEqual(
    [withinLimits(limits, NO_CALLS, { tool: "a", atMs: 0, argumentChars: 101 }), ask(all, "a", 0), ask(loud, "a", 0)],
    [
      { ok: false, why: "the arguments of a are 101 characters and may be 100" },
      { ok: false, why: "all 5 tool calls of this task are used up; answer with what there is" },
      { ok: false, why: "tools have said all 1000 bytes that they may in this task" },
    ],
  );
});

test("the history forgets calls older than a minute, and still counts them", () => {
  assert.deepEqual(after(["a", 0], ["b", 60_001]), { calls: 2, recent: [{ tool: "b", atMs: 60_001 }], outputBytes: 0 });
});
