import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent } from "../base/events.ts";
import type { Effect } from "../store/effects.ts";
import { keptEvents } from "./fork-events.ts";

const usage = { promptTokens: 1, cachedTokens: 0, outputTokens: 1 };

function edge(task: string, from: string, to: string): BuildEvent {
  return { type: "edge-taken", graph: task === "" ? "build" : "task", task, from, to, on: "x" };
}

function begun(step: string, task: string): BuildEvent {
  return { type: "attempt-started", step, kind: "turn", task, attempt: 1 };
}

function ended(step: string, task: string): BuildEvent {
  return { type: "turn-finished", step, task, role: "r", model: "m", usage, durationMs: 1, finish: "stop" };
}

function commit(name: string, finishedAt: Date): Effect {
  const row = { id: `b/${name}`, buildId: "b", kind: "record", name, task: "", inputHash: "", state: "done" } as const;
  return { ...row, attempts: 0, result: null, reservedAt: finishedAt, finishedAt, treeBefore: null, treeAfter: null };
}

test("a fork tells again what belongs to its steps, each event with the step it was recorded with", () => {
  const trail: readonly BuildEvent[] = [
    { type: "build-started", goal: "g", models: [], sandbox: "s" },
    { type: "model-loaded", model: "m", durationMs: 1 },
    edge("", "start", "spec"),
    begun("spec/turn-1", "spec"),
    ended("spec/turn-1", "spec"),
    { type: "reply-rejected", task: "spec", role: "r", why: "no" },
    { type: "build-paused", why: "as asked", exitCode: 130 },
    { type: "task-state", task: "a", state: "running" },
    { type: "task-state", task: "b", state: "running" },
    edge("b", "context", "write"),
    begun("tasks/a/simple-1/turn-1", "a"),
    begun("tasks/b/simple-1/turn-1", "b"),
    ended("tasks/b/simple-1/turn-1", "b"),
    ended("tasks/a/simple-1/turn-1", "a"),
    { type: "files-written", step: "tasks/b/simple-1/turn-1", task: "b", from: "0", tree: "1" },
    edge("b", "write", "syntax"),
    begun("tasks/b/simple-1/parse-1", "b"),
    { type: "committed", commit: "c", tree: "t" },
  ];
  const events = trail.map((event, index) => ({ seq: index + 1, at: new Date(index), event }));
  const effects = [commit("tests/commit", new Date(3)), commit("tasks/a/commit", new Date(trail.length - 1))];
  const kept = new Set([
    "start",
    "spec/turn-1",
    "tasks/a: running",
    "tasks/b: running",
    "tasks/b/simple-1/turn-1",
    "tasks/a/commit",
  ]);
  const told = keptEvents({ events, effects }, kept).map((event) => trail.indexOf(event));
  assert.deepEqual(told, [0, 2, 3, 4, 5, 7, 8, 9, 11, 12, 17]);
});

test("of a plan that a person changed, a fork from before that tells the first alone", () => {
  const plan: BuildEvent = { type: "plan-made", tasks: [] };
  const events = [plan, plan].map((event, index) => ({ seq: index + 1, at: new Date(index), event }));
  const effects = [commit("plan made", new Date(0)), commit("ask 1/plan made", new Date(1))];
  const told = (...kept: readonly string[]): number => keptEvents({ events, effects }, new Set(kept)).length;
  assert.deepEqual([told("plan made"), told("plan made", "ask 1/plan made"), told()], [1, 2, 0]);
});
