import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent } from "../base/events.ts";
import { costText, workTime } from "./build-cost.ts";

function recorded(...events: readonly (readonly [second: number, event: BuildEvent])[]) {
  return events.map(([second, event], index) => ({ seq: index + 1, at: new Date(second * 1000), event }));
}

const STARTED: BuildEvent = { type: "build-started", goal: "g", models: ["m"], sandbox: "none" };
const TURN: BuildEvent = {
  type: "turn-finished",
  step: "spec/turn-1",
  task: "spec",
  role: "r",
  model: "m",
  usage: { promptTokens: 10, cachedTokens: 0, outputTokens: 2 },
  durationMs: 1,
  finish: "stop",
};
const ENDED: BuildEvent = { type: "build-finished", outcome: "red", why: "x" };

test("a build's time is from its own first event to its last, and a pause is told apart", () => {
  assert.equal(costText(recorded([5, STARTED], [6, TURN], [9, ENDED])), "1 turn, 10 + 2 tokens, 4.0 s");
  const paused = recorded(
    [5, STARTED],
    [6, { type: "build-paused", why: "as asked", exitCode: 130 }],
    [126, { type: "build-resumed" }],
    [128, ENDED],
  );
  assert.deepEqual(workTime(paused), { spentMs: 3000, pausedMs: 120_000 });
  assert.equal(costText(paused), "0 turns, 0 + 0 tokens, 3.0 s (and 2 min 0 s paused or waiting for you)");
});

test("what a fork has from another build cost it nothing", () => {
  const events = recorded(
    [9, { type: "build-forked", from: "x", step: "s", steps: 2, events: 2, seed: 0 }],
    [9, STARTED],
    [9, TURN],
    [11, TURN],
    [12, ENDED],
  );
  assert.equal(costText(events), "1 turn (and 1 kept), 10 + 2 tokens, 3.0 s");
});
