import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent, PlannedTask, TaskState } from "../base/events.ts";
import { nextSteps } from "./next-steps.ts";

const TASK: PlannedTask = {
  id: "a",
  tier: "simple",
  files: ["a.py"],
  after: [],
  description: "write a",
  covers: [],
  kind: "other",
};
const PLAN: BuildEvent = { type: "plan-made", tasks: [TASK, { ...TASK, id: "b", after: ["a"] }] };
const LIMIT: BuildEvent = { type: "limit-reached", limit: "tokens", most: 5 };

function turn(step: string, task: string): BuildEvent {
  return { type: "attempt-started", step, kind: "turn", task, attempt: 1, model: "m" };
}

function state(task: string, is: TaskState): BuildEvent {
  return { type: "task-state", task, state: is };
}

function after(...events: readonly BuildEvent[]): readonly string[] {
  const ended: BuildEvent = { type: "build-finished", outcome: "red", why: "x" };
  return nextSteps(
    "b1",
    [...events, ended].map((event, index) => ({ seq: index + 1, at: new Date(index), event })),
  );
}

test("after a red task it can be looked at, gone on with from its last turn, and done once more", () => {
  assert.deepEqual(
    after(
      PLAN,
      state("a", "running"),
      turn("tasks/a/simple-1/turn-1", "a"),
      turn("tasks/a/simple-2/turn-2", "a"),
      state("a", "red"),
      state("b", "skipped"),
    ),
    [
      "Look at it: atos debug a --build b1",
      "Go on from there: atos debug a --build b1 --from simple-2/turn-2, or with another seed: atos retry a --build b1",
    ],
  );
});

test("before there are tasks it is the stage that did not come through", () => {
  assert.deepEqual(after(turn("spec/turn-1", "spec"), turn("spec/turn-2", "spec")), [
    "Look at it: atos debug spec --build b1",
    "Go on from there: atos debug spec --build b1 --from spec/turn-2, or with another seed: atos retry spec --build b1",
  ]);
});

test("where only the last check is red it is looked at, and a task gone on with", () => {
  assert.deepEqual(
    after(
      PLAN,
      turn("tasks/a/simple-1/turn-1", "a"),
      state("a", "green"),
      turn("tasks/b/simple-1/turn-1", "b"),
      state("b", "green"),
    ),
    ["Look at it: atos debug verify --build b1", "Go on from there: atos debug b --build b1 --from simple-1/turn-1"],
  );
});

test("after a limit it is said that a fork has none, and where nothing was begun nothing is named", () => {
  assert.deepEqual(after(turn("spec/turn-1", "spec"), LIMIT), [
    "Look at it: atos debug spec --build b1",
    "Go on from there, without the limit: atos debug spec --build b1 --from spec/turn-1, or with another seed: atos retry spec --build b1",
  ]);
  assert.deepEqual(after(LIMIT), ["Nothing was begun within its limit: begin again with a larger one"]);
});
