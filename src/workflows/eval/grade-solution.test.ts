import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openSandbox } from "../../sandbox/open-sandbox.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { requireLanguage } from "../../tools/find-language.ts";
import { type Grade, gradeSolution } from "./grade-solution.ts";
import type { EvalTask } from "./suite.ts";

const scratchDirectory = mkdtempSync(join(tmpdir(), "atos-grade-"));
let sandbox: Sandbox;
before(async () => {
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(scratchDirectory, { recursive: true, force: true }));

const TASK: EvalTask = {
  id: "double",
  language: requireLanguage("python"),
  goal: "Write double.py with a function double",
  entry: ["double.py"],
  hidden: [
    {
      path: "test_hidden.py",
      content:
        "import unittest\nfrom double import double\n\n\nclass Hidden(unittest.TestCase):\n    def test_two(self):\n        self.assertEqual(double(2), 4)\n\n    def test_zero(self):\n        self.assertEqual(double(0), 0)\n",
    },
  ],
  tests: ["test_hidden.py"],
};
const RIGHT = "def double(n):\n    return n * 2\n";

function grade(files: Readonly<Record<string, string>>, task: EvalTask = TASK): Promise<Grade> {
  const list = Object.entries(files).map(([path, content]) => ({ path, content }));
  return gradeSolution({ sandbox, scratchDirectory }, { task, files: list }, AbortSignal.timeout(60_000));
}

test("a right solution passes and nothing of it stays behind", async () => {
  assert.deepEqual(await grade({ "double.py": RIGHT }), { passed: true, why: "", testsPassed: 2, testsFailed: 0 });
  assert.deepEqual(readdirSync(scratchDirectory), []);
});

test("a half right one fails, with the words of the test", async () => {
  const found = await grade({ "double.py": "def double(n):\n    return n + 2\n" });
  assert.deepEqual([found.passed, found.testsPassed, found.testsFailed], [false, 1, 1]);
  assert.match(found.why, /test_zero: AssertionError: 2 != 0/);
});

test("one that can't be loaded fails", async () => {
  const found = await grade({ "double.py": "def double(n:\n" });
  assert.equal(found.passed, false);
  assert.match(found.why, /SyntaxError/);
});

test("tests that came with a solution are neither run nor able to replace the hidden ones", async () => {
  const found = await grade({
    "double.py": "def double(n):\n    return 4\n",
    "test_hidden.py": "import unittest\n\n\nclass Hidden(unittest.TestCase):\n    def test_two(self):\n        pass\n",
    "test_own.py": "import unittest\n\n\nclass Own(unittest.TestCase):\n    def test_own(self):\n        self.fail()\n",
    "conftest.py": "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef skip():\n    pytest.skip()\n",
  });
  assert.deepEqual([found.passed, found.testsPassed, found.testsFailed], [false, 1, 1]);
});

test("a solution that is missing, misplaced or leaves the workspace fails before anything is run", async () => {
  const fails = async (files: Readonly<Record<string, string>>): Promise<string> => (await grade(files)).why;
  assert.equal(await fails({}), "there is no solution");
  assert.equal(await fails({ "src/double.py": RIGHT }), "double.py is missing");
  assert.equal(await fails({ "double.py": RIGHT, "../x.py": "" }), '"../x.py": the path is not in its plain form');
  assert.match(await fails({ "double.py": RIGHT, "test_hidden.py/x.txt": "" }), /both a file and the folder/);
});

test("TypeScript is graded by its own runner", async () => {
  const content =
    'import assert from "node:assert/strict";\nimport { test } from "node:test";\nimport { double } from "./double.ts";\ntest("doubles", () => assert.equal(double(2), 4));\n';
  const task: EvalTask = {
    ...TASK,
    language: requireLanguage("typescript"),
    entry: ["double.ts"],
    hidden: [{ path: "hidden.test.ts", content }],
    tests: ["hidden.test.ts"],
  };
  const right = await grade({ "double.ts": "export const double = (n: number): number => n * 2;\n" }, task);
  assert.deepEqual([right.passed, right.testsPassed], [true, 1]);
  const wrong = await grade({ "double.ts": "export const double = (n: number): number => n;\n" }, task);
  assert.equal(wrong.passed, false);
});
