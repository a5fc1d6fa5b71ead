import assert from "node:assert/strict";
import { test } from "node:test";
import { requireLanguage } from "../tools/find-language.ts";
import type { TestResult, TestRun } from "../tools/run-tests.ts";
import { NO_TEST } from "../tools/test-report.ts";
import { readTests, redProblem } from "./freeze-tests.ts";

const python = { language: requireLanguage("python"), taken: ["a.py"], others: ["test_b.py"], assertions: [] };

function reply(path: string, content = "assert f(1)"): string {
  return `FILE: ${path}\n\`\`\`python\n${content}\n\`\`\`\n`;
}

function result(file: string, outcome: TestResult["outcome"], message = ""): TestResult {
  return { file, name: "test_1", outcome, message };
}

function run(tests: readonly TestResult[]): TestRun {
  return { runner: "unittest", durationMs: 1, green: false, tests };
}

test("a reply's test files are taken", () => {
  const files = [{ path: "test_a.py", content: "assert f(1)\n" }];
  assert.deepEqual(readTests(python, reply("test_a.py")), { ok: true, value: files });
});

test("a file that is no test is refused with the form of a test's name", () => {
  const read = readTests(python, reply("test_a.py") + reply("a.py"));
  assert.deepEqual(read, {
    ok: false,
    why: `a.py is not a test file; it is named ${python.language.testFile.example}`,
  });
});

test("two testers do not write one file, and none writes what is there already", () => {
  const why = "test_b.py holds the tests of another task already; choose another name";
  assert.deepEqual(readTests(python, reply("test_b.py")), { ok: false, why });
  const existing = new Set(["test_a.py"]);
  const there = "test_a.py is there already; write a new file with another name";
  assert.deepEqual(readTests({ ...python, existing }, reply("test_a.py")), { ok: false, why: there });
});

test("a path that is a folder of another one is refused", () => {
  const read = readTests({ ...python, taken: ["test_x.py/code.py"] }, reply("test_x.py"));
  assert.equal(read.ok, false);
});

test("of a closed domain each criterion must be asserted", () => {
  const asked = { ...python, assertions: ["(f(1), 2)", "(f(2), 3)"] };
  const whole = "equal(f(1), 2)\nequal(f(2), 3)";
  assert.equal(readTests(asked, reply("test_a.py", whole)).ok, true);
  const why = "no test asserts (f(2), 3)";
  assert.deepEqual(readTests(asked, reply("test_a.py", "equal(f(1), 2)")), { ok: false, why });
});

test("tests that fail where there is no code are as they should be", () => {
  const tests = [result("test_a.py", "failed"), result("test_a.py", "passed"), result("test_b.py", "failed")];
  assert.equal(redProblem(run(tests), ["test_a.py", "test_b.py"]), undefined);
});

test("a file whose tests all pass without code proves nothing, whatever the other files do", () => {
  const tests = [result("test_a.py", "failed"), result("test_b.py", "passed")];
  const why = "test_b.py passes although there is no code yet";
  assert.equal(redProblem(run(tests), ["test_a.py", "test_b.py"]), why);
});

test("a file without a test that is run proves nothing either", () => {
  for (const none of [result("test_a.py", "skipped"), result("test_a.py", "failed", NO_TEST)])
    assert.equal(redProblem(run([none]), ["test_a.py"]), "test_a.py has no test that is run");
});

test("a run that failed as a whole says so in its own words", () => {
  const tests = [result("", "failed", "the run ended without a report"), result("test_a.py", "passed")];
  assert.equal(redProblem(run(tests), ["test_a.py"]), "test_1: the run ended without a report");
});
