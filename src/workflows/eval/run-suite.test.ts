import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { requireLanguage } from "../../tools/find-language.ts";
import type { EvalResult, Solution, Solve } from "./eval-result.ts";
import { type EvalHeader, headerDifferences, openResultsFile, readResultsHeader } from "./results-file.ts";
import { runSuite, type SuiteDeps } from "./run-suite.ts";
import type { EvalTask } from "./suite.ts";

const root = mkdtempSync(join(tmpdir(), "atos-eval-run-"));
after(() => rmSync(root, { recursive: true, force: true }));

const language = requireLanguage("python");
function taskOf(id: string): EvalTask {
  return { id, language, tier: "simple", goal: id, entry: [], hidden: [], tests: [] };
}
const TASKS = ["a", "b", "c"].map(taskOf);
const HEADER: EvalHeader = {
  type: "eval",
  version: 1,
  suite: "own",
  sha256: "0".repeat(64),
  models: ["m = m.gguf (1234)"],
  seats: { simple: "m", medium: "m", complex: "m" },
  words: { "the role tester": "aa", "the language python": "bb" },
  effort: "w, 2 repairs",
  seed: 0,
  ways: ["single", "team"],
};
const SOLUTION: Solution = {
  files: [{ path: "x.py", content: "" }],
  outcome: "green",
  why: "done",
  turns: 2,
  promptTokens: 100,
  outputTokens: 10,
  swaps: 1,
  durationMs: 50,
  build: "b1",
};

function depsOf(solved: string[], solve: Solve = async () => SOLUTION): SuiteDeps {
  return {
    solve: async (way, task, signal) => {
      solved.push(`${way} ${task.id}`);
      return solve(way, task, signal);
    },
    grade: async (_, { files }) =>
      files.length === 0
        ? { passed: false, why: "there is no solution", testsPassed: 0, testsFailed: 0 }
        : { passed: true, why: "", testsPassed: 3, testsFailed: 0 },
    record: async () => {},
  };
}

function resultOf(task: string, way: EvalResult["way"] = "single"): EvalResult {
  const { files: _, ...cost } = SOLUTION;
  return {
    type: "result",
    task,
    way,
    language: "python",
    tier: "simple",
    passed: true,
    testsPassed: 3,
    testsFailed: 0,
    ...cost,
  };
}

test("every task is solved in every way, one way after the other, and each result is recorded at once", async () => {
  const solved: string[] = [];
  const recorded: EvalResult[] = [];
  const deps = { ...depsOf(solved), record: async (result: EvalResult) => void recorded.push(result) };
  const results = await runSuite(
    deps,
    { tasks: TASKS, ways: ["single", "team"], done: [] },
    new AbortController().signal,
  );
  assert.deepEqual(solved, ["single a", "single b", "single c", "team a", "team b", "team c"]);
  assert.deepEqual(results[0], resultOf("a"));
  assert.deepEqual(recorded, results);
});

test("what is done already is not done again", async () => {
  const solved: string[] = [];
  const done = [resultOf("a"), resultOf("c", "team")];
  await runSuite(depsOf(solved), { tasks: TASKS, ways: ["single", "team"], done }, new AbortController().signal);
  assert.deepEqual(solved, ["single b", "single c", "team a", "team b"]);
});

test("a refused goal has no solution, and its own reason", async () => {
  const refuse: Solve = async () => ({ ...SOLUTION, files: [], outcome: "refused", why: "outside" });
  const [result] = await runSuite(
    depsOf([], refuse),
    { tasks: TASKS.slice(0, 1), ways: ["team"], done: [] },
    new AbortController().signal,
  );
  assert.deepEqual([result?.passed, result?.outcome, result?.why], [false, "refused", "outside"]);
});

test("an interrupt stops before the next task", async () => {
  const solved: string[] = [];
  const stop = new AbortController();
  const deps = { ...depsOf(solved), record: async () => stop.abort() };
  await assert.rejects(runSuite(deps, { tasks: TASKS, ways: ["team"], done: [] }, stop.signal), { name: "AbortError" });
  assert.deepEqual(solved, ["team a"]);
});

test("results are there again when the file is opened anew, without the line that was cut off", async () => {
  const file = join(root, "evals", "again.jsonl");
  {
    await using results = await openResultsFile(file, { header: HEADER, resume: false });
    await results.append(resultOf("a"));
    await results.append({ ...resultOf("ü"), why: "zwölf" });
  }
  const whole = readFileSync(file, "utf8");
  appendFileSync(file, '{"type":"result","task":"b","wa');
  {
    await using results = await openResultsFile(file, { header: HEADER, resume: true });
    assert.deepEqual(results.results, [resultOf("a"), { ...resultOf("ü"), why: "zwölf" }]);
    await results.append(resultOf("b"));
  }
  assert.equal(readFileSync(file, "utf8"), `${whole}${JSON.stringify(resultOf("b"))}\n`);
  assert.deepEqual(await readResultsHeader(file), HEADER);
});

test("a header that was cut off is written again", async () => {
  const file = join(root, "cut.jsonl");
  writeFileSync(file, '{"type":"ev');
  assert.equal(await readResultsHeader(file), undefined);
  {
    await using results = await openResultsFile(file, { header: HEADER, resume: true });
    assert.deepEqual(results.results, []);
  }
  assert.equal(readFileSync(file, "utf8"), `${JSON.stringify(HEADER)}\n`);
});

test("results of another run are neither gone on with nor written over", async () => {
  const file = join(root, "other.jsonl");
  await (await openResultsFile(file, { header: HEADER, resume: false }))[Symbol.asyncDispose]();
  const before = readFileSync(file, "utf8");
  const other = { ...HEADER, seed: 7, models: ["m = m.gguf (9999)"] };
  await assert.rejects(openResultsFile(file, { header: other, resume: true }), (error: unknown) => {
    assert.ok(error instanceof Error && "code" in error && "exitCode" in error);
    assert.deepEqual([error.code, error.exitCode], ["workflows/other-results", 2]);
    assert.match(error.message, /models was \["m = m\.gguf \(1234\)"\] and is .*9999.*; seed was 0 and is 7/);
    return true;
  });
  await assert.rejects(openResultsFile(file, { header: HEADER, resume: false }), { code: "workflows/other-results" });
  assert.equal(readFileSync(file, "utf8"), before);
});

test("a line in the middle that is no result is named", async () => {
  const file = join(root, "bad.jsonl");
  writeFileSync(file, `${JSON.stringify(HEADER)}\nnot json\n${JSON.stringify(resultOf("a"))}\n`);
  await assert.rejects(openResultsFile(file, { header: HEADER, resume: true }), (error: unknown) => {
    assert.ok(error instanceof Error && "code" in error);
    assert.equal(error.code, "workflows/bad-results");
    assert.match(error.message, /bad\.jsonl, line 2 /);
    return true;
  });
});

test("headers differ in what decides results, not in the order of their keys", () => {
  const seats = { complex: "m", medium: "m", simple: "m" };
  assert.deepEqual(headerDifferences(HEADER, { ...HEADER, seats }), []);
  assert.deepEqual(headerDifferences(HEADER, { ...HEADER, ways: ["team"], suite: "x" }), [
    'suite was "own" and is "x"',
    'ways was ["single","team"] and is ["team"]',
  ]);
  const words = { "the language python": "cc", "the language go": "dd" };
  assert.deepEqual(headerDifferences(HEADER, { ...HEADER, words }), [
    "the language go was added",
    "the language python was changed",
    "the role tester was removed",
  ]);
});

test("a file that does not tell its roles is of another run, and can still be read", async () => {
  const file = join(root, "before.jsonl");
  const { words: _, ...before } = HEADER;
  writeFileSync(file, `${JSON.stringify(before)}\n`);
  const there = await readResultsHeader(file);
  assert.ok(there !== undefined);
  assert.deepEqual(headerDifferences(there, HEADER), ["its roles and languages are not told"]);
  await assert.rejects(openResultsFile(file, { header: HEADER, resume: true }), {
    code: "workflows/other-results",
    message: /another run: its roles and languages are not told/,
  });
});
