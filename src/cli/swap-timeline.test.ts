import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent } from "../base/events.ts";
import type { TimedEvent } from "./model-tracks.ts";
import { countSwaps, lengthText, swapTimeline } from "./swap-timeline.ts";

const at = (seconds: number, event: BuildEvent): TimedEvent => ({ at: new Date(1e12 + seconds * 1000), event });
const started = (seconds: number) =>
  at(seconds, { type: "build-started", goal: "g", models: ["coder", "small"], sandbox: "none" });
const loaded = (seconds: number, model: string, took: number) =>
  at(seconds, {
    type: "model-loaded",
    model,
    durationMs: took * 1000,
    slots: 1,
    contextTokens: 512,
    devices: ["system"],
  });
const unloaded = (seconds: number, model: string) => at(seconds, { type: "model-unloaded", model, why: "room" });
const turn = (seconds: number, model: string, length: number | readonly [seconds: number, task: string]) => {
  const [took, task] = typeof length === "number" ? [length, "code"] : length;
  const usage = { promptTokens: 1, cachedTokens: 0, outputTokens: 1 };
  const of = { step: "s", task, role: "developer", model, usage, durationMs: took * 1000, finish: "stop" };
  return at(seconds, { type: "turn-finished", ...of });
};
const waiting = (seconds: number, model: string, task = "code") =>
  at(seconds, { type: "turn-waiting", task, role: "developer", model, why: "no room" });
const paused = (seconds: number) => at(seconds, { type: "build-paused", why: "as asked", exitCode: 130 });
const resumed = (seconds: number) => at(seconds, { type: "build-resumed" });

/** 53 s, so that each of 53 cells is a second. */
const SWAPPING = [
  started(0),
  loaded(5, "coder", 3),
  turn(15, "coder", 10),
  turn(20, "coder", 3),
  waiting(20, "small"),
  unloaded(21, "coder"),
  loaded(25, "small", 4),
  turn(35, "small", 15),
  unloaded(36, "small"),
  loaded(41, "coder", 5),
  turn(53, "coder", 8),
];

test("each model has a line over the build's time, and the figures stand below", () => {
  assert.deepEqual(swapTimeline(SWAPPING, 60), [
    "Models over 53.0 s (█ computes, ▒ loading, ░ idle in memory, · absent):",
    "coder  ··▒▒▒██████████░░███░···············▒▒▒▒▒░░░░████████",
    "small  ·····················▒▒▒▒██████████░·················",
    "3 loads, 2 evictions, 58 % of the time computing, 23 % loading",
  ]);
});

test("a turn's time counts from when its model was loaded, and its wait ends there", () => {
  assert.deepEqual(countSwaps(SWAPPING), {
    loads: 3,
    unloads: 2,
    resizes: 0,
    computingMs: 31_000,
    loadingMs: 12_000,
    waitingMs: 5000,
  });
});

test("a turn whose length leaves its wait out is told the same", () => {
  const events = [started(0), waiting(1, "a"), waiting(2, "a"), turn(20, "a", 8), waiting(21, "a"), paused(24)];
  const { computingMs, waitingMs } = countSwaps(events);
  assert.deepEqual({ computingMs, waitingMs }, { computingMs: 8000, waitingMs: 14_000 });
});

test("what happens at the same time counts once", () => {
  const events = [
    started(0),
    loaded(4, "a", 4),
    loaded(8, "b", 4),
    waiting(8, "a", "x"),
    waiting(8, "b", "y"),
    turn(18, "a", [10, "one"]),
    turn(20, "b", [10, "two"]),
    turn(28, "a", [10, "x"]),
    turn(30, "b", [10, "y"]),
  ];
  const { computingMs, loadingMs, waitingMs } = countSwaps(events);
  assert.deepEqual({ computingMs, loadingMs, waitingMs }, { computingMs: 22_000, loadingMs: 8000, waitingMs: 12_000 });
});

test("a pause takes no time, and what was loaded before it is gone after it", () => {
  const events = [
    started(0),
    loaded(10, "a", 10),
    turn(20, "a", 10),
    waiting(21, "a"),
    paused(23),
    resumed(9023),
    loaded(9033, "a", 10),
    turn(9053, "a", 20),
  ];
  assert.deepEqual(swapTimeline(events, 60), [
    "Models over 53.0 s (█ computes, ▒ loading, ░ idle in memory, · absent):",
    // 57 cells for 53 seconds.
    "a  ▒▒▒▒▒▒▒▒▒▒▒███████████░░▒▒▒▒▒▒▒▒▒▒▒██████████████████████",
    "2 loads, 0 evictions, 57 % of the time computing, 38 % loading",
  ]);
  assert.equal(countSwaps(events).waitingMs, 2000);
});

test("a model that another build had loaded is there from its first turn on; one that crashes is gone", () => {
  const crashed = at(30, { type: "model-crashed", model: "a", why: "killed", crashes: 1 });
  const resized = at(5, { type: "model-resized", model: "b", slots: 3, contextTokens: 512, why: "3 works" });
  const events = [
    started(0),
    resized,
    turn(15, "a", 5),
    turn(25, "a", 5),
    crashed,
    loaded(44, "a", 4),
    loaded(56, "b", 6),
  ];
  assert.deepEqual(swapTimeline(events, 60).slice(1), [
    "b  ··················································▒▒▒▒▒▒▒",
    "a  ··········██████░░░░██████░░░░░·········▒▒▒▒▒░░░░░░░░░░░░",
    "2 loads, 0 evictions, 1 resize, 18 % of the time computing, 18 % loading",
  ]);
});

test("a server's model is never loaded, and never idle in memory", () => {
  const server = at(1, { type: "model-loaded", model: "large", durationMs: 20 });
  const events = [
    started(0),
    server,
    turn(10, "large", 5),
    unloaded(11, "large"),
    loaded(20, "a", 5),
    loaded(57, "b", 5),
  ];
  assert.deepEqual(countSwaps(events), {
    loads: 2,
    unloads: 0,
    resizes: 0,
    computingMs: 5000,
    loadingMs: 10_000,
    waitingMs: 0,
  });
  assert.match(swapTimeline(events, 60)[1] ?? "", /^large {2}·+█+·+$/);
});

test("nothing is drawn for one load, and nothing can go wrong without events or time", () => {
  assert.deepEqual(swapTimeline([], 80), []);
  assert.deepEqual(swapTimeline([started(0), loaded(5, "a", 5), turn(9, "a", 4)], 80), []);
  assert.deepEqual(swapTimeline([started(0), loaded(0, "a", 5), loaded(0, "b", 5)], 80), []);
  // A clock that was set back by an hour.
  const back = [started(3600), loaded(0, "a", 5), turn(1, "a", 1), loaded(2, "b", 1)];
  assert.deepEqual(countSwaps(back).loads, 2);
  for (const line of swapTimeline(back, 80).slice(1, -1)) assert.equal(line.length, 80);
});

test("the drawing keeps to the width, from 40 to 120 columns, and long names are cut", () => {
  const name = "a-model-with-a-name-that-is-far-too-long";
  const events = [started(0), loaded(1000, name, 0.001), turn(90_000, name, 1), loaded(100_000, "b", 1)];
  for (const [asked, width] of [
    [10, 40],
    [80, 80],
    [1000, 120],
  ] as const) {
    const lines = swapTimeline(events, asked).slice(1, -1);
    assert.deepEqual(
      lines.map(({ length }) => length),
      [width, width],
    );
    // However short, a load is seen.
    assert.match(lines[0] ?? "", /^a-model-with-a-name-tha… {2}·*▒░+█░+$/);
  }
});

test("lengths of time are told as people do", () => {
  const texts = [0, 59_900, 59_990, 3_599_400, 3_600_000, 7_830_000].map(lengthText);
  assert.deepEqual(texts, ["0.0 s", "59.9 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "2 h 11 min"]);
});
