import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { PlannedTask } from "../base/events.ts";
import { loadTeam } from "../agents/load-team.ts";
import type { ModelSource } from "../engine/model.ts";
import { forecast } from "./forecast.ts";

const own = fileURLToPath(new URL("../../roles", import.meta.url));
const { team } = await loadTeam({ directory: own, overrides: [], own });
const small: ModelSource = { kind: "gguf", id: "small", path: "/small.gguf" };
const coder: ModelSource = { kind: "gguf", id: "coder", path: "/coder.gguf" };
const roster = {
  name: "two",
  models: [small, coder],
  tiers: { simple: "small", medium: "coder", complex: "coder" },
  roles: { "product-manager": "small" },
} as const;

function task(id: string, tier: PlannedTask["tier"]): PlannedTask {
  return { id, tier, files: [`${id}.py`], after: [], description: id, covers: [], kind: "other" };
}

function shown(tasks: readonly PlannedTask[], done: readonly string[]) {
  return forecast({ roster, team }, tasks, new Set(done)).map(({ task: name, role, source, after }) => [
    `${name}/${role}`,
    source.id,
    after.map((job) => `${job.task}/${job.role}`).join(),
  ]);
}

test("a build that begins foresees its spec, plan and tests", () => {
  assert.deepEqual(shown([], []), [
    ["spec/product-manager", "small", ""],
    ["plan/tech-lead", "coder", "spec/product-manager"],
    ["tests/tester", "coder", "plan/tech-lead"],
  ]);
});

test("a plan adds a developer of the task's tier and a reviewer for each task; tasks that don't need each other wait for the tests alone", () => {
  assert.deepEqual(shown([task("read", "simple"), task("solve", "complex")], ["spec", "plan"]), [
    ["tests/tester", "coder", ""],
    ["read/developer", "small", "tests/tester"],
    ["read/reviewer", "coder", "read/developer"],
    ["solve/developer", "coder", "tests/tester"],
    ["solve/reviewer", "coder", "solve/developer"],
  ]);
});

test("a task is foreseen behind those that it comes after, as far as they are not done", () => {
  const tasks = [task("a", "simple"), task("b", "simple"), { ...task("c", "complex"), after: ["a", "b"] }];
  const after = (done: readonly string[]) =>
    shown(tasks, ["spec", "plan", "tests", ...done]).find(([name]) => name === "c/developer")?.[2];
  assert.equal(after([]), "a/reviewer,b/reviewer");
  assert.equal(after(["tasks/a"]), "b/reviewer");
  assert.equal(after(["tasks/a", "tasks/b"]), "");
});

test("what is done is no longer foreseen", () => {
  assert.deepEqual(shown([task("read", "simple")], ["spec", "plan", "tests", "tasks/read"]), []);
});

test("a task of the plan may be called like a stage", () => {
  assert.deepEqual(
    shown([task("tests", "simple")], ["spec", "plan", "tests"]).map(([name]) => name),
    ["tests/developer", "tests/reviewer"],
  );
});
