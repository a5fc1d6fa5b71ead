import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadLanguages } from "../load-languages.ts";
import { readCommandTests, readProblems } from "./command-report.ts";
import { frameIn } from "./frame-in.ts";
import { readGoTests, toldOf } from "./go-tests.ts";
import { readLineTests } from "./line-tests.ts";
import { readCoverage } from "./read-coverage.ts";
import type { CommandRun } from "./run-command.ts";
import type { Toolchain } from "./toolchain.ts";

const languages = await loadLanguages([fileURLToPath(new URL("../../../languages", import.meta.url))]);

function goToolchain(): Toolchain {
  const runner = languages.find(({ id }) => id === "go")?.runner;
  assert.ok(typeof runner === "object");
  return runner;
}

const run: CommandRun = {
  missing: false,
  exitCode: 1,
  stdout: "",
  stderr: "",
  cut: false,
  folder: "/workspace",
  sources: {},
  coverage: "",
};

function events(...list: readonly (readonly [string, string, string?])[]): string {
  return list
    .map(([Action, Test, Output]) => JSON.stringify({ Time: "t", Action, Package: "m/sub", Test, Output }))
    .join("\n");
}

test("Go's events become tests, with subtests in the place of those that only hold them", () => {
  const stdout = events(
    ["run", "TestA"],
    ["output", "TestA", "=== RUN   TestA\n"],
    ["output", "TestA", "    a_test.go:7: got 1, want 2\n"],
    ["output", "TestA", "--- FAIL: TestA (0.00s)\n"],
    ["fail", "TestA"],
    ["run", "TestB"],
    ["pass", "TestB/one"],
    ["output", "TestB/two", "        a_test.go:9: no\n"],
    ["fail", "TestB/two"],
    ["fail", "TestB"],
    ["skip", "TestC"],
    ["pass", "TestD"],
    ["output", "", "FAIL\n"],
    ["fail", ""],
  );
  const test = (name: string, outcome: string, message = "") => ({ package: "m/sub", name, outcome, message });
  assert.deepEqual(readGoTests(`not an event\n{"broken\n${stdout}\n`), [
    test("TestA", "failed", "a_test.go:7: got 1, want 2"),
    test("TestB/one", "passed"),
    test("TestB/two", "failed", "a_test.go:9: no"),
    test("TestC", "skipped"),
    test("TestD", "passed"),
  ]);
});

test("however many tests there are, each of them and each text is looked at a few times only", () => {
  const many = 20_000;
  let looked = 0;
  const ends = Array.from({ length: many }, (_, index) => ({
    package: "m",
    outcome: "passed" as const,
    get name() {
      looked++;
      return index % 2 === 0 ? `TestA/${index}` : `Test${index}`;
    },
  }));
  assert.equal(toldOf(ends).length, many);
  assert.ok(looked <= 2 * many, `${looked} looks at ${many} tests`);

  let read = 0;
  const sources: Record<string, string> = {};
  for (let file = 0; file < 40; file++)
    Object.defineProperty(sources, `a${file}_test.go`, {
      enumerable: true,
      get: () => {
        read++;
        return Array.from({ length: 500 }, (_, test) => `func Test${file}_${test}(t`).join("\n");
      },
    });
  const names = Array.from({ length: many }, (_, test) => `Test${test % 40}_${Math.floor(test / 40)}`);
  const stdout = events(...names.map((name) => ["pass", name] as const));
  const files = Object.keys(sources);
  const tests = readCommandTests({ run: { ...run, stdout, sources }, toolchain: goToolchain(), files, sources: files });
  assert.deepEqual(
    tests.map(({ file }) => file),
    names.map((name) => `a${/\d+/.exec(name)?.[0] ?? ""}_test.go`),
  );
  assert.ok(read <= 2 * files.length, `${read} readings of ${files.length} texts`);
});

test("a test's file is found by its whole name, also by one of several words", () => {
  const sources = {
    "a.x": "it adds two numbers twice\nTestAll\nTestÄ",
    "b.x": "adds two\nTestA",
    "sub/b.x": "TestA",
  };
  const report = { kind: "lines", test: "^(?<outcome>ok) (?<name>.+)$", outcomes: { ok: "passed" } } as const;
  const toolchain = { ...goToolchain(), tests: { command: ["x"] as [string], report } };
  const stdout = "ok adds two numbers\nok TestA\nok TestÄ\nok adds three\nok ...\n";
  const from = { run: { ...run, exitCode: 0, stdout, sources }, toolchain, files: [], sources: [] };
  assert.deepEqual(
    readCommandTests(from).map(({ name, file }) => `${name}: ${file}`),
    ["adds two numbers: a.x", "TestA: sub/b.x", "TestÄ: a.x", "adds three: ", "...: "],
  );
});

test("a panic is told of the subtest that it ended, with its place in the project", () => {
  const stdout = events(
    ["run", "TestA/sub"],
    ["fail", "TestA/sub"],
    ["output", "TestA", "panic: nil map [recovered]\n"],
    ["output", "TestA", "\t/usr/local/go/src/testing/testing.go:1 +0x1\n"],
    ["output", "TestA", "\t/workspace/sub/a.go:10 +0x28\n"],
    ["fail", "TestA"],
  );
  const read = readCommandTests({
    run: { ...run, stdout, sources: { "sub/a_test.go": "func TestA(t", "b_test.go": "func TestA(t" } },
    toolchain: goToolchain(),
    files: ["sub/a_test.go"],
    sources: ["sub/a.go", "sub/a_test.go", "b_test.go"],
  });
  assert.deepEqual(read, [
    {
      file: "sub/a_test.go",
      name: "TestA/sub",
      outcome: "failed",
      message: "panic: nil map\n/usr/local/go/src/testing/testing.go:1 +0x1\n/workspace/sub/a.go:10 +0x28",
      error: false,
      at: { file: "sub/a.go", line: 10 },
    },
  ]);
});

test("what can't be built is told of each of its test files, from the output of older and newer Go", () => {
  const complaint = "./a_test.go:6:5: undefined: Add";
  const newer = `${JSON.stringify({ ImportPath: "m", Action: "build-output", Output: "# m\n" })}\n${JSON.stringify({ ImportPath: "m", Action: "build-output", Output: `${complaint}\n` })}`;
  for (const output of [{ stderr: `# m [m.test]\n${complaint}\n` }, { stdout: newer }]) {
    const read = readCommandTests({
      run: { ...run, ...output },
      toolchain: goToolchain(),
      files: ["a_test.go"],
      sources: ["a_test.go"],
    });
    assert.deepEqual(read, [
      {
        file: "a_test.go",
        name: "a_test.go",
        outcome: "failed",
        message: "undefined: Add (a_test.go, line 6)",
        error: true,
        at: { file: "a_test.go", line: 6 },
      },
    ]);
  }
});

test("a file without tests is told as such only when the run itself went well", () => {
  const read = (exitCode: number, stderr: string) =>
    readCommandTests({
      run: { ...run, exitCode, stderr },
      toolchain: goToolchain(),
      files: ["a_test.go"],
      sources: ["a_test.go"],
    }).map(({ message }) => message);
  assert.deepEqual(read(0, ""), ["no test was found"]);
  assert.deepEqual(read(1, "go: cannot find main module\n"), ["it was not run: go: cannot find main module"]);
});

test("complaints are found once each, by paths of the project", () => {
  const stderr = "/workspace/a.go:3:1: expected '('\n./b.go:4: x\n./b.go:4: x\nvet: ./c.go:1:2: y\n";
  assert.deepEqual(readProblems({ ...run, stderr }, goToolchain()), [
    { file: "a.go", line: 3, message: "expected '('" },
    { file: "b.go", line: 4, message: "x" },
    { file: "c.go", line: 1, message: "y" },
  ]);
});

test("a report of lines is read as its language describes it", () => {
  const stdout =
    "test tests::adds ... ok\ntest tests::zero ... FAILED\ntest tests::slow ... ignored\n\n---- tests::zero stdout ----\nthread panicked at src/lib.rs:10:9:\nleft: 1\n\n\nfailures:\n";
  const read = readLineTests(
    { ...run, stdout },
    {
      kind: "lines",
      test: "^test (?<name>\\S+) \\.\\.\\. (?<outcome>\\w+)$",
      outcomes: { ok: "passed", FAILED: "failed", ignored: "skipped" },
      detail: "^---- {{name}} stdout ----\\n(?<message>[\\s\\S]*?)\\n\\n",
    },
  );
  assert.deepEqual(read, [
    { name: "tests::adds", outcome: "passed", message: "" },
    { name: "tests::zero", outcome: "failed", message: "thread panicked at src/lib.rs:10:9:\nleft: 1" },
    { name: "tests::slow", outcome: "skipped", message: "" },
  ]);
});

test("a place is the first that the project owns", () => {
  const search = { folder: "/w", sources: new Set(["a/b.go", "c.go"]), beside: "a/x_test.go" };
  assert.deepEqual(frameIn("at /usr/x.go:1 b.go:3 c.go:4", search), { file: "a/b.go", line: 3 });
  assert.deepEqual(frameIn("(/w/c.go:7)", search), { file: "c.go", line: 7 });
  assert.equal(frameIn("b.go and d.go:3", search), undefined);
});

test("coverage is read line by line, in Go's form and in lcov's", () => {
  const sources = ["a.go", "sub/a.go", "b.go"];
  const go =
    "mode: set\nm/a.go:1.1,3.2 1 0\nm/a.go:2.1,2.9 1 5\nm/sub/a.go:4.1,4.2 1 1\nm/a.go:9.1,9.2 1 0\nother/x.go:1.1,2.2 1 1\n";
  assert.deepEqual(readCoverage(go, "go-cover", sources), [
    { path: "a.go", lines: 4, covered: 1 },
    { path: "sub/a.go", lines: 1, covered: 1 },
  ]);
  const lcov = "TN:\nSF:/w/b.go\nDA:1,2\nDA:2,0\nend_of_record\nSF:/x/none.go\nDA:1,1\nend_of_record\n";
  assert.deepEqual(readCoverage(lcov, "lcov", sources), [{ path: "b.go", lines: 2, covered: 1 }]);
});
