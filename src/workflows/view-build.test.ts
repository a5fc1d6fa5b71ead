import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent, PlannedTask } from "../base/events.ts";
import { expectedLeftMs, type TimedTask } from "./expected-left.ts";
import { doerOf, isMerging, viewBuild } from "./view-build.ts";

const PLANNED: PlannedTask = {
  id: "a",
  tier: "simple",
  files: ["a.py"],
  after: [],
  description: "write a",
  covers: [],
  kind: "other",
};
const PLAN: BuildEvent = { type: "plan-made", tasks: [PLANNED, { ...PLANNED, id: "b", after: ["a"] }] };

type Timed = readonly [second: number, event: BuildEvent];

function recorded(...events: readonly Timed[]) {
  return events.map(([second, event], index) => ({ seq: index + 1, at: new Date(second * 1000), event }));
}

function turn(step: string, task: string): readonly [BuildEvent, BuildEvent] {
  const usage = { promptTokens: 10, cachedTokens: 0, outputTokens: 2 };
  return [
    { type: "attempt-started", step, kind: "turn", task, attempt: 1, model: "coder" },
    { type: "turn-finished", step, task, role: "r", model: "coder", usage, durationMs: 1, finish: "stop" },
  ];
}

function state(task: string, is: "running" | "green" | "red"): BuildEvent {
  return { type: "task-state", task, state: is };
}

const [, specEnded] = turn("spec/turn-1", "spec");
const [begun, ended] = turn("tasks/a/simple-1/turn-1", "a");
const [again] = turn("tasks/b/medium-2/turn-2", "b");
const fix: BuildEvent = { type: "edge-taken", graph: "task", task: "b", from: "reflect", to: "fix", on: "repair" };

test("a build's tasks have their state, attempt, tokens, time and who works on them", () => {
  const events = recorded(
    [0, specEnded],
    [1, PLAN],
    [2, state("a", "running")],
    [2, begun],
    [4, ended],
    [6, state("a", "green")],
    [6, state("b", "running")],
    [7, again],
    [7, fix],
  );
  const view = viewBuild(events, new Date(8000));
  const [a, b] = view.tasks;
  assert.deepEqual(
    [view.turns, view.tokens, view.spentMs, view.expectedLeftMs],
    [2, { prompt: 20, output: 4 }, 8000, 2000],
  );
  assert.deepEqual(a, {
    ...PLANNED,
    state: "green",
    attempt: { sample: 1, repairs: 0 },
    model: "coder",
    tokens: { prompt: 10, output: 2 },
    spentMs: 4000,
    kept: false,
  });
  assert.deepEqual([b?.state, b?.tier, b?.attempt, b?.spentMs], ["running", "medium", { sample: 2, repairs: 1 }, 2000]);
  assert.deepEqual(view.atWork, [
    { task: "b", step: "tasks/b/medium-2/turn-2", does: "developer", model: "coder", forMs: 1000 },
  ]);
});

test("a pause is not spent, and nobody works in it", () => {
  const events = recorded(
    [1, PLAN],
    [2, state("a", "running")],
    [2, begun],
    [4, { type: "build-paused", why: "as asked", exitCode: 130 }],
  );
  const view = viewBuild(events, new Date(60_000));
  assert.deepEqual([view.spentMs, view.tasks[0]?.spentMs, view.atWork], [3000, 2000, []]);
});

test("of a build that was ended nothing runs or waits any more", () => {
  const events = recorded(
    [1, PLAN],
    [2, state("a", "running")],
    [2, begun],
    [4, { type: "build-finished", outcome: "cancelled", why: "as asked" }],
  );
  const view = viewBuild(events, new Date(60_000));
  assert.deepEqual(
    [view.spentMs, view.atWork, view.tasks.map((task) => task.state)],
    [3000, [], ["skipped", "skipped"]],
  );
});

test("what a fork has from another build is kept, and is no measure for what is left", () => {
  const events = recorded(
    [9, { type: "build-forked", from: "x", step: "s", steps: 3, events: 3, seed: 0 }],
    [9, PLAN],
    [9, state("a", "running")],
    [9, state("a", "green")],
    [9, state("b", "running")],
  );
  const view = viewBuild(events, new Date(10_000));
  assert.deepEqual([view.tasks.map((task) => task.kept), view.expectedLeftMs], [[true, false], undefined]);
});

function checked(task: string, durationMs: number): BuildEvent {
  return { type: "tests-ran", step: `tasks/${task}/simple-1/test-1`, task, passed: 1, failed: 0, durationMs };
}

function mergedIn(task: string): BuildEvent {
  return { type: "merged", task, how: "merge", commit: "c", tree: "t", paths: [] };
}

test("what is left has the merges and the last check in it, also when they are all that is left", () => {
  const first = recorded([1, PLAN], [2, state("a", "running")], [3, checked("a", 500)], [6, state("a", "green")]);
  // As long as a took for b, then a check for each of two branches and one for the whole.
  assert.equal(viewBuild(first, new Date(6000)).expectedLeftMs, 4000 + 3 * 500);
  const both = recorded(
    [1, PLAN],
    [2, state("a", "running")],
    [3, checked("a", 500)],
    [6, state("a", "green")],
    [6, state("b", "running")],
    [7, checked("b", 1500)],
    [9, state("b", "green")],
    [9, mergedIn("a")],
  );
  const view = viewBuild(both, new Date(9000));
  assert.deepEqual([view.expectedLeftMs, isMerging(view.tasks)], [2 * 1000, true]);
});

test("how long a task still takes that takes longer than usual is not known", () => {
  const events = recorded(
    [1, PLAN],
    [2, state("a", "running")],
    [3, checked("a", 500)],
    [4, state("a", "green")],
    [4, state("b", "running")],
  );
  assert.equal(viewBuild(events, new Date(5000)).expectedLeftMs, 1000 + 3 * 500);
  assert.equal(viewBuild(events, new Date(60_000)).expectedLeftMs, undefined);
});

test("a check that passed is over when its strand goes on", () => {
  const check = (step: string): BuildEvent => ({ type: "attempt-started", step, kind: "tests", task: "a", attempt: 1 });
  const events = recorded([1, PLAN], [2, check("tasks/a/simple-1/parse-1")], [3, check("tasks/a/simple-1/test-1")]);
  const view = viewBuild(events, new Date(5000));
  assert.deepEqual(view.atWork, [{ task: "a", step: "tasks/a/simple-1/test-1", does: "tests", forMs: 2000 }]);
});

test("what is left is the longest chain, or all of it by as many as work side by side", () => {
  const task = (id: string, is: TimedTask["state"], more: Partial<TimedTask> = {}): TimedTask => ({
    id,
    state: is,
    spentMs: 0,
    after: [],
    kept: false,
    ...more,
  });
  const done = task("a", "green", { spentMs: 100 });
  assert.equal(expectedLeftMs([task("a", "waiting")]), undefined);
  assert.equal(expectedLeftMs([done]), undefined);
  const chain = [done, task("b", "running", { spentMs: 30, after: ["a"] }), task("c", "waiting", { after: ["b"] })];
  assert.equal(expectedLeftMs(chain), 170);
  assert.equal(expectedLeftMs([done, task("b", "running"), task("c", "running"), task("d", "waiting")]), 150);
});

test("who does a step is told by its name", () => {
  const steps = {
    "spec/turn-1": "product manager",
    "plan/2/turn-1": "tech lead",
    "tests/a/turn-1": "tester",
    "tests/a/check-1/parse": "parser",
    "tasks/a/simple-1/turn-2": "developer",
    "tasks/a/simple-1/review-1/turn-1": "reviewer",
    "tasks/merge:a/complex-1/turn-1": "integrator",
    verify: "tests",
    deliver: "deliver",
  };
  assert.deepEqual(Object.fromEntries(Object.keys(steps).map((step) => [step, doerOf(step)])), steps);
});
