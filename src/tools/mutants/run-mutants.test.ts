import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";
import { Workspaces } from "../../journal/workspaces.ts";
import { openSandbox } from "../../sandbox/open-sandbox.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { requireLanguage } from "../find-language.ts";
import type { Language } from "../language.ts";
import { loadLanguages } from "../load-languages.ts";
import { type MutantsReport, runMutants } from "./run-mutants.ts";

/* Real projects, real tests, real sandbox. */

const root = mkdtempSync(join(tmpdir(), "atos-mutants-"));
const scratch = join(root, "scratch");
let workspaces: Workspaces;
let sandbox: Sandbox;
let languages: readonly Language[];
before(async () => {
  languages = await loadLanguages([fileURLToPath(new URL("../../../languages", import.meta.url))]);
  mkdirSync(scratch);
  workspaces = await Workspaces.open(join(root, "trees.git"));
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(root, { recursive: true, force: true }));

async function tryOn(
  language: string,
  files: Readonly<Record<string, string>>,
  [test, most = 12]: readonly [string, number?],
): Promise<MutantsReport> {
  const tree = await workspaces.write(Object.entries(files).map(([path, content]) => ({ path, content })));
  const project = { tree, language: requireLanguage(language, languages), tests: [test], most };
  return runMutants({ sandbox, workspaces, scratch }, project, AbortSignal.timeout(120_000));
}

/** The changes, each with what became of it. */
function told(report: MutantsReport): readonly string[] {
  if (report.kind !== "tried") return assert.fail(JSON.stringify(report));
  assert.deepEqual(readdirSync(scratch), []);
  return report.mutants.map(({ path, line, after, outcome }) => `${path}:${line} ${after} ${outcome}`);
}

const PYTHON = `"""Sums < up > things."""


def clamp(value, low, high):
    if low > high:
        raise ValueError("low is above high")
    return max(low, min(value, high))  # low <= result <= high


def label(count):
    return "one" if count == 1 else "many"
`;
const PYTHON_TESTS = `import unittest
from sums import clamp, label


class T(unittest.TestCase):
    def test_clamp(self):
        self.assertEqual([clamp(n, 1, 3) for n in (0, 1, 2, 3, 4)], [1, 1, 2, 3, 3])
        self.assertEqual(clamp(5, 2, 2), 2)
        with self.assertRaises(ValueError):
            clamp(1, 3, 2)

    def test_label(self):
        self.assertEqual([label(0), label(1), label(2)], ["many", "one", "many"])
`;

test("good Python tests kill every mutant, and each is one change of the code", async () => {
  const report = await tryOn("python", { "sums.py": PYTHON, "test_sums.py": PYTHON_TESTS }, ["test_sums.py"]);
  assert.deepEqual(
    told(report).toSorted(),
    [
      "sums.py:5 if low >= high: killed",
      "sums.py:5 if not (low > high): killed",
      "sums.py:7 return None  # low <= result <= high killed",
      'sums.py:11 return "" if count == 1 else "many" killed',
      'sums.py:11 return "one" if count != 1 else "many" killed',
      'sums.py:11 return "one" if count == 2 else "many" killed',
      'sums.py:11 return "one" if count == 1 else "" killed',
      "sums.py:11 return None killed",
    ].toSorted(),
  );
  assert.ok(report.kind === "tried");
  assert.deepEqual([report.killed, report.survived], [8, 0]);
  assert.deepEqual(report.mutants[0]?.killedBy, "test_clamp");
});

test("Python tests that assert nothing let all survive", async () => {
  const idle =
    "import sums\n\n\ndef test_it_runs():\n    sums.clamp(1, 2, 3)\n    sums.label(1)\n\n\ndef test_nothing():\n    assert True\n";
  const report = await tryOn("python", { "sums.py": PYTHON, "test_sums.py": idle }, ["test_sums.py", 4]);
  // The one that raises is noticed by whoever calls it at all.
  const outcomes = told(report).filter((line) => !line.includes("not (low > high)"));
  assert.ok(outcomes.length >= 3);
  for (const line of outcomes) assert.match(line, / survived$/);
});

const TYPESCRIPT = `export type Kind = "small" | "large" | 3;

interface Limits {
  readonly most: 10 | 20;
}

/** Counts < like this. */
export function kindOf(value: number, limits: Limits = { most: 10 }): Kind {
  if (value >= limits.most) return "large";
  return \`small\`;
}
export const twice = (text: string): string => text + text;
`;
const TYPESCRIPT_TESTS = `import assert from "node:assert/strict";
import { test } from "node:test";
import { kindOf, twice } from "./kind.ts";
test("kinds", () => assert.deepEqual([kindOf(9), kindOf(10), kindOf(11)], ["small", "large", "large"]));
test("twice", () => assert.equal(twice("ab"), "abab"));
`;

test("good TypeScript tests kill every mutant, and no type is changed", async () => {
  const files = { "kind.ts": TYPESCRIPT, "kind.test.ts": TYPESCRIPT_TESTS };
  assert.deepEqual(told(await tryOn("typescript", files, ["kind.test.ts"])).toSorted(), [
    "kind.ts:10 return ``; killed",
    "kind.ts:10 return undefined; killed",
    "kind.ts:12 export const twice = (text: string): string => text - text; killed",
    "kind.ts:8 export function kindOf(value: number, limits: Limits = { most: 11 }): Kind { killed",
    'kind.ts:9 if (!(value >= limits.most)) return "large"; killed',
    'kind.ts:9 if (value > limits.most) return "large"; killed',
    'kind.ts:9 if (value >= limits.most) return ""; killed',
    "kind.ts:9 if (value >= limits.most) return undefined; killed",
  ]);
});

test("TypeScript tests that assert nothing let all survive", async () => {
  const idle =
    'import { test } from "node:test";\nimport { kindOf, twice } from "./kind.ts";\ntest("runs", () => void [kindOf(9), twice("a")]);\n';
  const report = await tryOn("typescript", { "kind.ts": TYPESCRIPT, "kind.test.ts": idle }, ["kind.test.ts"]);
  assert.ok(report.kind === "tried");
  assert.deepEqual([report.killed, report.survived], [0, 8]);
});

test("a mutant that never ends is killed in the time its tests have", async () => {
  const code = "def count(n):\n    i = 0\n    while i < n:\n        i += 1\n    return i\n";
  const tests =
    "import unittest\nfrom c import count\n\n\nclass T(unittest.TestCase):\n    def test_1(self):\n        self.assertEqual(count(3), 3)\n";
  const report = await tryOn("python", { "c.py": code, "test_c.py": tests }, ["test_c.py", 3]);
  const lines = told(report);
  assert.ok(lines.includes("c.py:4 i -= 1 killed"), lines.join("\n"));
});

test("a compiler's refusal is no test that failed, and what was compiled is there for the next mutant", async () => {
  const go = requireLanguage("go", languages);
  assert.ok(typeof go.runner !== "string");
  // In place of a compiler, which takes half a minute the first time: it refuses "-", and knows whether it was here.
  const script = `cache=.check-cache/seen
[ -e $cache ] || [ "$(grep -c 'if b > 1' f.go)" = 1 ] || exit 2
touch $cache
if grep -q ' - ' f.go; then echo 'f.go:5:3: no such operator' >&2; exit 1; fi
outcome=pass
grep -q 'if b > 1' f.go && grep -q '"!"' f.go || outcome=fail
printf '{"Action":"%s","Package":"f","Test":"TestJoin"}\\n' $outcome
[ $outcome = pass ]
`;
  const command = ["sh", "test.sh", "{cache}"] as [string, ...string[]];
  const language = {
    ...go,
    runner: { ...go.runner, syntax: ["true"] as [string], tests: { ...go.runner.tests, command } },
  };
  const code =
    'package f\n\nfunc Join(a string, b int) string {\n\tif b > 1 {\n\t\treturn a + "!"\n\t}\n\treturn a\n}\n';
  const files = { "f.go": code, "test.sh": script, "f_test.go": "package f\n\nfunc TestJoin(t *testing.T) {}\n" };
  const tree = await workspaces.write(Object.entries(files).map(([path, content]) => ({ path, content })));
  const project = { tree, language, tests: ["f_test.go"], most: 12 };
  const report = await runMutants({ sandbox, workspaces, scratch }, project, AbortSignal.timeout(60_000));
  assert.deepEqual(told(report).toSorted(), [
    "f.go:4 if !(b > 1) { killed",
    "f.go:4 if b > 2 { killed",
    "f.go:4 if b >= 1 { killed",
    'f.go:5 return a + "" killed',
  ]);
});

test("tests that fail without any change are told, and nothing is changed", async () => {
  const files = { "sums.py": "def label(n):\n    return 'x'\n", "test_sums.py": PYTHON_TESTS };
  const report = await tryOn("python", files, ["test_sums.py"]);
  assert.ok(report.kind === "red");
  assert.match(report.why, /clamp/);
});

test("a language of which nobody said how its code is changed is told", async () => {
  const language = { ...requireLanguage("python"), id: "cobol" };
  const project = { tree: await workspaces.write([]), language, tests: [], most: 12 };
  const report = await runMutants({ sandbox, workspaces, scratch }, project, AbortSignal.timeout(10_000));
  assert.deepEqual(report, { kind: "unsupported", language: "cobol" });
});
