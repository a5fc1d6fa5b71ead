import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { BUILT_IN_LANGUAGES } from "../tools/built-in-languages.ts";
import { type EvalHeader, openResultsFile } from "../workflows/eval/results-file.ts";
import { readEvalOptions } from "./eval-options.ts";
import { newResultsFile, resultsFileToResume } from "./eval-results.ts";
import { chooseTasks, loadSuite } from "./eval-suite.ts";

const root = mkdtempSync(join(tmpdir(), "atos-eval-cli-"));
after(() => rmSync(root, { recursive: true, force: true }));

const HEADER: EvalHeader = {
  type: "eval",
  version: 1,
  suite: "atos",
  sha256: "0".repeat(64),
  models: ["m"],
  seats: {},
  words: {},
  effort: "w, 2 repairs",
  seed: 0,
  ways: ["team"],
};

test("what is not said has its default", () => {
  assert.deepEqual(readEvalOptions({}), {
    path: undefined,
    ways: ["single", "team"],
    limit: undefined,
    tasks: undefined,
    seed: 0,
    out: undefined,
    resume: false,
  });
});

test("ways have an order of their own, and lists may have spaces", () => {
  const { ways, tasks, limit } = readEvalOptions({ ways: "team, single,team", tasks: " a , b,", limit: "5" });
  assert.deepEqual([ways, tasks, limit], [["single", "team"], ["a", "b"], 5]);
});

test("what can't be meant is refused with what can", () => {
  const refused = { code: "cli/bad-eval-option", exitCode: 2 };
  assert.throws(() => readEvalOptions({ ways: "solo" }), { ...refused, message: /single and team, not "solo"/ });
  assert.throws(() => readEvalOptions({ ways: "," }), refused);
  assert.throws(() => readEvalOptions({ limit: "0" }), {
    ...refused,
    message: /--limit must be a whole number from 1/,
  });
  assert.throws(() => readEvalOptions({ limit: "1e2" }), refused);
  assert.throws(() => readEvalOptions({ seed: "-1" }), { ...refused, code: "cli/bad-seed" });
  assert.throws(() => readEvalOptions({ model: "a", roster: "b" }), refused);
});

test("a suite that is not there, or not said where, is refused", async () => {
  const load = (name: string) => loadSuite(name, undefined, BUILT_IN_LANGUAGES);
  await assert.rejects(load("tools"), {
    code: "cli/bad-eval-option",
    message: /there are atos, humaneval, mbpp, exercises/,
  });
  await assert.rejects(load("mbpp"), { code: "cli/bad-eval-option", message: /--path/ });
  await assert.rejects(load("toString"), { code: "cli/bad-eval-option" });
});

test("tasks are chosen by name, in the suite's order, and a limit takes them evenly", async () => {
  const suite = await loadSuite("atos", undefined, BUILT_IN_LANGUAGES);
  const ids = (tasks: readonly string[] | undefined, limit?: number): readonly string[] =>
    chooseTasks(suite, { tasks, limit }).map(({ id }) => id);
  assert.deepEqual(ids(["py-bank", "nano-gcd"]), ["nano-gcd", "py-bank"]);
  assert.equal(ids(undefined).length, suite.tasks.length);
  assert.equal(ids(undefined, 1000).length, suite.tasks.length);
  const four = ids(undefined, 4);
  assert.deepEqual(
    four.map((id) => id.split("-")[0]),
    ["nano", "nano", "py", "ts"],
  );
  assert.throws(() => ids(["py-bank", "nope"]), {
    code: "cli/bad-eval-option",
    message: /no task "nope"; it has nano-/,
  });
  assert.throws(() => ids([]), { code: "cli/bad-eval-option" });
});

test("the newest file of the very same run is gone on with", async () => {
  const place = { evals: join(root, "evals"), out: undefined, suite: "atos", header: HEADER };
  await assert.rejects(resultsFileToResume(place), { code: "cli/nothing-to-resume", exitCode: 2 });
  const files: string[] = [];
  for (const [day, seed] of [
    [1, 0],
    [2, 0],
    [3, 5],
  ] as const) {
    const file = newResultsFile(place, new Date(Date.UTC(2026, 0, day)));
    await (await openResultsFile(file, { header: { ...HEADER, seed }, resume: false }))[Symbol.asyncDispose]();
    files.push(file);
  }
  assert.equal(await resultsFileToResume(place), files[1]);
  assert.equal(await resultsFileToResume({ ...place, header: { ...HEADER, seed: 5 } }), files[2]);
  const other = resultsFileToResume({ ...place, header: { ...HEADER, seed: 6 } });
  await assert.rejects(other, { code: "cli/nothing-to-resume", message: /another run: seed was 5 and is 6/ });
});

test("a folder that the person names has its own file", async () => {
  const place = { evals: join(root, "evals"), out: join(root, "mine"), suite: "atos", header: HEADER };
  const file = newResultsFile(place, new Date(0));
  assert.equal(file, join(root, "mine", "results.jsonl"));
  await assert.rejects(resultsFileToResume(place), { code: "cli/nothing-to-resume" });
  await (await openResultsFile(file, { header: HEADER, resume: false }))[Symbol.asyncDispose]();
  assert.equal(await resultsFileToResume(place), file);
});
