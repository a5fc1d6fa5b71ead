import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent } from "../base/events.ts";
import type { Effect } from "../store/effects.ts";
import { traceSteps } from "./trace-steps.ts";

const at = new Date(0);
const usage = { promptTokens: 9, cachedTokens: 3, outputTokens: 2 };
const STEP = "tasks/code/simple-1";

function effect(name: string, result: unknown, more: Partial<Effect> = {}): Effect {
  const row = { id: `b/${name}`, buildId: "b", kind: "tests", name, task: "code", inputHash: "" } as const;
  const rest = {
    state: "done",
    attempts: 1,
    reservedAt: at,
    finishedAt: at,
    treeBefore: null,
    treeAfter: null,
  } as const;
  return { ...row, ...rest, result, ...more };
}

function begun(step: string, kind: Effect["kind"], task = "code"): BuildEvent {
  return { type: "attempt-started", step, kind, task, attempt: 1 };
}

function edge(graph: string, task: string, [from, to, on]: readonly [string, string, string]): BuildEvent {
  return { type: "edge-taken", graph, task, from, to, on };
}

test("a task is told in order: turns, files, checks with what they said, edges with their reasons, and no other task", () => {
  const red = { name: "test_1", outcome: "failed", message: "7 != 2" };
  const effects = [
    effect(`${STEP}/turn-1`, { text: "reply", finish: "stop", usage }, { kind: "turn" }),
    effect(`${STEP}/parse-1`, []),
    effect(`${STEP}/test-1`, { green: false, tests: [red, { ...red, outcome: "passed" }] }),
    effect(`${STEP}/parse-2`, [{ file: "a.py", message: "bad" }]),
    effect(`${STEP}/test-2`, null, { state: "reserved" }),
    effect("verify", { problems: [], acceptance: { green: true, tests: [] } }, { task: "verify" }),
  ];
  const finished = { type: "turn-finished", task: "code", role: "developer", model: "m", durationMs: 7 } as const;
  const trail: readonly BuildEvent[] = [
    { type: "build-forked", from: "x", step: "s", steps: 1, events: 2, seed: 0 },
    begun(`${STEP}/turn-1`, "turn"),
    { ...finished, step: `${STEP}/turn-1`, usage, finish: "stop" },
    edge("task", "other", ["write", "syntax", "files"]),
    { type: "files-written", step: `${STEP}/turn-1`, task: "code", from: "t0", tree: "t1" },
    begun(`${STEP}/parse-1`, "tests"),
    begun(`${STEP}/test-1`, "tests"),
    edge("task", "code", ["reflect", "resample", "resample"]),
    begun(`${STEP}/parse-2`, "tests"),
    begun(`${STEP}/test-2`, "tests"),
    begun("verify", "tests", "verify"),
    edge("build", "", ["verify", "deliver", "checked"]),
  ];
  const events = trail.map((event, index) => ({ seq: index + 1, at, event }));
  const steps = traceSteps({ events, effects }, "code");
  assert.deepEqual(
    steps.map(({ seq, kind, kept }) => [seq, kind, kept]),
    [
      [3, "turn", true],
      [5, "files", undefined],
      [6, "check", undefined],
      [7, "check", undefined],
      [8, "event", undefined],
      [9, "check", undefined],
      [10, "check", undefined],
    ],
  );
  const checks = steps.flatMap((one) => (one.kind === "check" ? [[one.ok, one.passed, one.output]] : []));
  assert.deepEqual(checks, [
    [true, 0, []],
    [false, 1, ["test_1: failed\n7 != 2"]],
    [false, 0, ["a.py: bad"]],
    [undefined, 0, []],
  ]);
  assert.deepEqual(
    steps.flatMap((one) => (one.kind === "event" ? [one.why] : [])),
    ["no progress, or no round left; a sample is"],
  );
  const verified = traceSteps({ events, effects }, "verify");
  assert.deepEqual(
    verified.map(({ seq, kind }) => [seq, kind]),
    [
      [11, "check"],
      [12, "event"],
    ],
  );
});
