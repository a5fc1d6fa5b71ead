import assert from "node:assert/strict";
import { test } from "node:test";
import { readNumstat } from "./changed-lines.ts";
import { type PullRequest, pullRequestText, titleOf } from "./pull-request.ts";

const REQUEST: PullRequest = {
  summary: "adds sub, which subtracts.",
  tasks: [{ id: "sub", description: "write sub(a, b)", state: "green" }],
  changes: [
    { path: "core.py", kind: "changed", added: 4, removed: 1 },
    { path: "package-lock.json", kind: "changed", added: 1, removed: 0 },
    { path: "logo.png", kind: "removed" },
  ],
  branch: "atos/b1",
  receipt: {
    build: "b1",
    verdict: "green",
    why: "The tests pass.",
    goal: "Add sub\n# to core",
    criteria: ["sub(5, 3) returns 2"],
    checks: [{ what: "syntax", outcome: "passed" }],
    review: { score: 9, verdict: "accept", findings: ["core.py:7 advice: say\u001b[31m more"] },
    frozenTests: [{ path: "test_sub.py", sha256: "0" }],
    verification: { language: "python", runner: "unittest", sandbox: "bubblewrap", passed: 3, failed: 0, tests: [] },
    models: [{ id: "coder", source: "coder.gguf" }],
  },
  redTests: [{ path: "test_net.py", why: "no network" }],
};

test("a summary says what, why, how much, how it was verified and what to look at", () => {
  assert.equal(
    pullRequestText(REQUEST),
    [
      "# Adds sub, which subtracts",
      "",
      "> Add sub",
      "> # to core",
      "",
      "## What it does",
      "",
      "- sub(5, 3) returns 2",
      "",
      "## Tasks",
      "",
      "- sub (green): write sub(a, b)",
      "",
      "## Files",
      "",
      "- `core.py` +4 −1",
      "- `package-lock.json` +1 −0",
      "- `logo.png` (removed): not text",
      "",
      "## How it was verified",
      "",
      "- 3 tests passed, 0 did not, in a clean checkout (sandbox: bubblewrap)",
      "- `test_sub.py` was written and frozen before the code",
      "- syntax: passed",
      "- `test_net.py` was red before, and is not held against it: no network",
      "",
      "## What to look at",
      "",
      "- core.py:7 advice: say [31m more",
      "- `package-lock.json` was changed",
      "",
      "Made by ATOS with coder; build b1. The proof stands in RECEIPT.md: `atos receipt verify . --branch atos/b1`",
      "",
    ].join("\n"),
  );
});

test("a red build says so first, and what nobody reviewed is not said to be without findings", () => {
  const { receipt } = REQUEST;
  const text = pullRequestText({
    ...REQUEST,
    changes: [],
    receipt: { ...receipt, verdict: "red", why: "test_1: 3 != 2\nmore", review: null },
  });
  assert.match(text, /^# Adds sub, which subtracts\n\n\*\*Not done:\*\* test_1: 3 != 2 more\n/);
  assert.match(text, /- everything: nobody has reviewed it\n/);
});

test("a title is one line of at most 70 characters, cut between words, and leaves names as they are", () => {
  assert.equal(titleOf("## adds\nsub..\n"), "Adds sub");
  assert.equal(titleOf("add_numbers adds; is_even checks"), "add_numbers adds; is_even checks");
  assert.equal(titleOf("core.sub subtracts"), "core.sub subtracts");
  const long = titleOf("word ".repeat(30));
  assert.deepEqual([long.length <= 70, long.endsWith("word…")], [true, true]);
  assert.equal(titleOf("x".repeat(100)).length, 70);
});

test("lines are counted by path, whatever the path holds", () => {
  assert.deepEqual(
    readNumstat("4\t1\tcore.py\u0000-\t-\tlogo.png\u00001\t0\todd\tname\n.py\u0000"),
    new Map([
      ["core.py", { added: 4, removed: 1 }],
      ["odd\tname\n.py", { added: 1, removed: 0 }],
    ]),
  );
});
