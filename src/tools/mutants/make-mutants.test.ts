import assert from "node:assert/strict";
import { test } from "node:test";
import { makeMutants } from "./make-mutants.ts";
import { mutationSites } from "./mutation-sites.ts";
import type { CodeFamily } from "./code-tokens.ts";

/** Every change of one line of code, as the line it makes. */
function changes(code: string, family: CodeFamily): readonly string[] {
  return mutationSites(code, family).map(
    ({ at, length, replacement }) => code.slice(0, at) + replacement + code.slice(at + length),
  );
}

test("each kind of change, in Python", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["x = a < b", ["x = a <= b"]],
    ["x = a == b", ["x = a != b"]],
    ["x = a + b", ["x = a - b"]],
    ["x = a and b", ["x = a or b"]],
    ["x = 9", ["x = 10"]],
    ["x = True", ["x = False"]],
    ["x = 'a'", ["x = ''"]],
    ["x = f'a{b}'", ["x = f''"]],
    ["return x", ["return None"]],
    ["return (x,\n  y)  # both", ["return None  # both"]],
    ["if a:\n  pass", ["if not (a):\n  pass"]],
    ["elif a[x:y]:\n  pass", ["elif not (a[x:y]):\n  pass"]],
  ];
  for (const [code, expected] of cases) assert.deepEqual(changes(code, "python"), expected, code);
});

test("each kind of change, in JavaScript and Go", () => {
  const cases: readonly (readonly [string, CodeFamily, readonly string[]])[] = [
    ["x = a === b;", "javascript", ["x = a !== b;"]],
    ["x = a && b;", "javascript", ["x = a || b;"]],
    ["x = `a${b}`;", "javascript", ["x = ``;"]],
    ["return f(x);", "javascript", ["return undefined;"]],
    ["return x }", "javascript", ["return undefined }"]],
    ["if (f(a)) b();", "javascript", ["if (!(f(a))) b();"]],
    ["x += y;", "javascript", ["x -= y;"]],
    ["if a {", "go", ["if !(a) {"]],
    ["if x := f(); x {", "go", []],
    ["return x", "go", []],
    ["x = a >= b", "go", ["x = a > b"]],
  ];
  for (const [code, family, expected] of cases) assert.deepEqual(changes(code, family), expected, code);
});

test("what is no code, documents, names a module, words an error or has one side is left alone", () => {
  const cases: readonly (readonly [string, CodeFamily])[] = [
    ['"""Tells whether a < b."""\n', "python"],
    ['def f():\n    "a == b"\n    pass', "python"],
    ["x = -y  # 1 + 1", "python"],
    ["f(*a, **b)", "python"],
    ["raise ValueError('no')", "python"],
    ["return", "python"],
    ["return None", "python"],
    ["def f(a) -> 'T': pass", "python"],
    ['import { a } from "./a.ts";', "javascript"],
    ['import "./a.ts";', "javascript"],
    ['"use strict";', "javascript"],
    ["throw new Error(`no`);", "javascript"],
    ["x.return; x.true", "javascript"],
    ["x = /a < 1/;", "javascript"],
    ["a++; f(-x); !y", "javascript"],
    ['import "fmt"', "go"],
    ['import (\n\t"fmt"\n\t"os"\n)', "go"],
    ["x = 'a'", "go"],
  ];
  for (const [code, family] of cases) assert.deepEqual(changes(code, family), [], code);
  assert.deepEqual(changes('if __name__ == "__main__":\n    main()\n', "python"), []);
});

const TWO_FUNCTIONS =
  "def low(a, b):\n    if a < b:\n        return a\n    return b\n\n\ndef sum(a, b):\n    return a + b\n";

test("a mutant is the whole file with one change, told by the line before and after", () => {
  assert.deepEqual(makeMutants([{ path: "m.py", text: "def f(a):\n    return a * 2\n" }], "python", 1), [
    {
      path: "m.py",
      line: 2,
      kind: "arithmetic",
      before: "return a * 2",
      after: "return a / 2",
      text: "def f(a):\n    return a / 2\n",
    },
  ]);
});

test("a few mutants are spread over files and functions before any is changed twice, and over lines", () => {
  const files = [
    { path: "a.py", text: TWO_FUNCTIONS },
    { path: "b.py", text: "def f(a):\n    return a - 1\n" },
  ];
  const places = makeMutants(files, "python", 7).map(({ path, line }) => `${path}:${line}`);
  assert.deepEqual(places.slice(0, 3).toSorted(), ["a.py:2", "a.py:8", "b.py:2"]);
  assert.equal(new Set(places).size, 4);
  assert.deepEqual(makeMutants(files, "python", 5), makeMutants(files, "python", 5));
});

test("there are never more than asked for, and all of them differ", () => {
  for (let most = 0; most < 30; most++) {
    const mutants = makeMutants([{ path: "a.py", text: TWO_FUNCTIONS }], "python", most);
    assert.ok(mutants.length <= most);
    assert.equal(new Set(mutants.map(({ text }) => text)).size, mutants.length);
  }
  assert.deepEqual(makeMutants([{ path: "a.cob", text: "ADD 1 TO X." }], "cobol", 12), []);
});

test("what is blanked out in a file's code is not changed", () => {
  const text = "let x: 1 | 2 = 3;\n";
  const code = "let x        = 3;\n";
  const after = makeMutants([{ path: "a.ts", text, code }], "typescript", 12).map((mutant) => mutant.after);
  assert.deepEqual(after, ["let x: 1 | 2 = 4;"]);
});

test("a bracket that nothing closes is not followed to the end of a long file", () => {
  for (const line of ["return (\n", "if (a[\n"]) {
    const sites = mutationSites(line.repeat(20_000), "javascript");
    assert.ok(sites.every(({ length }) => length < 2000 * line.length));
    assert.ok(sites.length < 2000, `${sites.length} sites`);
  }
});
