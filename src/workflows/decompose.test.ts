import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedTask } from "../base/events.ts";
import { BUILT_IN_LANGUAGES } from "../tools/built-in-languages.ts";
import { requireLanguage } from "../tools/find-language.ts";
import { packagesOf, planProblem } from "./decompose.ts";

const spec = { name: "demo", language: "python", summary: "does it", criteria: ["one", "two", "three"] };
const HEAD = "NAME: demo\nLANGUAGE: python\nSUMMARY: does it\nCRITERIA:\n";

function task(id: string, covers: readonly number[], files: readonly string[] = [`${id}.py`]): PlannedTask {
  return { id, tier: "simple", files, after: [], description: id, covers, kind: "other" };
}

test("of several tasks each is shown its own criteria, under the numbers they have in the whole", () => {
  const [a, b] = [task("a", [1, 3]), task("b", [2])];
  assert.deepEqual(packagesOf(spec, [a, b]), [
    { task: a, spec: { ...spec, criteria: ["one", "three"] }, shown: `${HEAD}C1: one\nC3: three`, calledAs: "a" },
    { task: b, spec: { ...spec, criteria: ["two"] }, shown: `${HEAD}C2: two`, calledAs: "b" },
  ]);
});

test("a task that covers nothing is shown them all", () => {
  const [a, b] = [task("a", []), task("b", [1, 2, 3])];
  const all = `${HEAD}C1: one\nC2: two\nC3: three`;
  assert.deepEqual(
    packagesOf(spec, [a, b]).map(({ spec: { criteria }, shown }) => ({ criteria, shown })),
    [
      { criteria: spec.criteria, shown: all },
      { criteria: spec.criteria, shown: all },
    ],
  );
});

test("a single task is shown the specification as it is, without numbers", () => {
  const [only] = packagesOf(spec, [task("a", [1, 2, 3])]);
  assert.equal(only?.shown, `${HEAD}- one\n- two\n- three`);
});

const fresh = {
  language: requireLanguage("python"),
  languages: BUILT_IN_LANGUAGES,
  existing: { paths: new Set<string>(), texts: new Set<string>() },
  isNew: true,
  part: false,
};

test("tasks may not write tests, what ATOS writes itself, or a file where another one needs a folder", () => {
  assert.equal(planProblem(fresh, [task("a", [1])]), undefined);
  for (const test of ["test_a.py", "a.test.ts"])
    assert.equal(planProblem(fresh, [task("a", [1], [test])]), `${test} is a test file; tests are not a task`);
  const readme = "README.md is written by ATOS itself; it is not a task's";
  assert.equal(planProblem(fresh, [task("a", [1], ["README.md"])]), readme);
  const problem = planProblem(fresh, [task("a", [1], ["a"]), task("b", [1], ["a/b.py"])]);
  assert.match(problem ?? "", /a\/b\.py/);
});

test("in a repository that is built on, its own readme may be a task's", () => {
  const existing = { paths: new Set(["README.md", "link"]), texts: new Set(["README.md"]) };
  const onto = { ...fresh, existing, isNew: false };
  assert.equal(planProblem(onto, [task("a", [1], ["README.md"])]), undefined);
  assert.equal(planProblem(onto, [task("a", [1], ["link"])]), "link is a link or no text; it stays as it is");
  assert.equal(planProblem({ ...onto, part: true }, [task("a", [1], ["README.md"])]), "README.md is there already");
});
