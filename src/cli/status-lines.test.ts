import assert from "node:assert/strict";
import { test } from "node:test";
import { statusDocument, statusLines } from "./status-lines.ts";

const at = new Date(0);
const TASK = {
  tier: "simple",
  files: [],
  after: [],
  description: "write it",
  covers: [],
  kind: "other",
  tokens: { prompt: 0, output: 0 },
  spentMs: 0,
  kept: false,
} as const;
const STATUS = {
  build: {
    id: "b",
    goal: "a goal\nof two lines",
    state: "running",
    request: {},
    wish: null,
    run: 1,
    worker: "w",
    outDirectory: "/out",
    forkedFrom: "x",
    forkedStep: "tasks/a: running",
    result: null,
    createdAt: at,
    updatedAt: at,
  },
  limits: { minutes: 5 },
  view: {
    turns: 2,
    tokens: { prompt: 20, output: 4 },
    spentMs: 8000,
    expectedLeftMs: 2000,
    atWork: [
      { task: "b", step: "tasks/b/simple-2/turn-2", does: "developer", model: "coder", forMs: 1000 },
      { task: "tests", step: "tests/turn-1", does: "tester", forMs: 100 },
    ],
    tasks: [
      { ...TASK, id: "a", state: "green", kept: true },
      {
        ...TASK,
        id: "b",
        state: "running",
        after: ["a"],
        attempt: { sample: 2, repairs: 1 },
        tokens: { prompt: 10, output: 2 },
        spentMs: 2000,
      },
      { ...TASK, id: "c", state: "skipped", after: ["b"], why: "b is red" },
    ],
  },
  questions: [],
} as const;

test("a build's status is its figures, then its tasks below those they wait for, with who is at work", () => {
  assert.deepEqual(statusLines(STATUS), [
    "b  running  a goal",
    "→ /out · 2 turns · 20 + 4 tokens · 8.0 s · time left: about 2.0 s",
    "forked from x, at tasks/a: running",
    "limit: 5 minutes",
    "✔ green    a (simple) · kept: write it",
    "  ● running  b (simple) · developer with coder for 1.0 s · sample 2, 1 repair · 10 + 2 tokens · 2.0 s: write it",
    "    – skipped  c (simple) · b is red: write it",
    "● running  tests · tester for 0.1 s",
  ]);
});

test("what is left is unknown where there is nothing to go by, and no matter of a build that has ended", () => {
  const { expectedLeftMs: _, ...view } = STATUS.view;
  assert.match(statusLines({ ...STATUS, view })[1] ?? "", / · time left: unknown$/);
  const build = { ...STATUS.build, state: "green" } as const;
  assert.match(statusLines({ ...STATUS, view, build })[1] ?? "", / · 8\.0 s$/);
});

test("when every task is done, what is left is said to be the merging and the last check", () => {
  const tasks = STATUS.view.tasks.filter(({ state }) => state !== "running");
  const line = (left: object): string => statusLines({ ...STATUS, view: { ...STATUS.view, tasks, ...left } })[1] ?? "";
  assert.match(line({}), / · time left: about 2\.0 s, only merging and the last check$/);
  assert.match(line({ expectedLeftMs: 3 }), / about 0\.1 s, only merging/);
  assert.match(line({ expectedLeftMs: undefined }), / unknown, only merging and the last check$/);
});

test("whose tests are being written is told, where they are written side by side", () => {
  const atWork = [{ task: "tests", step: "tests/b/turn-2", does: "tester", model: "coder", forMs: 100 }];
  const lines = statusLines({ ...STATUS, view: { ...STATUS.view, atWork } });
  assert.equal(lines.at(-1), "● running  tests of b · tester with coder for 0.1 s");
});

test("the document has all of it, and a reached limit is told", () => {
  const document = statusDocument({ ...STATUS, view: { ...STATUS.view, limitReached: "5 minutes" } });
  assert.deepEqual(
    [document["id"], document["forkedFrom"], document["limitReached"], document["expectedLeftMs"]],
    ["b", "x", "5 minutes", 2000],
  );
  const lines = statusLines({ ...STATUS, view: { ...STATUS.view, limitReached: "5 minutes" } });
  assert.equal(lines[3], "limit: 5 minutes (reached: 5 minutes)");
});
