import assert from "node:assert/strict";
import { test } from "node:test";
import { keptState, keptSteps } from "./fork-steps.ts";
import { placeOf, strandOf } from "./step-place.ts";

/** A diamond: `a`, then `b` and `c` side by side, then `d`. */
const TASKS = [
  { id: "a", after: [] },
  { id: "b", after: ["a"] },
  { id: "c", after: ["a"] },
  { id: "d", after: ["b", "c"] },
];

const NAMES = [
  "start",
  "spec/turn-1",
  "plan/turn-1",
  "plan made",
  "tests/a/turn-1",
  "tests/b/turn-1",
  "tests/a/check-1/test",
  "tests/b/check-1/test",
  "tests frozen",
  "tests/commit",
  "tasks/a: running",
  "tasks/a/simple-1/turn-1",
  "tasks/a: green",
  "tasks/b: running",
  "tasks/c: running",
  "tasks/b/simple-1/turn-1",
  "tasks/c/simple-1/turn-1",
  "tasks/b/simple-1/test-1",
  "tasks/c: green",
  "tasks/b: green",
  "tasks/d: running",
  "tasks/d: green",
  "merge/b/commit",
  "merge/c/test",
  "tasks/merge:c: added",
  "tasks/merge:c/complex-1/turn-1",
  "merge/c/commit",
  "verify",
  "verified",
  "deliver",
  "build finished",
];

function effects(names: readonly string[], reserved: readonly string[] = []) {
  return names.map((name, index) => ({
    name,
    state: reserved.includes(name) ? ("reserved" as const) : ("done" as const),
    reservedAt: new Date(index),
  }));
}

function dropped(...steps: readonly string[]): readonly string[] {
  const kept = keptSteps(effects(NAMES), TASKS, steps);
  return NAMES.filter((name) => !kept.includes(name));
}

const END = NAMES.slice(NAMES.indexOf("merge/b/commit"));

test("a fork inside of a task leaves the tasks beside it, and does it, those behind it and the end again", () => {
  assert.deepEqual(dropped("tasks/b/simple-1/turn-1"), [
    "tasks/b/simple-1/turn-1",
    "tasks/b/simple-1/test-1",
    "tasks/b: green",
    "tasks/d: running",
    "tasks/d: green",
    ...END,
  ]);
});

test("a fork before the tasks does everything after that step again", () => {
  assert.deepEqual(dropped("plan made"), NAMES.slice(NAMES.indexOf("plan made")));
});

test("a fork inside of one task's tests leaves the other tests, and no code", () => {
  const rest = NAMES.slice(NAMES.indexOf("tests frozen"));
  assert.deepEqual(dropped("tests/a/turn-1"), ["tests/a/turn-1", "tests/a/check-1/test", ...rest]);
});

test("a fork inside of the end leaves every task", () => {
  assert.deepEqual(dropped("merge/c/test"), NAMES.slice(NAMES.indexOf("merge/c/test")));
});

test("of several steps each one counts", () => {
  assert.deepEqual(dropped("tasks/b/simple-1/test-1", "tasks/c: green").slice(0, 3), [
    "tasks/b/simple-1/test-1",
    "tasks/c: green",
    "tasks/b: green",
  ]);
});

test("what is not finished is not kept, nor is a step of the same millisecond in the same strand", () => {
  const own = effects(
    ["start", "tasks/a: running", "tasks/b: running", "tasks/b/simple-1/turn-1"],
    ["tasks/a: running"],
  );
  assert.deepEqual(keptSteps(own, TASKS, ["tasks/b/simple-1/turn-1"]), ["start", "tasks/b: running"]);
  const together = own.map((effect) => ({ ...effect, reservedAt: new Date(0) }));
  assert.deepEqual(keptSteps(together, TASKS, ["tasks/b/simple-1/turn-1"]), ["start"]);
});

test("what a limit stopped has time again: how a task ended that is not green is not kept, nor is the limit", () => {
  const names = ["plan made", "tasks/a/simple-1/turn-1", "limit reached", "tasks/a/commit", "tasks/a: red", "verify"];
  assert.deepEqual(keptSteps(effects(names), TASKS, ["verify"]), ["plan made", "tasks/a/simple-1/turn-1"]);
});

test("a task's state in a fork is that of its last kept step", () => {
  const kept = ["plan made", "tasks/a: running", "tasks/a: green", "tasks/b: running"];
  assert.deepEqual(
    ["a", "b", "c"].map((id) => keptState(kept, id)),
    ["green", "running", "waiting"],
  );
});

test("steps stand where their names say", () => {
  assert.deepEqual(
    ["tests/turn-1", "tests/check-1/parse", "tests/x/again/turn-1", "tests/x/check-2/parse", "tasks/x: red"].map(
      placeOf,
    ),
    [
      { stage: "begin" },
      { stage: "begin" },
      { stage: "begin" },
      { stage: "tests", task: "x" },
      { stage: "task", task: "x" },
    ],
  );
  assert.deepEqual(["tasks/merge:x/complex-1/turn-1", "tasks/x/simple ended"].map(strandOf), ["", "task/x"]);
});
