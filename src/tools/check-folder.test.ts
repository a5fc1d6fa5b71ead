import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { type CodeCheck, checkFolder } from "./check-folder.ts";
import { explainFailure } from "./explain-failure.ts";
import { requireLanguage } from "./find-language.ts";
import type { LanguageId } from "./language.ts";

const root = mkdtempSync(join(tmpdir(), "atos-check-"));
let sandbox: Sandbox;
before(async () => {
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(root, { recursive: true, force: true }));

async function check(
  language: LanguageId,
  files: Readonly<Record<string, string>>,
  inside: Sandbox = sandbox,
): Promise<CodeCheck> {
  const folder = mkdtempSync(join(root, "f-"));
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  return checkFolder(
    inside,
    { root: folder, paths: Object.keys(files), language: requireLanguage(language) },
    AbortSignal.timeout(60_000),
  );
}

function outcomes(result: CodeCheck): unknown {
  if (result.kind === "syntax") return result;
  return { green: result.run.green, tests: result.run.tests.map(({ name, outcome }) => `${name} ${outcome}`) };
}

const PYTHON_TEST =
  "import unittest\nfrom f import f\n\nclass T(unittest.TestCase):\n    def test_1(self):\n        self.assertEqual(f(2, 3), 5)\n    def test_2(self):\n        self.assertEqual(f(0, 0), 0)\n";
const TYPESCRIPT_TEST =
  'import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { f } from "./f.ts";\ntest("adds", () => assert.equal(f(2, 3), 5));\ntest("zero", () => assert.equal(f(0, 0), 0));\n';

test("Python tests that pass are green, one by one", async () => {
  const result = await check("python", { "f.py": "def f(a, b):\n    return a + b\n", "test_f.py": PYTHON_TEST });
  assert.deepEqual(outcomes(result), { green: true, tests: ["test_1 passed", "test_2 passed"] });
});

test("a failing Python test is explained in one line", async () => {
  const result = await check("python", { "f.py": "def f(a, b):\n    return a - b\n", "test_f.py": PYTHON_TEST });
  assert.ok(result.kind === "tests" && !result.run.green);
  assert.equal(explainFailure(result.run), "test_1: AssertionError: -1 != 5");
});

test("TypeScript tests run by type stripping, and a failing one is explained in one line", async () => {
  const good = await check("typescript", {
    "f.ts": "export function f(a: number, b: number): number {\n  return a + b;\n}\n",
    "f.test.ts": TYPESCRIPT_TEST,
  });
  assert.deepEqual(outcomes(good), { green: true, tests: ["adds passed", "zero passed"] });
  const bad = await check("typescript", {
    "f.ts": "export const f = (a: number, b: number): number => a - b;\n",
    "f.test.ts": TYPESCRIPT_TEST,
  });
  assert.ok(bad.kind === "tests" && !bad.run.green);
  assert.equal(explainFailure(bad.run), "adds: Expected values to be strictly equal: -1 !== 5");
});

test("an error that comes after the tests have passed is not green, and is explained", async () => {
  const late = `${TYPESCRIPT_TEST}test("late", () => { setTimeout(() => { throw new Error("too late"); }, 10); });\n`;
  const result = await check("typescript", {
    "f.ts": "export const f = (a: number, b: number): number => a + b;\n",
    "f.test.ts": late,
  });
  assert.ok(result.kind === "tests" && !result.run.green);
  assert.match(explainFailure(result.run), /^after the tests: .*"late".*Error: too late/);
});

test("files that can't be parsed are found before any test is run", async () => {
  const python = await check("python", { "f.py": "def f(a, b:\n    return\n", "test_f.py": PYTHON_TEST });
  assert.ok(python.kind === "syntax");
  assert.match(python.problems[0]?.message ?? "", /SyntaxError.*f\.py, line/);
  const typescript = await check("typescript", { "f.ts": "export const f = ;\n", "f.test.ts": TYPESCRIPT_TEST });
  assert.ok(typescript.kind === "syntax");
  assert.equal(typescript.problems[0]?.file, "f.ts");
});

test("a missing module, no tests at all, a skipped test and an unexpected end are not green", async () => {
  const cases: readonly (readonly [LanguageId, Readonly<Record<string, string>>, RegExp])[] = [
    ["python", { "test_f.py": PYTHON_TEST }, /No module named 'f'/],
    ["typescript", { "f.test.ts": TYPESCRIPT_TEST }, /Cannot find module/],
    ["python", { "f.py": "f = 1\n" }, /no test was found/],
    ["python", { "test_f.py": "x = 1\n" }, /no test was found/],
    ["typescript", { "f.test.ts": "export const x = 1;\n" }, /no test was found/],
    [
      "python",
      {
        "test_f.py":
          "import unittest\nclass T(unittest.TestCase):\n    @unittest.skip('no')\n    def test_1(self): pass\n",
      },
      /test_1: skipped/,
    ],
    ["typescript", { "f.test.ts": 'import { test } from "node:test";\ntest.skip("one", () => {});\n' }, /one: skipped/],
    ["python", { "test_f.py": "import os\nos._exit(0)\n" }, /without a report/],
    ["typescript", { "f.test.ts": "process.exit(0);\n" }, /without a report/],
    ["python", { "test_f.py": "import sys\nsys.exit(0)\n" }, /SystemExit|without a report/],
    ["typescript", { "f.test.ts": 'throw new Error("early");\n' }, /early/],
  ];
  for (const [language, files, expected] of cases) {
    const result = await check(language, files);
    assert.ok(result.kind === "tests" && !result.run.green, JSON.stringify(files));
    assert.match(explainFailure(result.run), expected);
  }
});

test("nothing in the repository configures its own verification, and every test file must have passed", async () => {
  const wrong = { "f.py": "def f(a, b):\n    return a - b\n", "test_f.py": PYTHON_TEST };
  const conftest = "def pytest_collection_modifyitems(items):\n    items[:] = items[1:]\n";
  const cases: readonly Readonly<Record<string, string>>[] = [
    { ...wrong, "conftest.py": conftest },
    { ...wrong, "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-k test_2"\n' },
    { ...wrong, "pytest.ini": "[pytest]\naddopts = -k test_2\n" },
    { ...wrong, "pytest.py": "def main(*args, **kwargs):\n    return 0\n" },
    { ...wrong, "f.py": "def f(a, b):\n    if a == 2:\n        return 5\n    raise KeyboardInterrupt\n" },
    {
      ...wrong,
      "f.py":
        "import pytest\ndef f(a, b):\n    if a == 2:\n        return 5\n    pytest.exit('enough', returncode=0)\n",
    },
    { "test_a.py": "def test_a():\n    assert True\n", "test_b.py": "x = 1\n" },
    {
      "test_f.py":
        "import unittest\nclass T(unittest.TestCase):\n    @unittest.expectedFailure\n    def test_1(self): assert False\n",
    },
  ];
  for (const files of cases) {
    const result = await check("python", files);
    assert.ok(result.kind === "tests" && !result.run.green, JSON.stringify(files));
  }
  const skipped =
    'import { describe, test } from "node:test";\ndescribe.skip("s", () => { test("t", () => {}); });\ntest("u", () => {});\n';
  const result = await check("typescript", { "f.test.ts": skipped });
  assert.ok(result.kind === "tests" && !result.run.green);
});

test("what code prints is not taken for the report", async () => {
  const result = await check("python", {
    "f.py":
      'print(\'atos-report-0 {"runner": "x", "tests": [{"name": "t", "outcome": "passed", "message": ""}], "durationMs": 1}\')\ndef f(a, b):\n    return 7\n',
    "test_f.py": PYTHON_TEST,
  });
  assert.deepEqual(outcomes(result), { green: false, tests: ["test_1 failed", "test_2 failed"] });
});

test("without a sandbox the same tests run the same way", async () => {
  const unsafe = await openSandbox({ unsafe: true });
  for (const [language, code] of [
    ["python", { "f.py": "def f(a, b):\n    return a + b\n", "test_f.py": PYTHON_TEST }],
    ["typescript", { "f.ts": "export const f = (a: number, b: number) => a + b;\n", "f.test.ts": TYPESCRIPT_TEST }],
  ] as const) {
    const result = await check(language, code, unsafe);
    assert.ok(result.kind === "tests" && result.run.green, language);
  }
});

test("pytest and unittest tell the same of the same tests", () => {
  const folder = mkdtempSync(join(root, "runner-"));
  writeFileSync(join(folder, "f.py"), "def f(a, b):\n    return a - b\n");
  writeFileSync(join(folder, "test_f.py"), PYTHON_TEST);
  writeFileSync(join(folder, "test_g.py"), "import nowhere\n");
  const runner = fileURLToPath(new URL("runners/python-runner.py", import.meta.url));
  // -S leaves the site's packages out, and pytest with them.
  const [pytest, unittest] = [[], ["-S"]].map((flags) => {
    const args = [...flags, runner, "MARK ", "tests", "test_f.py", "test_g.py"];
    const { stdout } = spawnSync("/usr/bin/python3", args, { cwd: folder, encoding: "utf8" });
    const report: { runner: string; tests: { name: string; outcome: string; message: string }[] } = JSON.parse(
      stdout.slice(stdout.indexOf("MARK ") + 5),
    );
    return { ...report, tests: report.tests.toSorted((a, b) => a.name.localeCompare(b.name)) };
  });
  assert.deepEqual(
    [pytest?.runner, unittest?.runner],
    ["pytest", "unittest"],
    "pytest must be installed for this test: apt-get install python3-pytest",
  );
  assert.deepEqual(pytest?.tests, unittest?.tests);
  assert.deepEqual(
    pytest?.tests.map(({ name, outcome }) => `${name} ${outcome}`),
    ["test_1 failed", "test_2 passed", "test_g.py failed"],
  );
});
