import assert from "node:assert/strict";
import { test } from "node:test";
import { type KnownLanguages, readSpec, showNumberedSpec, showSpec, type Spec } from "./read-spec.ts";

const spec: Spec = {
  name: "add_numbers",
  language: "python",
  summary: "adds two numbers",
  criteria: ["add_numbers(2, 3) returns 5", "add_numbers(0, 0) returns 0"],
};

const names = ["python", "typescript"];
const languages: KnownLanguages = { names, find: (name) => names.find((known) => known === name.toLowerCase()) };

test("a spec that is shown is read back the same, numbered or not", () => {
  for (const shown of [showSpec(spec), showNumberedSpec(spec)])
    assert.deepEqual(readSpec(shown, languages), { ok: true, value: { kind: "spec", spec } });
});

test("a spec is read through reasoning, Markdown, other cases and numbered criteria", () => {
  const head = "<think>NAME: wrong</think>\n**Name:** `add_numbers`\nLanguage: Python\n- SUMMARY: adds two numbers\n\n";
  const forms = [
    ["1. ", "2) "],
    ["C1: ", "C2: "],
    ["- C1: ", "* c2. "],
    ["**C1:** ", "**C2**: "],
    ["1. C1) ", "- **C2:** "],
  ];
  for (const [first, second] of forms) {
    const reply = `${head}**CRITERIA:**\n${first}add_numbers(2, 3) returns 5\n\n${second}add_numbers(0, 0) returns 0\n`;
    assert.deepEqual(readSpec(reply, languages), { ok: true, value: { kind: "spec", spec } }, first);
  }
});

test("a refusal is a value of its own", () => {
  assert.deepEqual(readSpec("REFUSE: outside my domain", languages), {
    ok: true,
    value: { kind: "refused", why: "outside my domain" },
  });
});

test("a spec that lacks something says what", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["I would love to help!", /lacks NAME, LANGUAGE, SUMMARY/],
    [showSpec(spec).replace("add_numbers\n", "add numbers now\n"), /NAME must be one word/],
    [showSpec(spec).replace("python", "COBOL"), /LANGUAGE must be python or typescript, not "COBOL"/],
    [showSpec(spec).replace(/CRITERIA[\s\S]*/, "CRITERIA:\n"), /CRITERIA has no lines/],
    [showSpec({ ...spec, criteria: Array.from({ length: 31 }, () => "x is x") }), /31 criteria are more than 30/],
    ["", /lacks/],
  ];
  for (const [reply, expected] of cases) {
    const read = readSpec(reply, languages);
    assert.match(read.ok ? JSON.stringify(read.value) : read.why, expected);
  }
});

test("a task is shown its own criteria under their numbers, and all of them when it has none", () => {
  const head = "NAME: add_numbers\nLANGUAGE: python\nSUMMARY: adds two numbers\nCRITERIA:\n";
  assert.equal(showNumberedSpec(spec, [2]), `${head}C2: add_numbers(0, 0) returns 0`);
  const all = `${head}C1: add_numbers(2, 3) returns 5\nC2: add_numbers(0, 0) returns 0`;
  assert.equal(showNumberedSpec(spec, []), all);
  assert.equal(showNumberedSpec(spec), all);
});
