import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedTask } from "../base/events.ts";
import { interfacesOf, showTask, tasksBefore } from "./show-task.ts";

function task(id: string, after: readonly string[], covers: readonly number[] = []): PlannedTask {
  return { id, tier: "simple", files: [`${id}.py`], after, covers, kind: "other", description: `write ${id}(x)` };
}

const tasks = [
  task("app", ["store", "view"], [3]),
  task("store", ["model"], [1, 2]),
  task("model", []),
  task("view", []),
];

test("a task is shown without what only the plan is about", () => {
  assert.equal(
    showTask(task("store", ["model"], [1, 2])),
    "TASK: store\nTIER: simple\nFILES: store.py\nAFTER: model\nDO: write store(x)",
  );
});

test("a task builds on what it comes after, directly and through others, and on nothing else", () => {
  const [app, store, model] = tasks;
  assert.ok(app && store && model);
  assert.equal(interfacesOf(app, tasks), "store.py: write store(x)\nmodel.py: write model(x)\nview.py: write view(x)");
  assert.equal(interfacesOf(store, tasks), "model.py: write model(x)");
  assert.equal(interfacesOf(model, tasks), "");
});

test("names that are no task, and circles, are walked once", () => {
  const circle = [task("a", ["b"]), task("b", ["a", "ghost"])];
  assert.deepEqual(
    tasksBefore(task("c", ["a"]), circle).map(({ id }) => id),
    ["a", "b"],
  );
});
