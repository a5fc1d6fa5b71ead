import assert from "node:assert/strict";
import test from "node:test";
import { planLines } from "./plan-lines.ts";

const task = { tier: "simple", kind: "other", description: "write it" } as const;

test("a plan is shown whole: criteria by number, tasks behind those they come after, tests line by line", () => {
  const lines = planLines({
    kind: "plan",
    round: 2,
    editsLeft: 9,
    spec: { name: "demo", language: "python", summary: "numbers\u001b[2J", criteria: ["a() returns 1"] },
    tasks: [
      { ...task, id: "a", files: ["a.py"], after: [], covers: [1] },
      { ...task, id: "b", files: ["b.py", "c.py"], after: ["a"], covers: [] },
      { ...task, id: "d", files: ["d.py"], after: ["a", "b"], covers: [] },
    ],
    tests: [{ task: "a", path: "test_a.py", content: "import a\n\n# \u202eend\n" }],
    rejected: { why: "no\nreally", edit: { spec: "", plan: "", tests: [] } },
  });
  assert.deepEqual(lines, [
    "Specification: demo (python): numbers\\u{1b}[2J",
    "  C1  a() returns 1",
    "",
    "Plan: 3 tasks",
    "  ● a · simple · a.py · C1",
    "    write it",
    "     └▶ ● b · simple · b.py, c.py · after a",
    "          write it",
    "        └▶ ● d · simple · d.py · after a, b",
    "             write it",
    "",
    "Tests: 1 file, frozen before the code is written",
    "",
    `── test_a.py (task a) ${"─".repeat(50)}`,
    "1 │ import a",
    "2 │ ",
    "3 │ # \\u{202e}end",
    "─".repeat(72),
    "",
    "What was changed can't be used, and this is the plan without it:",
    "  no",
    "  really",
  ]);
});
