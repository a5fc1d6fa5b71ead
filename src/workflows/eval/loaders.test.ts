import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { openSandbox } from "../../sandbox/open-sandbox.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { BUILT_IN_LANGUAGES } from "../../tools/built-in-languages.ts";
import { gradeSolution } from "./grade-solution.ts";
import { loadExercises } from "./load-exercises.ts";
import { loadHumaneval } from "./load-humaneval.ts";
import { loadMbpp } from "./load-mbpp.ts";
import { loadTaskFolders } from "./load-task-folders.ts";
import type { EvalSuite } from "./suite.ts";

const root = mkdtempSync(join(tmpdir(), "atos-eval-load-"));
let sandbox: Sandbox;
before(async () => {
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A folder with these files. */
function folderOf(files: Readonly<Record<string, string | Buffer>>): string {
  const folder = join(root, String(++folders));
  for (const [path, content] of Object.entries({ ".keep": "", ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

function lines(...values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

async function passes(suite: EvalSuite, id: string, files: Readonly<Record<string, string>>): Promise<boolean> {
  const task = suite.tasks.find((one) => one.id === id);
  assert.ok(task !== undefined, `${id} is not among ${suite.tasks.map((one) => one.id).join(", ")}`);
  const list = Object.entries(files).map(([path, content]) => ({ path, content }));
  const grade = await gradeSolution(
    { sandbox, scratchDirectory: root },
    { task, files: list },
    AbortSignal.timeout(60_000),
  );
  return grade.passed;
}

function refused(where: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof Error && "code" in error && "exitCode" in error);
    assert.deepEqual([error.code, error.exitCode], ["workflows/bad-suite", 2]);
    assert.match(error.message, where);
    return true;
  };
}

const HALVE = {
  task_id: "Own/0",
  prompt:
    'from typing import List\n\n\ndef twice(n: int) -> int:\n    return n * 2\n\n\ndef halves(numbers: List[int]) -> List[float]:\n    """Half of each.\n    >>> halves([2])\n    [1.0]\n    """\n',
  entry_point: "halves",
  canonical_solution: "    return [n / 2 for n in numbers]\n",
  test: "\n\nMETADATA = {'author': 'own'}\n\n\ndef check(candidate):\n    assert candidate([2, 5]) == [1.0, 2.5]\n    assert candidate([twice(3)]) == [3.0]\n",
};

test("HumanEval: the goal has the prompt, the check stays hidden and may use what the prompt defines", async () => {
  const file = join(folderOf({ "he.jsonl.gz": gzipSync(lines(HALVE)) }), "he.jsonl.gz");
  const suite = await loadHumaneval(file, BUILT_IN_LANGUAGES);
  const [task] = suite.tasks;
  assert.deepEqual(
    [suite.tasks.length, task?.id, task?.entry, task?.tests],
    [1, "Own/0", ["solution.py"], ["test_hidden.py"]],
  );
  assert.ok(task?.goal.includes("def halves(numbers") && !task.goal.includes("candidate"));
  const solution = "def halves(numbers):\n    return [n / 2 for n in numbers]\n";
  assert.equal(await passes(suite, "Own/0", { "solution.py": solution }), true);
  assert.equal(await passes(suite, "Own/0", { "solution.py": solution.replace("n / 2", "n") }), false);
});

const PAIRS = {
  task_id: 7,
  text: "Write a function to add up the pairs.",
  code: "class Pair(object):\r\n    def __init__(self, a, b):\r\n        self.a = a\r\n        self.b = b\r\n\r\ndef inner(p):\r\n    return p.a + p.b\r\n\r\ndef add_pairs(pairs, start=0):\r\n    return start + sum(inner(p) for p in pairs)\r\n",
  test_list: ['assert add_pairs([Pair(1, 2), Pair(3, 4)]) == 10, "sum"', "assert add_pairs([], 5) == 5"],
  test_setup_code: "",
  challenge_test_list: [],
};

test("MBPP: the goal has the signatures of what the tests call, and no test", async () => {
  const sanitised = {
    ...PAIRS,
    task_id: 8,
    text: undefined,
    prompt: "Add up.",
    test_imports: ["import math"],
    test_list: ["assert math.isclose(add_pairs([]), 0)"],
  };
  const file = join(folderOf({ "mbpp.jsonl": lines(PAIRS, sanitised) }), "mbpp.jsonl");
  const suite = await loadMbpp(file, BUILT_IN_LANGUAGES);
  assert.equal(
    suite.tasks[0]?.goal,
    "Write a function to add up the pairs.\n\nPut it into the Python file solution.py, with exactly these names and arguments:\n\nclass Pair(object):\n    def __init__(self, a, b):\ndef add_pairs(pairs, start=0):\n",
  );
  assert.equal(await passes(suite, "mbpp/7", { "solution.py": PAIRS.code }), true);
  assert.equal(await passes(suite, "mbpp/7", { "solution.py": PAIRS.code.replace("start + sum", "sum") }), false);
  assert.equal(await passes(suite, "mbpp/8", { "solution.py": "def add_pairs(pairs):\n    return 0.0\n" }), true);
});

test("a line that is wrong is named with its file and number", async () => {
  const folder = folderOf({
    "no-json.jsonl": `${lines(HALVE)}\n{"task_id": \n`,
    "no-entry.jsonl": lines(HALVE, { ...HALVE, task_id: "Own/1", entry_point: undefined }),
    "no-check.jsonl": lines({ ...HALVE, test: "assert True" }),
    "twice.jsonl": lines(HALVE, HALVE),
    "empty.jsonl": "\n",
    "uncalled.jsonl": lines({ ...PAIRS, test_list: ["assert True"] }),
    "untold.jsonl": lines({ ...PAIRS, text: " " }),
    "broken.jsonl.gz": Buffer.from([0x1f, 0x8b, 1, 2, 3]),
  });
  const humaneval = (name: string) => loadHumaneval(join(folder, name), BUILT_IN_LANGUAGES);
  const mbpp = (name: string) => loadMbpp(join(folder, name), BUILT_IN_LANGUAGES);
  await assert.rejects(humaneval("no-json.jsonl"), refused(/no-json\.jsonl, line 3: it is no JSON/));
  await assert.rejects(humaneval("no-entry.jsonl"), refused(/no-entry\.jsonl, line 2: .*entry_point/));
  await assert.rejects(humaneval("no-check.jsonl"), refused(/no-check\.jsonl, line 1: .*check\(candidate\)/));
  await assert.rejects(humaneval("twice.jsonl"), refused(/the task Own\/0 comes twice/));
  await assert.rejects(humaneval("empty.jsonl"), refused(/there is no task in it/));
  await assert.rejects(humaneval("absent.jsonl"), refused(/absent\.jsonl: it can't be read/));
  await assert.rejects(humaneval("broken.jsonl.gz"), refused(/broken\.jsonl\.gz: it can't be read/));
  await assert.rejects(mbpp("uncalled.jsonl"), refused(/uncalled\.jsonl, line 1: its tests call nothing/));
  await assert.rejects(mbpp("untold.jsonl"), refused(/untold\.jsonl, line 1: .*neither text nor prompt/));
});

const CONFIG = {
  authors: ["a"],
  files: { solution: ["counter.py"], test: ["counter_test.py"], example: [".meta/example.py"] },
};
const COUNTER = {
  "python/exercises/practice/counter/.meta/config.json": JSON.stringify(CONFIG),
  "python/exercises/practice/counter/.docs/introduction.md": "# Introduction\n\nCounting is old.\n",
  "python/exercises/practice/counter/.docs/instructions.md": "# Instructions\n\nCount the letters.\n",
  "python/exercises/practice/counter/counter.py": "def count(text):\n    pass\n",
  "python/exercises/practice/counter/counter_test.py":
    "import unittest\n\nfrom counter import count\n\n\nclass CounterTest(unittest.TestCase):\n    def test_word(self):\n        self.assertEqual(count('ab c'), 3)\n",
};

test("exercises: instructions and stub are the goal, test files of any name are run", async () => {
  const base = "typescript/exercises/practice/say";
  const folder = folderOf({
    ...COUNTER,
    [`${base}/.meta/config.json`]: JSON.stringify({ files: { solution: ["say.ts"], test: ["say.test.ts"] } }),
    [`${base}/.docs/instructions.md`]: "Say it.\n",
    [`${base}/say.ts`]: "",
    [`${base}/say.test.ts`]: "import { expect, it } from 'vitest'\nimport { say } from './say'\n",
    "cobol/exercises/practice/x/.meta/config.json": JSON.stringify({ files: { solution: ["x.cob"], test: ["t.sh"] } }),
  });
  const suite = await loadExercises(folder, BUILT_IN_LANGUAGES);
  const id = "python/exercises/practice/counter";
  assert.deepEqual(
    suite.tasks.map((task) => task.id),
    [id],
  );
  assert.equal(
    suite.tasks[0]?.goal,
    "# Introduction\n\nCounting is old.\n\n# Instructions\n\nCount the letters.\n\nWrite counter.py, keeping the names and arguments that stand there already:\n\nFILE: counter.py\n```python\ndef count(text):\n    pass\n```\n",
  );
  assert.deepEqual(suite.notes, [
    "cobol/exercises/practice/x was left out: ATOS has no language for x.cob",
    `${base} was left out: its tests need vitest, which is not there offline`,
  ]);
  const right = "def count(text):\n    return sum(c.isalpha() for c in text)\n";
  assert.equal(await passes(suite, id, { "counter.py": right }), true);
  assert.equal(await passes(suite, id, { "counter.py": "def count(text):\n    return len(text)\n" }), false);
});

test("tests that import modules of Node, with and without its prefix, need no package", async () => {
  const base = "exercises/practice/say";
  const imports = ["assert/strict", "fs", "node:test", "util", "./say.ts"];
  const folder = folderOf({
    [`${base}/.meta/config.json`]: JSON.stringify({ files: { solution: ["say.ts"], test: ["say.test.ts"] } }),
    [`${base}/.docs/instructions.md`]: "Say it.\n",
    [`${base}/say.ts`]: "",
    [`${base}/say.test.ts`]: imports.map((name) => `import * as x from "${name}";\n`).join(""),
  });
  const { tasks, notes } = await loadExercises(folder, BUILT_IN_LANGUAGES);
  assert.deepEqual([tasks.map(({ id }) => id), notes], [[base], []]);
});

test("an exercise that is wrong is named with its file", async () => {
  const config = "python/exercises/practice/counter/.meta/config.json";
  const load = (files: Readonly<Record<string, string>>) => loadExercises(folderOf(files), BUILT_IN_LANGUAGES);
  await assert.rejects(load({ ...COUNTER, [config]: "{" }), refused(/counter\/\.meta\/config\.json: it is no JSON/));
  await assert.rejects(load({ ...COUNTER, [config]: '{"files":{}}' }), refused(/config\.json: .*solution/));
  const outside = JSON.stringify({ files: { ...CONFIG.files, test: ["../x_test.py"] } });
  await assert.rejects(load({ ...COUNTER, [config]: outside }), refused(/"\.\.\/x_test\.py": the path is not/));
  const lost = JSON.stringify({ files: { ...CONFIG.files, test: ["lost_test.py"] } });
  await assert.rejects(load({ ...COUNTER, [config]: lost }), refused(/lost_test\.py: it can't be read/));
  const { "python/exercises/practice/counter/.docs/instructions.md": _told, ...untold } = COUNTER;
  await assert.rejects(
    load({ ...untold, "python/exercises/practice/counter/.docs/introduction.md": "" }),
    refused(/instructions\.md: it is missing or empty/),
  );
  await assert.rejects(load({ "readme.md": "" }), refused(/no folder in it has a \.meta\/config\.json/));
});

const OWN = {
  "tasks/add/task.yaml": "language: py\ntier: simple\nentry: [add.py]\ngoal: |\n  Write add.py.\n",
  "tasks/add/hidden/test_hidden.py": "import unittest\n",
  "support/python/shared.py": "x = 1\n",
};

test("ATOS's own format: hidden tests, and what those of a language share", async () => {
  const suite = await loadTaskFolders(folderOf(OWN), "own", BUILT_IN_LANGUAGES);
  const [task] = suite.tasks;
  assert.deepEqual(
    [
      task?.id,
      task?.language.id,
      task?.tier,
      task?.goal,
      task?.entry,
      task?.tests,
      task?.hidden.map(({ path }) => path),
    ],
    ["add", "python", "simple", "Write add.py.", ["add.py"], ["test_hidden.py"], ["test_hidden.py", "shared.py"]],
  );
});

test("a task of ATOS's own format that is wrong is named with its file", async () => {
  const load = (files: Readonly<Record<string, string>>) => loadTaskFolders(folderOf(files), "own", BUILT_IN_LANGUAGES);
  const task = "tasks/add/task.yaml";
  await assert.rejects(load({ ...OWN, [task]: "language: [" }), refused(/add\/task\.yaml/));
  await assert.rejects(load({ ...OWN, [task]: `${OWN[task]}colour: red\n` }), refused(/add\/task\.yaml: .*colour/));
  await assert.rejects(load({ ...OWN, [task]: "language: cobol\ngoal: x\n" }), refused(/no language cobol/));
  await assert.rejects(load({ [task]: OWN[task] }), refused(/task add: it has no hidden test/));
  await assert.rejects(load({ "support/x": "" }), refused(/its folder tasks can't be read/));
});

test("a suite's hash is that of its content, not of the order of its tasks", async () => {
  const hash = async (files: Readonly<Record<string, string>>): Promise<string> =>
    (await loadTaskFolders(folderOf(files), "own", BUILT_IN_LANGUAGES)).sha256;
  const same = await hash(OWN);
  assert.equal(await hash(OWN), same);
  assert.notEqual(await hash({ ...OWN, "tasks/add/hidden/test_hidden.py": "import unittest \n" }), same);
  const other = { ...HALVE, task_id: "Own/1" };
  const folder = folderOf({ "a.jsonl": lines(HALVE, other), "b.jsonl": lines(other, HALVE) });
  const [a, b] = await Promise.all(
    ["a", "b"].map((name) => loadHumaneval(join(folder, `${name}.jsonl`), BUILT_IN_LANGUAGES)),
  );
  assert.equal(a?.sha256, b?.sha256);
});
