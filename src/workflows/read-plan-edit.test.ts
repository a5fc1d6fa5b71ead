import assert from "node:assert/strict";
import test from "node:test";
import { BUILT_IN_LANGUAGES } from "../tools/built-in-languages.ts";
import { requireLanguage } from "../tools/find-language.ts";
import type { PlanEdit } from "./plan-question.ts";
import { planEditOf, readPlanEdit, type Standing } from "./read-plan-edit.ts";

const a = {
  id: "a",
  tier: "simple",
  files: ["a.py"],
  after: [],
  description: "write a()",
  covers: [1],
  kind: "other",
} as const;
const b = { ...a, id: "b", files: ["b.py"], after: ["a"], description: "write b(), which calls a()", covers: [2] };
const standing: Standing = {
  spec: { name: "demo", language: "python", summary: "two numbers", criteria: ["a() returns 1", "b() returns 2"] },
  tasks: [a, b],
  tests: [
    { task: "a", path: "test_a.py", content: "# a\n" },
    { task: "b", path: "test_b.py", content: "# b\n" },
  ],
  language: requireLanguage("python"),
  isNew: true,
  languages: BUILT_IN_LANGUAGES,
  closedDomain: false,
  existing: { paths: new Set(), texts: new Set() },
};
const begin = planEditOf(standing);

function read(change: (edit: PlanEdit) => Partial<PlanEdit>, more: Partial<Standing> = {}): unknown {
  const result = readPlanEdit({ ...begin, ...change(begin) }, { ...standing, ...more });
  return result.ok ? result.value : result.why;
}

const TESTS = [
  { task: "a", files: [{ path: "test_a.py", content: "# a\n" }] },
  { task: "b", files: [{ path: "test_b.py", content: "# b\n" }] },
];

test("what is written and read back unchanged is the same, also where nothing may be changed", () => {
  for (const closedDomain of [false, true]) {
    const same = { spec: standing.spec, tasks: [a, b], tests: TESTS };
    assert.deepEqual(
      read(() => ({}), { closedDomain }),
      same,
    );
  }
  const one = { ...standing, tasks: [{ ...a, covers: [1, 2] }], tests: standing.tests.slice(0, 1) };
  assert.deepEqual(readPlanEdit(planEditOf(one), one), {
    ok: true,
    value: { spec: one.spec, tasks: one.tasks, tests: TESTS.slice(0, 1) },
  });
});

test("a task that is added gets its place, its kind, the tier that is written, and its tests", () => {
  const plan =
    "TASK: b\nTIER: complex\nFILES: b.py\nAFTER: c\nCOVERS: C2\nDO: parse the text\n\nTASK: c\nTIER: medium\nFILES: c.py\nAFTER: none\nCOVERS: C1\nDO: write c()\n";
  const tests = [
    { task: "c", path: "test_c.py", content: "# c\n" },
    { task: "b", path: "sub/test_b.py", content: "# b\n" },
  ];
  assert.deepEqual(
    read(() => ({ plan, tests })),
    {
      spec: standing.spec,
      tasks: [
        { ...a, id: "c", tier: "medium", files: ["c.py"], description: "write c()" },
        { ...b, tier: "complex", after: ["c"], description: "parse the text", kind: "parsing" },
      ],
      tests: [
        { task: "c", files: [{ path: "test_c.py", content: "# c\n" }] },
        { task: "b", files: [{ path: "sub/test_b.py", content: "# b\n" }] },
      ],
    },
  );
});

test("criteria can be changed, and one that no task covers goes to the last task", () => {
  const value = Object(read(({ spec }) => ({ spec: spec.replace("returns 2", "returns 3\nC3: b() is fast") })));
  assert.deepEqual(value.spec, { ...standing.spec, criteria: ["a() returns 1", "b() returns 3", "b() is fast"] });
  assert.deepEqual(value.tasks[1].covers, [2, 3]);
});

test("says what is wrong with a change, and where", () => {
  const other = { ...standing.tests[0], task: "a", content: "", path: "test_a.py" };
  for (const [change, why] of [
    [({ spec }: PlanEdit) => ({ spec: spec.replace("NAME: demo", "NAME: other") }), /^spec\.md: NAME, LANGUAGE and/],
    [({ spec }: PlanEdit) => ({ spec: spec.replace("python", "rust") }), /^spec\.md: LANGUAGE must be python/],
    [() => ({ spec: "REFUSE: no" }), /^spec\.md: it is no specification; to end the build, answer stop/],
    [
      ({ plan }: PlanEdit) => ({ plan: plan.replace("AFTER: none", "AFTER: b") }),
      /^plan\.md: .* circle: a after b, b after a/,
    ],
    [
      ({ plan }: PlanEdit) => ({ plan: plan.replace("FILES: b.py", "FILES: test_x.py") }),
      /^plan\.md: test_x\.py is a test file/,
    ],
    [({ plan }: PlanEdit) => ({ plan: plan.replace("C2", "C9") }), /^plan\.md: task b: COVERS names criterion 9/],
    [
      ({ tests }: PlanEdit) => ({ tests: tests.slice(1) }),
      /^tests: task a covers criteria and has no test file in tests\/a/,
    ],
    [
      ({ tests }: PlanEdit) => ({ tests: [...tests, { ...other, task: "z", path: "test_z.py" }] }),
      /^tests: there is no task z for test_z\.py/,
    ],
    [({ tests }: PlanEdit) => ({ tests: [...tests, { ...other, task: "b" }] }), /^tests: test_a\.py is there twice/],
    [({ tests }: PlanEdit) => ({ tests: [...tests, { ...other, path: "a.py" }] }), /^tests: a\.py is not a test file/],
  ] as const)
    assert.match(String(read(change)), why);
});

test("of a model of a closed domain the tests alone can be changed, and a repository's own files never", () => {
  const closed = { closedDomain: true };
  assert.match(
    String(read(({ plan }) => ({ plan: plan.replace("b()", "bb()") }), closed)),
    /^plan\.md: the plan can't be/,
  );
  assert.match(
    String(read(({ spec }) => ({ spec: spec.replace("returns 2", "returns 3") }), closed)),
    /^spec\.md: the specification can't/,
  );
  const tests = standing.tests.map((one) => ({ ...one, content: "# other\n" }));
  assert.deepEqual(Object(read(() => ({ tests }), closed)).tests[0].files[0].content, "# other\n");
  const existing = { paths: new Set(["test_a.py"]), texts: new Set(["test_a.py"]) };
  assert.match(String(read(() => ({}), { existing })), /^tests: test_a\.py is a file of the repository already/);
});
