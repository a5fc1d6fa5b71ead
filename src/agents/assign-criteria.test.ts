import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedTask } from "../base/events.ts";
import { assignCriteria } from "./assign-criteria.ts";
import { orderTasks } from "./read-plan.ts";

function task(id: string, after: readonly string[], covers: readonly number[]): PlannedTask {
  return { id, tier: "simple", files: [`${id}.py`], after, covers, kind: "other", description: id };
}

function assigned(tasks: readonly PlannedTask[], criteria: number) {
  return assignCriteria(tasks, criteria).map(({ id, after, covers }) => [id, after, covers]);
}

test("a plan that covers everything stays as it is", () => {
  const tasks = [task("a", [], [1]), task("b", [], [2, 3])];
  assert.deepEqual(assignCriteria(tasks, 3), tasks);
});

test("a single task covers everything", () => {
  assert.deepEqual(assigned([task("a", [], [])], 3), [["a", [], [1, 2, 3]]]);
});

test("what nobody covers goes to the last task, which then comes after everything", () => {
  assert.deepEqual(assigned([task("last", ["a"], []), task("a", [], [2]), task("b", [], [4])], 4), [
    ["last", ["a"], []],
    ["a", [], [2]],
    ["b", ["last"], [1, 3, 4]],
  ]);
  assert.deepEqual(assigned([task("a", [], []), task("b", [], []), task("c", ["a"], [])], 2), [
    ["a", [], []],
    ["b", [], []],
    ["c", ["a", "b"], [1, 2]],
  ]);
});

test("a task that covers nothing and is needed by nobody is joined to the last one", () => {
  assert.deepEqual(assigned([task("readme", [], []), task("a", [], [1]), task("b", [], [2])], 2), [
    ["readme", [], []],
    ["a", [], [1]],
    ["b", ["readme"], [2]],
  ]);
  const built = [task("base", [], []), task("a", ["base"], [1]), task("b", ["base"], [2])];
  assert.deepEqual(assignCriteria(built, 2), built);
});

test("numbers of criteria that do not exist are dropped", () => {
  assert.deepEqual(assigned([task("a", [], [1, 2, 9])], 2), [["a", [], [1, 2]]]);
});

test("whatever is covered, afterwards everything is, and the tasks can still be ordered", () => {
  // Every plan of three tasks in which a later one may come after earlier ones, with every choice of one criterion each.
  for (let edges = 0; edges < 8; edges++)
    for (let choice = 0; choice < 64; choice++) {
      const covers = [0, 2, 4].map((bits) => [(choice >> bits) & 3].filter((number) => number > 0));
      const tasks = [
        task("a", [], covers[0] ?? []),
        task("b", edges & 1 ? ["a"] : [], covers[1] ?? []),
        task("c", [...(edges & 2 ? ["a"] : []), ...(edges & 4 ? ["b"] : [])], covers[2] ?? []),
      ].toReversed();
      const result = assignCriteria(tasks, 3);
      assert.deepEqual(new Set(result.flatMap((one) => one.covers)), new Set([1, 2, 3]));
      assert.equal(orderTasks(result)?.length, 3);
      const needed = new Set(result.flatMap((one) => one.after));
      for (const one of result) assert.ok(one.covers.length > 0 || needed.has(one.id), JSON.stringify(tasks));
    }
});
