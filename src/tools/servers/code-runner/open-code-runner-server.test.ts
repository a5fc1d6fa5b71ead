import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openSandbox } from "../../../sandbox/open-sandbox.ts";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { commandOutcome } from "../shell/command-outcome.ts";
import { loadLanguages } from "../../load-languages.ts";
import { openCodeRunnerServer } from "./open-code-runner-server.ts";
import type { TestCommands } from "./run-tests-tool.ts";
import { testOutcome } from "./test-outcome.ts";

const languages = await loadLanguages([fileURLToPath(new URL("../../../../languages", import.meta.url))]);
const base = mkdtempSync(join(tmpdir(), "atos-runner-"));
let sandbox: Sandbox;
before(async () => {
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(base, { recursive: true, force: true }));

/** What lay in the workspace after the last call. */
let left: readonly string[] = [];

type Files = Readonly<Record<string, string>>;

async function call(name: string, input: object, deps: { files?: Files } & Partial<TestCommands> = {}) {
  const { files = {}, ...rest } = deps;
  const root = mkdtempSync(join(base, "w-"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  const tool = openCodeRunnerServer({ sandbox, root, ...rest }).tools.find((one) => one.name === name);
  assert.ok(tool);
  const result = await tool.run(tool.input.parse(input), {
    signal: AbortSignal.timeout(250_000),
    idempotencyKey: "key",
  });
  left = readdirSync(root).toSorted();
  return result;
}

async function runTests(files: Files, input: object = {}, deps: Partial<TestCommands> = {}) {
  const result = await call("run_tests", input, { files, ...deps });
  assert.ok(result.ok, JSON.stringify(result));
  const output = testOutcome.parse(result.output);
  const { passed, failed, errors, skipped } = output;
  return { ...output, counts: [passed, failed, errors, skipped], text: result.text ?? "" };
}

const PYTEST = `import pytest, unittest
from f import f
def test_good():
    print("said by test_good")
    assert f(1) == 1
def test_bad():
    assert f(2) == 3
@pytest.mark.skip
def test_later(): pass
@pytest.fixture
def broken(): raise RuntimeError("fixture")
def test_kept(broken): pass
`;
const UNITTEST = `import unittest
from f import f
class T(unittest.TestCase):
    def test_good(self):
        print("said by test_good")
        self.assertEqual(f(1), 1)
    def test_bad(self): self.assertEqual(f(2), 3)
    @unittest.skip("later")
    def test_later(self): pass
class U(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("fixture")
    def test_kept(self): pass
`;
const NODE = `import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { f } from "./f.ts";
test("good", () => { console.log("said by good"); assert.equal(f(1), 1); });
test("bad", () => assert.equal(f(2), 3));
test.skip("later", () => {});
describe("group", () => { before(() => { throw new Error("fixture"); }); test("kept", () => {}); });
`;
const F = { "f.py": "def f(x):\n    return x\n", "f.ts": "export const f = (x: number): number => x;\n" };

test("pytest: what passed, failed, could not be run or was skipped is counted, and what tests print is kept", async () => {
  const run = await runTests({ ...F, "test_f.py": PYTEST });
  assert.deepEqual([run.framework, run.counts], ["pytest", [1, 1, 1, 1]]);
  assert.deepEqual(
    run.tests.map(({ file, name, outcome }) => `${file} ${name} ${outcome}`),
    [
      "test_f.py test_kept error",
      "test_f.py test_bad failed",
      "test_f.py test_later skipped",
      "test_f.py test_good passed",
    ],
  );
  assert.match(run.output_tail, /said by test_good/);
  assert.doesNotMatch(run.output_tail, /atos-report/);
  assert.match(
    run.text,
    /^1 passed, 1 failed, 1 errors, 1 skipped \(pytest\)\nERROR test_f\.py test_kept: RuntimeError: fixture\nFAILED test_f\.py test_bad: assert 2 == 3/,
  );
});

test("unittest and node:test tell the same of the same", async () => {
  const unit = await runTests({ ...F, "test_f.py": UNITTEST }, { framework: "unittest" });
  assert.deepEqual([unit.framework, unit.counts], ["unittest", [1, 1, 1, 1]]);
  assert.match(unit.text, /^ERROR test_f\.py setUpClass U: RuntimeError: fixture$/m);
  assert.match(unit.output_tail, /said by test_good/);
  const node = await runTests({ ...F, "f.test.ts": NODE });
  assert.deepEqual([node.framework, node.counts], ["node:test", [1, 1, 2, 1]]);
  assert.match(node.output_tail, /said by good/);
  assert.match(node.text, /FAILED f\.test\.ts bad: AssertionError/);
});

test("the repository's own settings count, for it is its own work that is tried", async () => {
  const conftest = "import pytest\n@pytest.fixture\ndef two(): return 2\n";
  const run = await runTests({ "conftest.py": conftest, "t/test_a.py": "def test_a(two):\n    assert two == 2\n" });
  assert.deepEqual(run.counts, [1, 0, 0, 0]);
});

test("files are found by their names, in a folder or alone, also when they are many and deep", async () => {
  const files = {
    "a/test_a.py": "def test_a(): pass\n",
    "a/b/c_test.py": "def test_c(): pass\n",
    "d/check.py": "def test_d(): pass\n",
    "node_modules/m/m.test.js": "throw new Error('not ours');\n",
  };
  assert.deepEqual((await runTests(files)).counts, [2, 0, 0, 0]);
  assert.deepEqual((await runTests(files, { path: "/workspace/a/b/" })).counts, [1, 0, 0, 0]);
  assert.deepEqual((await runTests(files, { path: "d/check.py" })).counts, [1, 0, 0, 0]);
});

test("what can't be run is a result that says why", async () => {
  const cases: readonly (readonly [Files, readonly number[], RegExp])[] = [
    [{ "test_f.py": "def test_f(:\n" }, [0, 0, 1, 0], /SyntaxError/],
    [{ "test_f.py": "import nowhere\n" }, [0, 0, 1, 0], /No module named 'nowhere'/],
    [{ "test_f.py": "x = 1\n" }, [0, 0, 1, 0], /no test was found/],
    [
      { "test_f.py": "import os\nprint('last words', flush=True)\nos._exit(3)\n" },
      [0, 0, 1, 0],
      /exit 3.*without a report.*last words/s,
    ],
    [{ "f.test.ts": "import './nowhere.ts';\n" }, [0, 0, 1, 0], /Cannot find module/],
    [{ "f.test.ts": "const a: = 1;\n" }, [0, 0, 1, 0], /Expression expected|SyntaxError/],
    [{ "f.test.ts": "process.exit(4);\n" }, [0, 0, 1, 0], /exit 4.*without a report/],
  ];
  for (const [files, counts, text] of cases) {
    const run = await runTests(files);
    assert.deepEqual(run.counts, counts, JSON.stringify(run));
    assert.match(run.text, text);
  }
});

const AFTER = `import { test } from "node:test";
test("x", () => { LATE });
test("y", () => {});
`;

test("what goes wrong after the tests of Node is an error, and what they leave open is told and ends with them", async () => {
  const late = await runTests({
    "a.test.mjs": AFTER.replace("LATE", "setTimeout(() => { throw new Error('late'); }, 10)"),
  });
  assert.deepEqual(late.counts, [2, 0, 1, 0]);
  assert.match(late.text, /^2 passed, 0 failed, 1 errors, .*\nERROR after the tests: Error: late/);
  const slower = AFTER.replace("LATE", "Promise.reject(new Error('late'))").replace(
    "() => {}",
    "(t, done) => setImmediate(done)",
  );
  assert.deepEqual((await runTests({ "a.test.mjs": slower })).counts, [2, 0, 1, 0]);
  const open = await runTests({ "a.test.mjs": AFTER.replace("LATE", "setInterval(() => {}, 1000)") });
  assert.deepEqual([open.counts, open.left_open, open.limit_hit], [[2, 0, 0, 0], ["Timeout"], undefined]);
  assert.match(open.text, /^2 passed.*\nLeft open when the tests had ended: Timeout; end it in after\(\)/);
});

test("a run that ends badly although every test passed is no green one, and keeps what was reported", async () => {
  const exit = "import atexit, os\natexit.register(lambda: os._exit(7))\ndef test_a(): pass\n";
  const ended = await runTests({ "test_a.py": exit });
  assert.deepEqual(ended.counts, [1, 0, 1, 0]);
  assert.match(ended.text, /ERROR test run: the tests passed, but the run ended with exit 7/);
  const thread =
    "import threading, time\ndef test_a(): pass\nthreading.Thread(target=lambda: time.sleep(60)).start()\n";
  const kept = await runTests({ "test_a.py": thread }, {}, { limits: { wallMs: 3000 } });
  assert.deepEqual([kept.limit_hit, kept.counts], ["wall", [1, 0, 1, 0]]);
  assert.match(kept.text, /ERROR test run: the tests passed, but the run did not end: stopped after \d s/);
});

const ADDER = {
  "go.mod": "module adder\n\ngo 1.19\n",
  "add.go": "package adder\n\nfunc Add(a, b int) int { return a + b }\n",
  "add_test.go":
    'package adder\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n\tif Add(2, 2) != 4 {\n\t\tt.Error("no")\n\t}\n}\n\nfunc TestOdd(t *testing.T) {\n\tprintln("said by TestOdd")\n\tt.Errorf("got %d", Add(1, 2))\n}\n\nfunc TestLater(t *testing.T) { t.Skip("later") }\n',
};

test("a language that is described by its own commands is run by them, and leaves nothing behind", async () => {
  const compiledFolder = join(base, "compiled");
  const run = await runTests(ADDER, {}, { languages, compiledFolder });
  assert.deepEqual([run.framework, run.counts], ["go test", [1, 1, 0, 1]]);
  assert.deepEqual(
    run.tests.map(({ file, name, outcome }) => `${file} ${name} ${outcome}`),
    ["add_test.go TestOdd failed", "add_test.go TestLater skipped", "add_test.go TestAdd passed"],
  );
  assert.match(
    run.text,
    /^1 passed, 1 failed, 0 errors, 1 skipped \(go test\)\nFAILED add_test\.go TestOdd: said by TestOdd\nadd_test\.go:13: got 3/,
  );
  assert.match(run.output_tail, /said by TestOdd/);
  assert.doesNotMatch(run.output_tail, /"Action"/);
  assert.deepEqual(left, Object.keys(ADDER).toSorted());
  assert.ok(readdirSync(compiledFolder).includes("build"));
  const broken = { ...ADDER, "add.go": "package adder\n\nfunc Add(a, b int int {\n" };
  const unbuilt = await runTests(broken, { path: "add_test.go" }, { languages, compiledFolder });
  assert.deepEqual(unbuilt.counts, [0, 0, 1, 0]);
  assert.match(unbuilt.text, /ERROR add_test\.go: .*\(add\.go, line 3\)/);
});

test("what is asked of such a language and can't be is refused with what to do", async () => {
  const missing = languages.map((one) =>
    typeof one.runner === "string" || one.runner.tests.command[0] !== "go"
      ? one
      : { ...one, runner: { ...one.runner, tests: { ...one.runner.tests, command: ["no-such-go"] as [string] } } },
  );
  const cases: readonly (readonly [Files, object, RegExp])[] = [
    [{ ...ADDER, "test_a.py": "" }, {}, /tests of Python and of Go here; give the path of a file or folder of one/],
    [ADDER, { path: "add_test.go", framework: "pytest" }, /leave framework away/],
    [{ "a.txt": "" }, { path: "a.txt" }, /no file of Python, JavaScript, TypeScript or Go; give a test file/],
    [{}, {}, /test_NAME\.py or NAME\.test\.ts or NAME_test\.go/],
  ];
  for (const [files, input, why] of cases) {
    const result = await call("run_tests", input, { files, languages });
    assert.ok(!result.ok, JSON.stringify(result));
    assert.match(result.why, why);
  }
  const result = await call("run_tests", {}, { files: ADDER, languages: missing });
  assert.ok(!result.ok);
  assert.match(result.why, /needs the program no-such-go.*install it: apt-get install golang-go/);
});

test("a folder called test is looked into when no file is named as a test, as Node does", async () => {
  const files = { "test/foo.js": "require('node:test')('foo', () => {});\n", "test/help.js": "exports.help = 1;\n" };
  assert.deepEqual((await runTests(files)).counts, [1, 0, 0, 0]);
  assert.deepEqual((await runTests({ ...files, "test/a.test.js": files["test/foo.js"] })).counts, [1, 0, 0, 0]);
  for (const path of ["test/help.js", "a/b.test.js"])
    assert.match((await runTests({ [path]: "" })).text, /^0 passed, 0 failed, 1 errors.*no test was found/s);
});

test("tests that never end are stopped, and their output is told", async () => {
  const endless = "import time\ndef test_a():\n    print('waiting', flush=True)\n    time.sleep(60)\n";
  const run = await runTests({ "test_a.py": endless }, {}, { limits: { wallMs: 1500 } });
  assert.deepEqual([run.limit_hit, run.counts], ["wall", [0, 0, 1, 0]]);
  assert.match(run.text, /ERROR test run: timeout: no result after \d s\nOutput:\n.*waiting/s);
});

test("a call that names nothing to run is refused with what to do", async () => {
  const both = { "test_a.py": "", "a.test.js": "" };
  const cases: readonly (readonly [Files, object, RegExp])[] = [
    [{}, {}, /No test file was found; write one named test_NAME\.py or NAME\.test\.ts/],
    [both, {}, /set framework to pytest or to node/],
    [both, { path: "test_a.py", framework: "node" }, /leave framework away/],
    [{ "a.txt": "" }, { path: "a.txt" }, /give a test file or a folder/],
    [{}, { path: "nowhere" }, /nowhere does not exist/],
    [{}, { path: "../x" }, /can't be used/],
    [{}, { path: "test_a.py::test_x" }, /can't be chosen; give the file alone: "test_a\.py"\./],
    [{}, { path: "--collect-only" }, /begins with -/],
    [{ "--import=x.test.js": "" }, {}, /No test file was found/],
  ];
  for (const [files, input, why] of cases) {
    const result = await call("run_tests", input, { files });
    assert.ok(!result.ok, JSON.stringify(result));
    assert.match(result.why, why);
  }
});

test("pieces of Python, JavaScript and TypeScript run in the workspace", async () => {
  const cases = [
    ["run_python", "import f\nprint(f.f(4))", "4\n"],
    ["run_node", "const { f } = require('./f.ts'); console.log(f(5))", "5\n"],
    ["run_node", "import { f } from './f.ts';\nconst x: number = f(6);\nconsole.log(x)", "6\n"],
    ["run_node", "--help", ""],
  ] as const;
  for (const [name, code, stdout] of cases) {
    const result = await call(name, { code }, { files: F });
    assert.ok(result.ok);
    assert.equal(commandOutcome.parse(result.output).stdout, stdout, JSON.stringify(result));
  }
});

test("a machine without Python says so to the model", async () => {
  const bare = { ...sandbox, pythonPath: undefined };
  for (const [name, input] of [
    ["run_python", { code: "1" }],
    ["run_tests", {}],
  ] as const) {
    const result = await call(name, input, { sandbox: bare, files: { "test_a.py": "" } });
    assert.ok(!result.ok);
    assert.match(result.why, /Python 3 is not on this machine/);
  }
});

test("code sees the workspace and no more", async () => {
  writeFileSync(join(base, "secret"), "SECRET");
  const code = (line: string) => `import urllib.request\n${line}`;
  for (const line of [
    `print(open(${JSON.stringify(join(base, "secret"))}).read())`,
    "urllib.request.urlopen('http://1.1.1.1', timeout=2)",
  ]) {
    const result = await call("run_python", { code: code(line) });
    assert.ok(result.ok);
    const { exit_code, stdout } = commandOutcome.parse(result.output);
    assert.deepEqual([exit_code, stdout], [1, ""]);
  }
});
