import assert from "node:assert/strict";
import { test } from "node:test";
import { TASK_TIERS, type TaskTier } from "../base/task.ts";
import { classifyTask } from "./classify-task.ts";

type Sketch = { readonly tier?: TaskTier; readonly files?: readonly string[]; readonly criteria?: number };

function classified(description: string, { tier = "medium", files = ["main.py"], criteria = 1 }: Sketch = {}) {
  const covers = Array.from({ length: criteria }, (_, index) => index + 1);
  return classifyTask({ id: "code", tier, files, covers, description });
}

test("the words of a task tell what it is about", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["copy all files of a folder to another path", "files"],
    ["parse(text): read CSV rows and return JSON", "parsing"],
    ["load settings from config.toml with defaults", "configuration"],
    ["a client that sends HTTP requests to the endpoint", "api"],
    ["store users in a SQLite table and query them", "database"],
    ["a job queue with a scheduler and retries", "workflow"],
    ["shortest path in a graph with Dijkstra's algorithm", "algorithm"],
    ["fix the bug that makes it crash", "debugging"],
    ["an interpreter and its engine", "module"],
    ["write add(a, b)", "other"],
  ];
  for (const [description, kind] of cases) assert.equal(classified(description).kind, kind, description);
});

test("names in code are words too", () => {
  const task = { id: "x", tier: "simple", files: ["shortest_path.py"], covers: [1] } as const;
  assert.equal(classifyTask({ ...task, description: "findShortestPath(graphNodes)" }).kind, "algorithm");
});

test("words of a harder kind move the tier one step up, those of an easier kind one down when the task is small", () => {
  assert.deepEqual(classified("shortest path in a graph", { tier: "simple" }), {
    kind: "algorithm",
    tier: "medium",
    because: "simple by the tech lead, algorithm (shortest, graph)",
  });
  assert.deepEqual(classified("parse CSV text", { tier: "complex" }), {
    kind: "parsing",
    tier: "medium",
    because: "complex by the tech lead, parsing (parse, csv)",
  });
  assert.equal(classified("parse CSV text", { tier: "complex", files: ["a.py", "b.py"] }).tier, "complex");
  assert.equal(classified("parse CSV text", { tier: "complex", criteria: 4 }).tier, "complex");
});

test("one word alone says what a task is about, not how hard it is", () => {
  assert.deepEqual(classified("sort(list)", { tier: "simple" }), {
    kind: "algorithm",
    tier: "simple",
    because: "simple by the tech lead, algorithm (sort)",
  });
});

test("many files or many criteria move the tier one step up", () => {
  const files = ["a.py", "b.py", "c.py", "d.py"];
  assert.deepEqual(classified("write f(x)", { files }), {
    kind: "other",
    tier: "complex",
    because: "medium by the tech lead, 4 files, 1 criteria",
  });
  assert.equal(classified("write f(x)", { tier: "simple", criteria: 6 }).tier, "medium");
  assert.equal(classified("parse CSV text", { tier: "complex", files }).tier, "complex");
});

test("no task moves by more than one step", () => {
  const files = Array.from({ length: 20 }, (_, index) => `f${index}.py`);
  for (const tier of TASK_TIERS)
    for (const description of ["copy the file to the folder", "fix the bug in the graph algorithm", ""])
      for (const sketch of [{ tier }, { tier, files }, { tier, criteria: 20 }]) {
        const step = TASK_TIERS.indexOf(classified(description, sketch).tier) - TASK_TIERS.indexOf(tier);
        assert.ok(Math.abs(step) <= 1, `${tier}: ${description}`);
      }
});
