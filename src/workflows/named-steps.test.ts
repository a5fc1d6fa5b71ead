import assert from "node:assert/strict";
import { test } from "node:test";
import { AtosError } from "../base/errors.ts";
import { retrySteps, stepNamed } from "./named-steps.ts";

const EFFECTS = [
  { name: "spec/turn-1", task: "spec" },
  { name: "tests/a/turn-1", task: "tests" },
  { name: "tests/b/turn-1", task: "tests" },
  { name: "tests/a/turn-2", task: "tests" },
  { name: "tasks/a: running", task: "" },
  { name: "tasks/a/simple-1/turn-1", task: "a" },
  { name: "tasks/b: running", task: "" },
  { name: "tasks/b/simple-1/turn-1", task: "b" },
  { name: "tasks/b: red", task: "" },
  { name: "tasks/c: skipped", task: "" },
];
const TASKS = [
  { id: "a", after: [], state: "green" },
  { id: "b", after: [], state: "red" },
  { id: "c", after: ["a", "b"], state: "skipped" },
  { id: "d", after: ["c"], state: "skipped" },
] as const;

test("a step is named whole, or by its end within its task", () => {
  const named = (task: string | undefined, step: string): string => stepNamed(EFFECTS, { task, step });
  assert.equal(named("b", "simple-1/turn-1"), "tasks/b/simple-1/turn-1");
  assert.equal(named(undefined, "tasks/b: red"), "tasks/b: red");
  assert.equal(named("b", "tasks/b: red"), "tasks/b: red");
  const refused = (task: string | undefined, step: string, words: RegExp): void =>
    assert.throws(
      () => named(task, step),
      (error) => error instanceof AtosError && error.code === "workflows/no-such-step" && words.test(error.message),
    );
  refused("tests", "turn-1", /more than one step "turn-1" of tests; there are tests\/a\/turn-1, tests\/b\/turn-1$/);
  refused("b", "turn-9", /no step "turn-9" of b; there are tasks\/b: running, tasks\/b\/simple-1\/turn-1/);
});

test("a red task is done again from its first step, a skipped one from those it waited for", () => {
  const retried = (id: string) => retrySteps(EFFECTS, TASKS, id);
  assert.deepEqual(retried("b"), { steps: ["tasks/b: running"] });
  assert.deepEqual(retried("c"), { steps: ["tasks/b: running"] });
  assert.deepEqual(retried("d"), { steps: ["tasks/b: running"] });
  assert.deepEqual(retried("tests"), { steps: ["tests/a/turn-1", "tests/b/turn-1"] });
  assert.deepEqual(retried("a"), { steps: [], why: "the task a is green" });
  assert.deepEqual(retried("ghost"), { steps: [], why: "there is no task ghost" });
});
