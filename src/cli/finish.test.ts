import assert from "node:assert/strict";
import { test } from "node:test";
import type { Build } from "../store/builds.ts";
import { summary } from "./finish.ts";

const at = new Date(0);
const RESULT = {
  outcome: "red",
  why: "task a: still red\nand more",
  directory: "/out",
  branch: "atos/b1",
  commit: "0123456789abcdef",
  receiptCommit: "r",
  passed: 1,
  failed: 1,
};
const BUILD: Build = {
  id: "b1",
  goal: "g",
  state: "red",
  request: {},
  wish: null,
  run: 1,
  worker: "w",
  outDirectory: "/out",
  forkedFrom: null,
  forkedStep: null,
  result: RESULT,
  createdAt: at,
  updatedAt: at,
};
const EVENTS = [
  {
    seq: 1,
    at,
    event: { type: "attempt-started", step: "spec/turn-1", kind: "turn", task: "spec", attempt: 1, model: "m" },
  },
  { seq: 2, at: new Date(2000), event: { type: "build-finished", outcome: "red", why: "x" } },
] as const;

test("a red build says why, what it cost, where its work is, and what can be done now", () => {
  const next = [
    "Look at it: atos debug spec --build b1",
    "Go on from there: atos debug spec --build b1 --from spec/turn-1, or with another seed: atos retry spec --build b1",
  ];
  assert.deepEqual(summary(BUILD, 1, EVENTS).split("\n"), [
    "Not done: task a: still red",
    "Cost: 0 turns, 0 + 0 tokens, 2.0 s, no cloud.",
    "The work so far, with a red receipt: /out, branch atos/b1",
    ...next,
  ]);
  const onRepository = { ...BUILD, result: { ...RESULT, summary: "# Title" } };
  assert.deepEqual(summary(onRepository, 1, EVENTS).split("\n"), [
    "# Title",
    "Not done: task a: still red",
    "The work so far: branch atos/b1 of /out; 1 of 2 tests pass on 0123456789.",
    "Cost: 0 turns, 0 + 0 tokens, 2.0 s, no cloud.",
    "Look: git -C /out diff HEAD...atos/b1. Proof: atos receipt verify /out --branch atos/b1",
    ...next,
  ]);
});
