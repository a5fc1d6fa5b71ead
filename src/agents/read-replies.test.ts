import assert from "node:assert/strict";
import { test } from "node:test";
import { orderTasks, readPlan, showTask } from "./read-plan.ts";
import { readReview } from "./read-review.ts";
import { readSpec, showSpec, type Spec } from "./read-spec.ts";

const spec: Spec = {
  name: "add_numbers",
  language: "python",
  summary: "adds two numbers",
  criteria: ["add_numbers(2, 3) returns 5", "add_numbers(0, 0) returns 0"],
};

test("a spec that is shown is read back the same", () => {
  assert.deepEqual(readSpec(showSpec(spec)), { ok: true, value: { kind: "spec", spec } });
});

test("a spec is read through reasoning, Markdown, other cases and numbered criteria", () => {
  const reply =
    "<think>NAME: wrong</think>\n**Name:** `add_numbers`\nLanguage: Python\n- SUMMARY: adds two numbers\n\n**CRITERIA:**\n1. add_numbers(2, 3) returns 5\n2) add_numbers(0, 0) returns 0\n";
  assert.deepEqual(readSpec(reply), { ok: true, value: { kind: "spec", spec } });
});

test("a refusal is a value of its own", () => {
  assert.deepEqual(readSpec("REFUSE: outside my domain"), {
    ok: true,
    value: { kind: "refused", why: "outside my domain" },
  });
});

test("a spec that lacks something says what", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["I would love to help!", /lacks NAME, LANGUAGE, SUMMARY/],
    [showSpec(spec).replace("add_numbers\n", "add numbers now\n"), /NAME must be one word/],
    [showSpec(spec).replace("python", "COBOL"), /LANGUAGE must be python or typescript/],
    [showSpec(spec).replace(/CRITERIA[\s\S]*/, "CRITERIA:\n"), /CRITERIA has no lines/],
    [showSpec({ ...spec, criteria: Array.from({ length: 13 }, () => "x is x") }), /13 criteria/],
    ["", /lacks/],
  ];
  for (const [reply, expected] of cases) {
    const read = readSpec(reply);
    assert.match(read.ok ? JSON.stringify(read.value) : read.why, expected);
  }
});

function block(id: string, after: string, files = `${id}.py`): string {
  return `TASK: ${id}\nTIER: simple\nFILES: ${files}\nAFTER: ${after}\nDO: write ${id}`;
}

test("a plan that is shown is read back the same", () => {
  const tasks = [
    { id: "parser", tier: "medium", files: ["parser.py"], after: [], description: "write parse(text)" },
    { id: "cli", tier: "simple", files: ["cli.py", "main.py"], after: ["parser"], description: "write main()" },
  ] as const;
  assert.deepEqual(readPlan(tasks.map(showTask).join("\n\n")), { ok: true, value: tasks });
});

test("what follows DO belongs to it, also when it looks like another line", () => {
  const read = readPlan(
    "TASK: a\nTIER: simple\nFILES: a.py\nAFTER: none\nDO: write a\n- FILES: b.py are read\n- quickly",
  );
  assert.deepEqual(read.ok && read.value.map(({ files, description }) => ({ files, description })), [
    { files: ["a.py"], description: "write a - FILES: b.py are read - quickly" },
  ]);
});

test("a graph that can't be run is refused with its reason", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["Let's first think about the architecture.", /no task was found/],
    [`${block("a", "b")}\n\n${block("b", "a")}`, /circle/],
    [block("a", "a"), /circle/],
    [block("a", "ghost"), /ghost, which is no task/],
    [`${block("a", "none")}\n${block("a", "none", "b.py")}`, /two tasks a/],
    [`${block("a", "none", "x.py")}\n${block("b", "none", "x.py")}`, /belongs to both a and b/],
    [block("a", "none", "../x.py"), /plain form/],
    [block("a", "none").replace("simple", "trivial"), /TIER must be/],
    [block("a", "none").replace(/DO:.*/, ""), /no DO line/],
    [block("a", "none").replace("a.py", ""), /no FILES/],
    [Array.from({ length: 21 }, (_, i) => block(`t${i}`, "none")).join("\n"), /21 tasks/],
  ];
  for (const [reply, expected] of cases) {
    const read = readPlan(reply);
    assert.match(read.ok ? "it was read" : read.why, expected, reply);
  }
});

test("tasks are ordered by their dependencies, and otherwise stay as they were", () => {
  assert.deepEqual(
    orderTasks([
      { id: "c", after: ["a", "b"] },
      { id: "b", after: [] },
      { id: "a", after: ["b"] },
      { id: "d", after: [] },
    ]),
    ["b", "a", "c", "d"],
  );
  assert.equal(
    orderTasks([
      { id: "a", after: ["b"] },
      { id: "b", after: ["a"] },
    ]),
    undefined,
  );
});

test("a review is a score, a verdict and findings", () => {
  assert.deepEqual(readReview("**SCORE:** 7/10\nVERDICT: Revise\n- a.py:2 must-fix wrong sign\n"), {
    ok: true,
    value: { score: 7, verdict: "revise", findings: ["a.py:2 must-fix wrong sign"] },
  });
  for (const bad of [
    "",
    "SCORE: 11\nVERDICT: accept",
    "SCORE: good\nVERDICT: accept",
    "SCORE: 5",
    "SCORE: 5\nVERDICT: maybe",
  ])
    assert.equal(readReview(bad).ok, false, bad);
});
