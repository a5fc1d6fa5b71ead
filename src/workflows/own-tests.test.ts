import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestResult, TestRun } from "../tools/run-tests.ts";
import { judgeOwnTests, runOwnTests } from "./own-tests.ts";

function said(file: string, outcome: TestResult["outcome"], message = ""): TestResult {
  return { file, name: "t", outcome, message };
}

function ran(...tests: readonly TestResult[]): TestRun {
  return { runner: "r", tests, durationMs: 2, green: false };
}

test("a file is green when something in it passed and nothing failed; skipped tests don't count", async () => {
  const all = ran(said("a", "passed"), said("a", "skipped"), said("b", "skipped"), said("c", "failed", "no"));
  const run = await runOwnTests(["a", "b", "c"], async () => all);
  assert.deepEqual(run.tests, [said("a", "passed"), said("c", "failed", "no")]);
  assert.deepEqual(judgeOwnTests(["a", "b", "c"], run.tests), {
    green: ["a"],
    red: [
      { path: "b", why: "no test was found" },
      { path: "c", why: "no" },
    ],
  });
  assert.equal((await runOwnTests(["a"], async () => ran(said("a", "passed"), said("a", "skipped")))).green, true);
});

test("a file that ends the run as a whole does not speak for the others", async () => {
  const asked: string[][] = [];
  const run = await runOwnTests(["a", "b", "crash", "d"], async (files) => {
    asked.push([...files]);
    return files.includes("crash")
      ? ran(said("", "failed", "it crashed"))
      : ran(...files.map((one) => said(one, "passed")));
  });
  assert.deepEqual(asked, [["a", "b", "crash", "d"], ["a", "b"], ["crash", "d"], ["crash"], ["d"]]);
  assert.deepEqual(judgeOwnTests(["a", "b", "crash", "d"], run.tests), {
    green: ["a", "b", "d"],
    red: [{ path: "crash", why: "it crashed" }],
  });
  assert.deepEqual([run.runner, run.durationMs, run.green], ["r", 10, false]);
});

test("where everything crashes, it ends", async () => {
  let runs = 0;
  const files = Array.from({ length: 200 }, (_, index) => String(index));
  const run = await runOwnTests(files, async () => {
    runs++;
    return ran(said("", "failed", "it crashed"));
  });
  assert.equal(runs, 64);
  assert.equal(judgeOwnTests(files, run.tests).red.length, 200);
});
