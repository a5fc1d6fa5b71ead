import assert from "node:assert/strict";
import { test } from "node:test";
import { type Receipt, receiptSchema, receiptToJson, receiptToMarkdown } from "./receipt.ts";

/** As ATOS 0.1 wrote them. */
const OLD: Receipt = {
  format: "atos-receipt/1",
  build: "b1",
  verdict: "green",
  why: "it passes",
  goal: "add",
  criteria: ["f(2, 3) returns 5"],
  commit: "c0ffee",
  tree: "7ree",
  frozenTests: [{ path: "test_f.py", sha256: "ab" }],
  verification: {
    language: "python",
    runner: "unittest",
    sandbox: "bubblewrap",
    passed: 1,
    failed: 0,
    tests: [{ name: "test_f", outcome: "passed", message: "" }],
  },
  review: null,
  models: [{ id: "m", source: "m.gguf", sha256: "cd", bytes: 3 }],
  turns: 5,
  tokens: { prompt: 10, output: 20 },
  startedAt: "2026-01-01T00:00:00.000Z",
  finishedAt: "2026-01-01T00:00:01.500Z",
};

const NEW: Receipt = {
  ...OLD,
  verdict: "red",
  checks: [
    { what: "syntax", outcome: "passed" },
    { what: "lint: ruff", outcome: "not run: ruff\nis not there" },
  ],
  coverage: [
    { path: "f.py", lines: 3, covered: 2 },
    { path: "g.py", lines: 3, covered: 2 },
  ],
  tasks: [
    { id: "f", state: "green", tier: "simple", model: "small", samples: 1, rounds: 0 },
    { id: "g", state: "red", tier: "complex", model: "large", samples: 6, rounds: 5, why: "still red: a | b" },
    { id: "h", state: "skipped", tier: "simple", model: "", samples: 0, rounds: 0, why: "g is red" },
  ],
};

test("a receipt is read as it was written, also one of a version that knew less", () => {
  for (const receipt of [OLD, NEW]) assert.deepEqual(receiptSchema.parse(JSON.parse(receiptToJson(receipt))), receipt);
});

test("people are told every check, the lines that tests reach, and what became of each task", () => {
  const lines = receiptToMarkdown(NEW).split("\n");
  const told = [
    "- syntax: passed",
    "- lint: ruff: not run: ruff is not there",
    "- lines that the frozen tests reach: 4 of 6 (66 %)",
    "| task | tier | model | samples | repairs | outcome |",
    "| f | simple | small | 1 | 0 | green |",
    "| g | complex | large | 6 | 5 | red: still red: a \\| b |",
    "| h | simple |  | 0 | 0 | skipped: g is red |",
  ];
  assert.deepEqual(
    lines.filter((line) => told.includes(line)),
    told,
  );
});

test("of what an old receipt does not know nothing is said", () => {
  const text = receiptToMarkdown(OLD);
  for (const absent of ["## Tasks", "lines that", "undefined", "review:"]) assert.ok(!text.includes(absent), absent);
});

test("a state that there is not, or a tier, is no receipt", () => {
  const [task] = NEW.tasks ?? [];
  for (const wrong of [{ state: "purple" }, { tier: "huge" }, { samples: "two" }])
    assert.equal(receiptSchema.safeParse({ ...NEW, tasks: [{ ...task, ...wrong }] }).success, false);
});
