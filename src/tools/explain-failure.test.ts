import assert from "node:assert/strict";
import { test } from "node:test";
import { explainFailure, explainFailureAt, failureKey, syntaxKey } from "./explain-failure.ts";
import type { TestResult, TestRun } from "./run-tests.ts";

function failed(name: string, message: string, at?: TestResult["at"]): TestResult {
  return { file: "test_f.py", name, outcome: "failed", message, ...(at === undefined ? {} : { at }) };
}

function red(...tests: readonly TestResult[]): TestRun {
  return { runner: "unittest", tests, durationMs: 1, green: false };
}

const f = { path: "f.py", content: "def f(a, b):\n\n    return a.x - b\n\nx = 1\n" };

test("the short form, which the built-in model was trained on, stays as it is", () => {
  const run = red(
    { file: "f", name: "fine", outcome: "passed", message: "" },
    failed("a", "AssertionError: Expected values to be equal:\n\n1 !== 2\n", { file: "f.py", line: 3 }),
    { file: "f", name: "b", outcome: "skipped", message: "x" },
    failed("c", "y".repeat(200)),
    failed("d", "never shown"),
  );
  assert.equal(explainFailure(run), `a: Expected values to be equal: 1 !== 2\nb: skipped\nc: ${"y".repeat(159)}…`);
});

test("a failure is told with its place and the line there", () => {
  const error = "AttributeError: 'int' object has no attribute 'x'";
  assert.equal(
    explainFailureAt(red(failed("test_1", error, { file: "f.py", line: 3 })), [f]),
    `test_1: ${error}\nat f.py:3\n> 3     return a.x - b`,
  );
  assert.equal(explainFailureAt(red(failed("test_1", "E", { file: "f.py", line: 1 })), []), "test_1: E\nat f.py:1");
  assert.equal(explainFailureAt(red(failed("test_1", "E")), [f]), "test_1: E");
});

test("addresses, which are others in every run, are left out", () => {
  const run = (address: string) => red(failed("a", `E: <X object at ${address}> is not 0xff`));
  assert.equal(explainFailure(run("0x7f3A0c")), "a: E: <X object at 0x…> is not 0xff");
  assert.equal(explainFailureAt(run("0x7f3A0c"), []), explainFailureAt(run("0x55d1"), []));
  assert.equal(explainFailure(red(failed("a", "['one', '[40 chars]d90>] != 2"))), "a: ['one', '[40 chars]…>] != 2");
});

test("failures with the same words in one place are one, and no more than three are told", () => {
  const place = { file: "f.py", line: 5 };
  const run = red(
    failed("a", "E: 1", place),
    failed("b", "E: 1", place),
    failed("c", "E: 2"),
    failed("d", "E: 3"),
    failed("e", "E: 4"),
    failed("g", "E: 5"),
  );
  assert.equal(explainFailureAt(run, [f]), "a, b: E: 1\nat f.py:5\n> 5 x = 1\n\nc: E: 2\n\nd: E: 3\n\nand 2 more");
});

test("the fuller form is bounded whatever a test says", () => {
  const huge = Array.from({ length: 9 }, (_, index) =>
    failed(`n${index}`.repeat(500), `${index}\u0007${"z".repeat(5000)}`, { file: "f.py", line: 1 }),
  );
  const text = explainFailureAt(red(...huge), [{ path: "f.py", content: "w".repeat(9000) }]);
  assert.ok(text.length < 2500, String(text.length));
  assert.ok(!text.includes("\u0007"));
});

test("two runs that fail in the same way have the same key, numbers, addresses and folders apart", () => {
  const key = (message: string, name = "a") => failureKey(red(failed(name, message)));
  assert.equal(
    key("E: <X at 0x7f01> in /tmp/check-1/f.py:12 took 3.5 s"),
    key("E: <X at 0x8A> in /var/f.py:3 took 1 s"),
  );
  assert.notEqual(key("E: one"), key("E: two"));
  assert.notEqual(key("E", "a"), key("E", "b"));
  const [one, other] = [failed("a", "E"), failed("b", "F")];
  assert.equal(failureKey(red(one, other)), failureKey(red(other, one)));
  assert.match(key("E"), /^[0-9a-f]{16}$/);
  const syntax = (message: string) => syntaxKey([{ file: "f.py", message }]);
  assert.equal(syntax("invalid syntax (f.py, line 3)"), syntax("invalid syntax (f.py, line 7)"));
  assert.notEqual(syntax("invalid syntax"), syntax("unexpected indent"));
});
