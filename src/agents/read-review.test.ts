import assert from "node:assert/strict";
import { test } from "node:test";
import { type Finding, mustRevise, readReview, type Review, showFinding } from "./read-review.ts";

function findingsOf(lines: string, verdict = "revise"): readonly Finding[] {
  const read = readReview(`SCORE: 5\nVERDICT: ${verdict}\n${lines}\n`);
  assert.ok(read.ok);
  return read.value.findings;
}

test("a review is a score, a verdict and findings", () => {
  assert.deepEqual(readReview("**SCORE:** 7/10\nVERDICT: Revise\n- a.py:2 must-fix wrong sign\n"), {
    ok: true,
    value: { score: 7, verdict: "revise", findings: [{ text: "wrong sign", path: "a.py", line: 2, must: true }] },
  });
  for (const bad of [
    "",
    "SCORE: 11\nVERDICT: accept",
    "SCORE: good\nVERDICT: accept",
    "SCORE: 5",
    "SCORE: 5\nVERDICT: maybe",
  ])
    assert.equal(readReview(bad).ok, false, bad);
});

test("a finding is the same in whatever form a model writes it", () => {
  const found = { text: "The sign is wrong.", path: "src/a.py", line: 3, must: true };
  for (const line of [
    "- src/a.py:3 must-fix: The sign is wrong.",
    "- src/a.py:3 must-fix The sign is wrong.",
    "- `src/a.py:3` **must-fix**: The sign is wrong.",
    "* **src/a.py:3** — must fix — The sign is wrong.",
    "1. src/a.py line 3: must fix: The sign is wrong.",
    "2) src/a.py (line 3): MUST-FIX The sign is wrong.",
    "- src/a.py, line 3, must-fix, The sign is wrong.",
    "- src/a.py:L3: [must-fix] The sign is wrong.",
    "- src/a.py#L3-9 must-fix: The sign is wrong.",
    "- src/a.py:3-7: (must-fix): The sign is wrong.",
    "- must-fix: src/a.py:3: The sign is wrong.",
    "- **Must-fix** src/a.py:3 - The sign is wrong.",
    "src/a.py:3 must-fix: The sign is wrong.",
    "src/a.py line 3: must fix: The sign is wrong.",
    "- in src/a.py at line 3: must be fixed: The sign is wrong.",
  ])
    assert.deepEqual(findingsOf(line, "accept"), [found], line);
});

test("a finding needs neither file nor line nor mark", () => {
  const cases: readonly (readonly [string, Partial<Finding>])[] = [
    ["- The sign is wrong.", { text: "The sign is wrong." }],
    ["- a.py: The sign is wrong.", { text: "The sign is wrong.", path: "a.py" }],
    ["- a.py The sign is wrong.", { text: "The sign is wrong.", path: "a.py" }],
    ["- add(2, 3) returns 6, e.g. here", { text: "add(2, 3) returns 6, e.g. here" }],
    ["- a.py:3 optional arguments are ignored", { text: "optional arguments are ignored", path: "a.py", line: 3 }],
    ["- a.py:3 must return 5", { text: "must return 5", path: "a.py", line: 3 }],
    ["- 3 tests are missing", { text: "3 tests are missing" }],
    ["- a.test.ts:12 no await", { text: "no await", path: "a.test.ts", line: 12 }],
  ];
  for (const [line, finding] of cases) {
    assert.deepEqual(findingsOf(line), [{ ...finding, must: true }], line);
    assert.deepEqual(findingsOf(line, "accept"), [{ ...finding, must: false }], line);
  }
});

test("what a finding says keeps its own marks", () => {
  for (const text of ["`x` is unused in __init__", "2 ** 3 is no square", "**kwargs is ignored"])
    for (const place of [
      "a.py:3 must-fix: ",
      "**a.py:3** must-fix ",
      "`a.py:3` **must-fix:** ",
      "a.py:3: **must-fix** ",
    ])
      assert.deepEqual(findingsOf(`- ${place}${text}`), [{ text, path: "a.py", line: 3, must: true }], place + text);
});

test("advice is advice, whatever the verdict", () => {
  for (const mark of ["advice:", "(advice)", "Suggestion:", "nit -", "**optional**:"])
    assert.deepEqual(findingsOf(`- a.py:3 ${mark} a shorter name`), [
      { text: "a shorter name", path: "a.py", line: 3, must: false },
    ]);
});

test("talk between the lines and a list that says none are no findings", () => {
  assert.deepEqual(
    findingsOf("Here is what I think.\n\n- none\n- No issues found.\n- n/a\n```\ncode\n```\n-", "accept"),
    [],
  );
});

test("there is an end to findings", () => {
  assert.equal(findingsOf(Array.from({ length: 500 }, (_, index) => `- a.py:${index} wrong`).join("\n")).length, 20);
});

test("work is sent back for something that must be fixed, or for revise with a poor score", () => {
  const review = (score: number, verdict: Review["verdict"], ...marks: readonly boolean[]): Review => ({
    score,
    verdict,
    findings: marks.map((must) => ({ text: "x", must })),
  });
  assert.equal(mustRevise(review(9, "revise", true)), true);
  assert.equal(mustRevise(review(9, "accept", true)), true);
  assert.equal(mustRevise(review(9, "revise", false)), false);
  assert.equal(mustRevise(review(7, "revise")), false);
  assert.equal(mustRevise(review(6.9, "revise")), true);
  assert.equal(mustRevise(review(2, "accept", false)), false);
});

test("a finding that is shown is read back the same", () => {
  const findings: readonly Finding[] = [
    { text: "no docstring", path: "add_numbers.py", line: 1, must: true },
    { text: "a shorter name", path: "a.py", must: false },
    { text: "wrong", must: true },
  ];
  assert.deepEqual(findings.map(showFinding), [
    "add_numbers.py:1 must-fix: no docstring",
    "a.py advice: a shorter name",
    "must-fix: wrong",
  ]);
  assert.deepEqual(findingsOf(findings.map((finding) => `- ${showFinding(finding)}`).join("\n")), findings);
});

test("whatever a model says is read or refused", () => {
  const pieces = [
    "SCORE: 5",
    "VERDICT: revise",
    "- ",
    "a.py",
    ":3",
    " must-fix",
    ": ",
    "(",
    ")",
    "`",
    "**",
    "line ",
    "\n",
    "é\u0000",
  ];
  for (let seed = 0; seed < 5000; seed++) {
    const said = Array.from(
      { length: 12 },
      (_, place) => pieces[(seed * 7919 + place * place * (seed % 97)) % pieces.length],
    );
    const read = readReview(`SCORE: 5\nVERDICT: accept\n${said.join("")}`);
    if (read.ok) for (const { text } of read.value.findings) assert.notEqual(text, "");
  }
});
