import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { type CodeCheck, checkFolder } from "./check-folder.ts";
import { explainFailure, explainFailureAt } from "./explain-failure.ts";
import { requireLanguage } from "./find-language.ts";
import { findLint } from "./find-lint.ts";
import { isTestFile, type Language, languageSchema, scaffold } from "./language.ts";
import { loadLanguages } from "./load-languages.ts";
import { runLint } from "./run-lint.ts";
import { languageVersion, runTests } from "./run-tests.ts";

/* Languages in the real sandbox: what a check tells of their code. Go is at most compiled in one folder, for its cache. */
const languages = await loadLanguages([fileURLToPath(new URL("../../languages", import.meta.url))]);
const base = mkdtempSync(join(tmpdir(), "atos-languages-"));
let sandbox: Sandbox;
before(async () => {
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(base, { recursive: true, force: true }));

type Files = Readonly<Record<string, string>>;

function folder(files: Files, into = mkdtempSync(join(base, "f-"))): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(into, dirname(path)), { recursive: true });
    writeFileSync(join(into, path), content);
  }
  return into;
}

function check(language: Language, files: Files, root = folder(files)): Promise<CodeCheck> {
  folder(files, root);
  const paths = Object.keys(files);
  return checkFolder(sandbox, { root, paths, language, coverage: true }, AbortSignal.timeout(300_000));
}

function told(result: CodeCheck): unknown {
  if (result.kind === "syntax") return result.problems;
  return result.run.tests.map(({ file, name, outcome, at }) =>
    [file, name, outcome, ...(at === undefined ? [] : [`${at.file}:${at.line}`])].join(" "),
  );
}

test("JavaScript is parsed, tested and covered", async () => {
  const javascript = requireLanguage("javascript");
  const starts = Object.fromEntries(scaffold(javascript, "adder", "Adds.").map(({ path, content }) => [path, content]));
  const files = {
    ...starts,
    "add.js": "export function add(a, b) {\n  if (a > 100) {\n    return 0;\n  }\n  return a + b;\n}\n",
    "other.mjs": "export const x = 1;\n",
    "add.test.js":
      'import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { add } from "./add.js";\ntest("adds", () => assert.equal(add(2, 3), 5));\n',
  };
  const green = await check(javascript, files);
  assert.ok(green.kind === "tests" && green.run.green, JSON.stringify(green));
  assert.deepEqual(green.coverage, [
    { path: "add.js", lines: 6, covered: 4 },
    { path: "other.mjs", lines: 1, covered: 0 },
  ]);
  const broken = await check(javascript, { ...files, "add.js": "export function add(a, b) {\n  return a +;\n}\n" });
  assert.deepEqual(told(broken), [{ file: "add.js", message: "SyntaxError: Unexpected token ';' (add.js, line 2)" }]);
  const common = { "a.js": "const { b } = require('./b.js');\nif (b) return;\n" };
  assert.equal((await check(javascript, common)).kind, "tests");
});

test("a failure points at the deepest line of the project, in each language of its own runner", async () => {
  const python = await check(requireLanguage("python"), {
    "f.py": "def g(a):\n    return a.x\n\ndef f(a):\n    return g(a)\n",
    "sub/test_f.py": "import nowhere\n",
    "test_f.py":
      "import unittest\nfrom f import f\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        f(1)\n    def test_b(self):\n        self.assertEqual(1, 2)\n",
  });
  assert.deepEqual(told(python), [
    "sub/test_f.py sub/test_f.py failed sub/test_f.py:1",
    "test_f.py test_a failed f.py:2",
    "test_f.py test_b failed test_f.py:8",
  ]);
  const typescript = await check(requireLanguage("typescript"), {
    "f.ts": "type A = { x: { y: number } };\n\nexport function f(a: A): number {\n  return a.x.y;\n}\n",
    "f.test.ts":
      'import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { f } from "./f.ts";\ntest("a", () => {\n  f(JSON.parse("{}"));\n});\ntest("b", () => {\n  assert.equal(1, 2);\n});\n',
  });
  assert.deepEqual(told(typescript), ["f.test.ts a failed f.ts:4", "f.test.ts b failed f.test.ts:8"]);
});

test("coverage tells the lines of Python and TypeScript that tests reach, and is no part of a red run", async () => {
  const python = {
    "f.py": '"""Doc."""\n\n\ndef f(a):\n    if a > 5:\n        return 1\n    return 2\n',
    "unused.py": "import f\nx = 1\n",
    "test_f.py": "from f import f\n\ndef test_f():\n    assert f(1) == 2\n",
  };
  const covered = await check(requireLanguage("python"), python);
  assert.ok(covered.kind === "tests", JSON.stringify(covered));
  assert.deepEqual(covered.coverage, [
    { path: "f.py", lines: 5, covered: 4 },
    { path: "unused.py", lines: 2, covered: 0 },
  ]);
  const red = await check(requireLanguage("python"), { ...python, "f.py": "def f(a): return a\n" });
  assert.ok(red.kind === "tests" && !red.run.green);
  assert.equal(red.coverage, undefined);
  const typescript = await check(requireLanguage("typescript"), {
    "f.ts":
      "interface A {\n  x: number;\n}\n\nexport function f(a: A): number {\n  if (a.x > 5) {\n    return 1;\n  }\n  return 2;\n}\n",
    "f.test.ts":
      'import { test } from "node:test";\nimport assert from "node:assert/strict";\nimport { f } from "./f.ts";\ntest("a", () => assert.equal(f({ x: 1 }), 2));\n',
  });
  assert.ok(typescript.kind === "tests", JSON.stringify(typescript));
  assert.deepEqual(typescript.coverage, [{ path: "f.ts", lines: 9, covered: 7 }]);
});

const SHELL: Language = languageSchema.parse({
  id: "shell",
  name: "Shell",
  fence: "sh",
  endings: [".sh"],
  testFile: { pattern: "\\.test\\.sh$", example: "NAME.test.sh" },
  scaffold: [],
  advice: { tester: "t", developer: "d" },
  runner: {
    install: "it is always there",
    version: ["sh", "-c", "echo shell 1"],
    problem: "^(?:sh: \\d+: )?(?<file>[^:\\s]+): (?:line )?(?<line>\\d+): (?<message>.+)$",
    syntax: ["sh", "-c", 'for f; do sh -n "$f" || exit 2; done', "sh", "{files}"],
    tests: {
      command: ["sh", "-c", 'for f; do . "./$f"; done; exit ${code:-0}', "sh", "{files}"],
      report: {
        kind: "lines",
        test: "^(?<outcome>ok|not ok) (?<name>\\S+)",
        outcomes: { ok: "passed", "not ok": "failed" },
        detail: "^not ok {{name}} (?<message>.+)$",
      },
    },
  },
});

test("a language that only a file describes is checked like the others", async () => {
  const green = await check(SHELL, {
    "a.test.sh": ". ./f.sh\n[ $(f) = 1 ] && echo ok one\n",
    "f.sh": "f() { echo 1; }\n",
  });
  assert.ok(green.kind === "tests" && green.run.green, JSON.stringify(green));
  assert.deepEqual([told(green), green.run.runner, green.coverage], [["a.test.sh one passed"], "sh -c", undefined]);
  const red = await check(SHELL, { "a.test.sh": "echo not ok one: a.test.sh:1 is wrong; code=1\n" });
  assert.deepEqual(told(red), ["a.test.sh one: failed a.test.sh:1"]);
  const broken = await check(SHELL, { "a.test.sh": "echo one\nif then\n" });
  assert.match(
    JSON.stringify(told(broken)),
    /^\[\{"file":"a\.test\.sh","message":"Syntax error: .*\(a\.test\.sh, line 2\)"\}\]$/,
  );
  const dead = await check(SHELL, { "a.test.sh": "kill -9 $$\n" });
  assert.ok(dead.kind === "tests" && !dead.run.green, JSON.stringify(dead));
  const empty = await check(SHELL, { "a.test.sh": "true\n" });
  assert.match(empty.kind === "tests" ? explainFailure(empty.run) : "", /no test was found/);
  const beside = folder({ "a.test.sh": "ls; echo ok one\n", "b.test.sh": "" });
  await runTests(sandbox, { root: beside, language: SHELL, files: ["a.test.sh"] }, AbortSignal.timeout(60_000));
  assert.ok(existsSync(join(beside, "b.test.sh")), "a test that was set aside is put back");
});

test("fifteen hundred test files are run at once, whatever their names", async () => {
  const files = Array.from({ length: 1500 }, (_, index) => `a-folder-with-a-long-name/été-😀/part-${index}.test.sh`);
  const root = folder(Object.fromEntries(files.map((file, index) => [file, `echo ok t${index}\n`])));
  const many = await runTests(sandbox, { root, language: SHELL, files }, AbortSignal.timeout(60_000));
  assert.ok(many.green, JSON.stringify(many.tests.filter(({ outcome }) => outcome !== "passed").slice(0, 3)));
  assert.deepEqual(
    many.tests.map(({ file }) => file),
    files,
  );
});

test("a run that writes more than is kept is one failed test that says so", async () => {
  const files = { "a.test.sh": "echo ok one; yes | head -c 9000000\n", "b.test.sh": "echo ok two\n" };
  const loud = await check(SHELL, files);
  assert.deepEqual(told(loud), [" test run failed"]);
  assert.match(loud.kind === "tests" ? explainFailure(loud.run) : "", /its report was cut/);
  const long = await check(SHELL, { ...files, "a.test.sh": "echo ok one; yes | head -c 3000000\n" });
  assert.deepEqual(told(long), ["a.test.sh one passed", "b.test.sh two passed"]);
});

test("a machine that lacks a toolchain says which, and how to get it", async () => {
  assert.ok(typeof SHELL.runner === "object");
  const version = ["no-such-program", "--version"] as [string, ...string[]];
  const runner = { ...SHELL.runner, version, syntax: version, install: "apt-get install it" };
  const language = { ...SHELL, runner };
  const missing = { code: "tools/toolchain-missing", exitCode: 3, message: /no-such-program.*apt-get install it/ };
  await assert.rejects(check(language, { "f.sh": "" }), missing);
  const job = { root: folder({}), language };
  await assert.rejects(languageVersion(sandbox, job, AbortSignal.timeout(60_000)), missing);
  const ask = (id: Language) => languageVersion(sandbox, { root: job.root, language: id }, AbortSignal.timeout(60_000));
  assert.match(await ask(requireLanguage("python")), /^Python 3\./);
  assert.match(await ask(requireLanguage("typescript")), /^Node v\d+/);
  assert.equal(await ask(SHELL), "shell 1");
});

test("a lint passes, fails, or says why it was not run", async () => {
  const lint = async (files: Files) => {
    const found = findLint(Object.keys(files), (path) => files[path] ?? "");
    const [first] = found;
    assert.ok(first !== undefined && found.length === 1);
    return runLint(sandbox, { root: folder(files), lint: first }, AbortSignal.timeout(60_000));
  };
  const script = (text: string) => ({ "package.json": JSON.stringify({ scripts: { lint: text } }) });
  assert.deepEqual(await lint(script("true")), { kind: "passed", what: "npm run lint" });
  const failed = { kind: "failed", what: "npm run lint", excerpt: "a.js:1 is wrong" };
  assert.deepEqual(await lint(script("echo a.js:1 is wrong; exit 1")), failed);
  const why = (program: string) => `${program} is neither in the project nor on this machine`;
  assert.deepEqual(await lint(script("no-such-linter src")), {
    kind: "not-run",
    what: "npm run lint",
    why: why("no-such-linter"),
  });
  assert.deepEqual(await lint(script("kill -9 $$")), {
    kind: "not-run",
    what: "npm run lint",
    why: "kill could not be started, or was ended by a signal",
  });
  assert.deepEqual(await lint({ "biome.json": "{}" }), { kind: "not-run", what: "biome", why: why("biome") });
});

test("a linter of the virtual environment beside the code is found, and runs with its packages", async () => {
  const environment = join(mkdtempSync(join(tmpdir(), "atos-environment-")), ".venv");
  after(() => rmSync(join(environment, ".."), { recursive: true, force: true }));
  const { pythonPath = "" } = sandbox;
  const made = await sandbox.run(
    { command: [pythonPath, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"], root: folder({}) },
    AbortSignal.timeout(60_000),
  );
  const packages = join(environment, "lib", made.stdout.trim(), "site-packages");
  for (const path of [join(environment, "bin"), packages]) mkdirSync(path, { recursive: true });
  writeFileSync(join(environment, "pyvenv.cfg"), "home = /usr/bin\n");
  writeFileSync(join(environment, "pip.conf"), "[global]\nindex-url = https://me:hush@host/simple\n");
  const check = `import os\n\ndef check():\n    print('pip.conf', os.path.exists('${environment}/pip.conf'))\n    return 1\n`;
  writeFileSync(join(packages, "checker.py"), check);
  symlinkSync(pythonPath, join(environment, "bin/python3"));
  const program = `#!${environment}/bin/python3\nimport sys\nfrom checker import check\nsys.exit(check())\n`;
  writeFileSync(join(environment, "bin/flake8"), program, { mode: 0o755 });
  const [lint] = findLint([".flake8"], () => "");
  assert.ok(lint !== undefined);
  const root = folder({ ".flake8": "", "app.py": "" });
  const ask = (more: object) => runLint(sandbox, { root, lint, ...more }, AbortSignal.timeout(60_000));
  assert.deepEqual(await ask({ environment }), { kind: "failed", what: "flake8", excerpt: "pip.conf False" });
  assert.equal((await ask({})).kind, "not-run");
  writeFileSync(join(environment, "bin/flake8"), "#!/opt/elsewhere/python3\n", { mode: 0o755 });
  assert.deepEqual(await ask({ environment }), {
    kind: "not-run",
    what: "flake8",
    why: `what ${environment}/bin/flake8 runs by is not within its environment, and so not seen`,
  });
});

test("Go is parsed, tested, covered and vetted by its own toolchain", async () => {
  const go = requireLanguage("go", languages);
  const root = folder({});
  const starts = Object.fromEntries(scaffold(go, "adder", "Adds.").map(({ path, content }) => [path, content]));
  const testCode =
    'package adder\n\nimport "testing"\n\nfunc TestAdd(t *testing.T) {\n\tif got := Add(2, 3); got != 5 {\n\t\tt.Errorf("Add(2, 3) = %d, want 5", got)\n\t}\n}\n';
  const files = {
    ...starts,
    "add.go": "package adder\n\nfunc Add(a, b int) int {\n\tif a > 100 {\n\t\treturn 0\n\t}\n\treturn a + b\n}\n",
    "add_test.go": testCode,
    "sub/sub.go": 'package sub\n\nfunc Get(m map[string]int) {\n\tm["a"] = 1\n}\n',
    "sub/sub_test.go": 'package sub\n\nimport "testing"\n\nfunc TestGet(t *testing.T) {\n\tGet(map[string]int{})\n}\n',
  };
  assert.ok(isTestFile(go, "sub/sub_test.go"));
  const green = await check(go, files, root);
  assert.ok(green.kind === "tests" && green.run.green, JSON.stringify(green));
  assert.deepEqual(told(green), ["add_test.go TestAdd passed", "sub/sub_test.go TestGet passed"]);
  assert.deepEqual(green.coverage, [
    { path: "add.go", lines: 5, covered: 3 },
    { path: "sub/sub.go", lines: 3, covered: 3 },
  ]);
  const [lint] = findLint(Object.keys(files), () => "", go);
  assert.ok(lint !== undefined);
  const vet = () => runLint(sandbox, { root, lint, language: go }, AbortSignal.timeout(300_000));
  assert.deepEqual(await vet(), { kind: "passed", what: "go vet" });

  const wrong = { ...files, "add.go": files["add.go"].replace("a + b", "a - b") };
  const nil = { ...wrong, "sub/sub_test.go": files["sub/sub_test.go"].replace("map[string]int{}", "nil") };
  const red = await check(go, nil, root);
  assert.deepEqual(told(red), [
    "add_test.go TestAdd failed add_test.go:7",
    "sub/sub_test.go TestGet failed sub/sub.go:4",
  ]);
  assert.equal(
    red.kind === "tests"
      ? explainFailureAt({ tests: red.run.tests.slice(0, 1) }, [{ path: "add_test.go", content: testCode }])
      : "",
    'TestAdd: add_test.go:7: Add(2, 3) = -1, want 5\nat add_test.go:7\n  6 \tif got := Add(2, 3); got != 5 {\n> 7 \t\tt.Errorf("Add(2, 3) = %d, want 5", got)\n  8 \t}',
  );

  const unbuilt = await check(go, { ...files, "add.go": "package adder\n", "sub/sub_test.go": "package sub\n" }, root);
  assert.deepEqual(told(unbuilt), [
    "add_test.go add_test.go failed add_test.go:6",
    "sub/sub_test.go sub/sub_test.go failed add_test.go:6",
  ]);
  const broken = await check(go, { ...files, "add.go": "package adder\n\nfunc Add(a, b int int {\n}\n" }, root);
  assert.match(JSON.stringify(told(broken)), /"file":"add\.go","message":".*\(add\.go, line 3\)"/);

  folder({ ...files, "later_test.go": "package adder\n\nvar _ = Later()\n" }, root);
  const some = { root, language: go, files: ["add_test.go"], sources: Object.keys(files) };
  const alone = await runTests(sandbox, some, AbortSignal.timeout(300_000));
  assert.ok(alone.green, JSON.stringify(alone));
});
