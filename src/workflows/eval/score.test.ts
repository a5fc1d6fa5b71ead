import assert from "node:assert/strict";
import { test } from "node:test";
import { requireLanguage } from "../../tools/find-language.ts";
import { type EvalReport, makeReport } from "./eval-report.ts";
import type { EvalResult, Way } from "./eval-result.ts";
import { mcnemarTest } from "./mcnemar-test.ts";
import { reportSvg } from "./report-svg.ts";
import { reportText } from "./report-text.ts";
import { scoreEval } from "./score.ts";
import { type EvalTask, makeSuite } from "./suite.ts";
import { wilsonInterval } from "./wilson-interval.ts";

function taskOf(id: string, language: string, tier?: EvalTask["tier"]): EvalTask {
  return {
    id,
    language: requireLanguage(language),
    ...(tier === undefined ? {} : { tier }),
    goal: id,
    entry: [],
    hidden: [{ path: "test_hidden.py", content: "" }],
    tests: ["test_hidden.py"],
  };
}
const TASKS = [
  taskOf("a", "python", "simple"),
  taskOf("b", "python", "complex"),
  taskOf("c", "typescript", "simple"),
  taskOf("d", "typescript"),
];

/** `what`: a way and a task. */
function resultOf(what: `${Way} ${string}`, passed: boolean, more: Partial<EvalResult> = {}): EvalResult {
  const way = what.startsWith("single ") ? "single" : "team";
  const task = what.slice(way.length + 1);
  const found = TASKS.find(({ id }) => id === task);
  return {
    type: "result",
    task,
    way,
    language: found?.language.id ?? "",
    ...(found?.tier === undefined ? {} : { tier: found.tier }),
    passed,
    outcome: passed ? "green" : "red",
    why: "",
    testsPassed: 0,
    testsFailed: 0,
    turns: 2,
    promptTokens: 90,
    outputTokens: 10,
    swaps: 1,
    durationMs: 15_000,
    ...more,
  };
}
const RESULTS = [
  resultOf("single a", true),
  resultOf("single b", false, { outcome: "green" }),
  resultOf("single c", false, { outcome: "refused", turns: 0, promptTokens: 0, outputTokens: 0, swaps: 0 }),
  resultOf("single d", true, { outcome: "red" }),
  resultOf("team a", true),
  resultOf("team b", true),
  resultOf("team c", true),
  resultOf("team d", false),
];

test("Wilson's interval is what tables say, and never leaves 0 to 1", () => {
  const rounded = (passed: number, tried: number): readonly number[] =>
    wilsonInterval(passed, tried).map((bound) => Number(bound.toFixed(4)));
  assert.deepEqual(rounded(5, 10), [0.2366, 0.7634]);
  assert.deepEqual(rounded(0, 10), [0, 0.2775]);
  assert.deepEqual(rounded(10, 10), [0.7225, 1]);
  assert.deepEqual(rounded(81, 263), [0.2553, 0.3662]);
  assert.deepEqual(rounded(0, 0), [0, 1]);
  for (let tried = 1; tried < 200; tried += 7)
    for (let passed = 0; passed <= tried; passed++) {
      const [low, high] = wilsonInterval(passed, tried);
      assert.ok(low >= 0 && low <= passed / tried && passed / tried <= high && high <= 1, `${passed} of ${tried}`);
    }
});

test("McNemar's p is the binomial one, for few and for thousands", () => {
  const rounded = (first: number, second: number): number => Number(mcnemarTest(first, second).toFixed(6));
  assert.equal(rounded(0, 0), 1);
  assert.equal(rounded(3, 3), 1);
  assert.equal(rounded(0, 5), 0.0625);
  assert.equal(rounded(5, 0), 0.0625);
  assert.equal(rounded(2, 8), 0.109375);
  assert.equal(rounded(1, 9), 0.021484);
  const many = mcnemarTest(900, 1100);
  assert.ok(many > 0.000005 && many < 0.00001, String(many));
});

test("the figures of each way", () => {
  const [single, team] = scoreEval(TASKS, RESULTS, ["single", "team"]).ways;
  assert.deepEqual(single, {
    way: "single",
    tried: 4,
    passed: 2,
    passAt1: 0.5,
    interval: wilsonInterval(2, 4),
    passesPerMinute: 2,
    wallMs: 60_000,
    turns: 6,
    promptTokens: 270,
    outputTokens: 30,
    tokensPerTask: 75,
    tokensPerPass: 150,
    swaps: 3,
    refused: 1,
    greenFailed: 1,
    redPassed: 1,
  });
  assert.deepEqual([team?.passed, team?.tokensPerPass, team?.passesPerMinute], [3, 400 / 3, 3]);
});

test("the ways on the same tasks, by language and by tier", () => {
  const { groups, comparison } = scoreEval(TASKS, RESULTS, ["single", "team"]);
  assert.deepEqual(comparison, {
    ways: ["single", "team"],
    both: 1,
    onlyFirst: 1,
    onlySecond: 2,
    neither: 0,
    p: 1,
    onlyFirstTasks: ["d"],
    onlySecondTasks: ["b", "c"],
  });
  assert.deepEqual(
    groups.map(({ by, value, way, passed, tried }) => `${by} ${value} ${way} ${passed}/${tried}`),
    [
      "language python single 1/2",
      "language python team 2/2",
      "language typescript single 1/2",
      "language typescript team 1/2",
      "tier simple single 1/2",
      "tier simple team 2/2",
      "tier complex single 0/1",
      "tier complex team 1/1",
    ],
  );
});

test("only the chosen tasks count, and a comparison is made of those that both ways did", () => {
  const score = scoreEval(
    TASKS.slice(0, 2),
    [...RESULTS.slice(0, 2), resultOf("team a", false), ...RESULTS.slice(6)],
    ["single", "team"],
  );
  assert.deepEqual(
    score.ways.map(({ tried, passed }) => [tried, passed]),
    [
      [2, 1],
      [1, 0],
    ],
  );
  assert.deepEqual([score.comparison?.onlyFirst, score.comparison?.both, score.comparison?.neither], [1, 0, 0]);
});

test("nothing done is no division", () => {
  const score = scoreEval(TASKS, [], ["team"]);
  const [way] = score.ways;
  assert.deepEqual(
    [way?.passAt1, way?.passesPerMinute, way?.tokensPerTask, way?.tokensPerPass],
    [null, null, null, null],
  );
  assert.equal(score.comparison, undefined);
});

function reportOf(results: readonly EvalResult[], suiteName = "own"): EvalReport {
  const suite = makeSuite(suiteName, TASKS, ["x was left out: why"]);
  const models = ["m & <m> = m.gguf (1234)"];
  const { sha256 } = suite;
  return makeReport({
    suite,
    tasks: TASKS,
    header: {
      type: "eval",
      version: 1,
      suite: suite.name,
      sha256,
      models,
      seats: { simple: "m" },
      words: {},
      effort: "w",
      seed: 3,
      ways: ["single", "team"],
    },
    results,
  });
}

test("the report in text", () => {
  const report = reportOf(RESULTS);
  assert.equal(report.complete, true);
  assert.equal(
    reportText({ ...report, sha256: "0123456789abcdef" }),
    `Suite own, 4 tasks, sha256 0123456789ab; seed 3; w
Models: m & <m> = m.gguf (1234)

                             single             team
passed                       2 of 4           3 of 4
pass@1                       50.0 %           75.0 %
  95 % interval      15.0 to 85.0 %   30.1 to 95.4 %
passes per minute              2.00             3.00
wall time                    60.0 s           60.0 s
turns                             6                8
tokens read                     270              360
tokens written                   30               40
tokens per task                  75              100
tokens per pass                 150              133
models loaded                     3                4
refused                           1                0
told green, failed                1                0
told red, passed                  1                0

passed by                      single               team
language python       1 of 2 (50.0 %)   2 of 2 (100.0 %)
language typescript   1 of 2 (50.0 %)    1 of 2 (50.0 %)
tier simple           1 of 2 (50.0 %)   2 of 2 (100.0 %)
tier complex           0 of 1 (0.0 %)   1 of 1 (100.0 %)

On the same tasks: both passed 1, neither 0,
  only single 1 (d),
  only team 2 (b, c).
McNemar's exact test: p = 1.000.

! 4 tasks are few: one more or less moves pass@1 by 25 points, and the intervals say how little is known. Take 20 or more before believing a difference
! the difference between the ways may well be chance (p above 0.05)
! x was left out: why
`,
  );
});

test("a run that is not complete says so", () => {
  const report = reportOf(RESULTS.slice(0, 5));
  assert.equal(report.complete, false);
  assert.equal(report.notes[0], "team: only 1 of 4 tasks were done; --resume goes on");
});

test("the picture is the same for the same figures, well-formed, and shows no mark-up of others", () => {
  const svg = reportSvg(reportOf(RESULTS, 'a<script>"&\u0007'));
  assert.equal(svg, reportSvg(reportOf(RESULTS, 'a<script>"&\u0007')));
  assert.ok(svg.includes("Suite a&lt;script&gt;&quot;&amp;�: pass@1"));
  assert.ok(svg.includes("m &amp; &lt;m&gt;"));
  assert.ok(svg.includes("75.0 % (3 of 4)"));
  assert.ok(!svg.includes("<script"));
  // Every element that is opened is closed, in order.
  const open: string[] = [];
  for (const [, slash, name = "", self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (slash === "/") assert.equal(open.pop(), name);
    else if (self !== "/") open.push(name);
  }
  assert.deepEqual(open, []);
  assert.ok(reportSvg(reportOf([])).startsWith("<svg"));
});
