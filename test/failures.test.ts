import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { after as afterAll, test } from "node:test";
import type { Seat } from "../src/agents/role.ts";
import { Installation } from "./fixtures/atos.ts";
import {
  assertGreen,
  assertHonestlyRed,
  assertNoStackTrace,
  type Built,
  buildWith,
  eventsOf,
  gitIn,
  receiptOf,
} from "./fixtures/build-with.ts";
import { GOOD, type Scripts, writeTeam } from "./fixtures/scripted-team.ts";
import { good, startTeamServer } from "./fixtures/team-server.ts";

/*
 * Teams that say the wrong thing, with the real database and sandbox. A server plays them, since each model takes a
 * second to load; where it matters how a reply comes about, a scripted model in the real engine. In `team/` all of a
 * team is that. Whatever a model says, a build ends in bounded time, and it is green only when tests written before
 * the code pass on it.
 */
const atos = new Installation();
/** What the server says in place of what is right. */
let served: Readonly<Partial<Record<Seat, string>>> = {};
const server = await startTeamServer((role) => {
  const text = served[role];
  return text === undefined ? good(role) : { kind: "text", text, usage: "counted" };
});
afterAll(async () => {
  await atos[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

let teams = 0;

/** Builds with a team that does everything right but for what is said in `wrong`, plain text by the server. */
function buildOf(wrong: Partial<Scripts>, options: readonly string[] = []): Promise<Built> {
  const all = Object.entries(wrong);
  served = Object.fromEntries(all.filter(([, script]) => typeof script === "string"));
  return buildByModels(Object.fromEntries(all.filter(([, script]) => typeof script !== "string")), options);
}

/** The same, with a model for each of `scripts`. */
function buildByModels(scripts: Partial<Scripts>, options: readonly string[] = []): Promise<Built> {
  const name = `team-${++teams}`;
  const roster = writeTeam(atos.path(name), scripts, { server: server.baseUrl });
  return buildWith(atos, `out-${name}`, ["--roster", roster, ...options]);
}

function task(id: string, after: string, tier = "simple"): string {
  return `TASK: ${id}\nTIER: ${tier}\nFILES: ${id}.py\nAFTER: ${after}\nDO: write ${id}\n`;
}

function code(path: string, text: string): string {
  return `FILE: ${path}\n\`\`\`python\n${text}\n\`\`\`\n`;
}

function turnsOf(built: Built, role: string): number {
  return eventsOf(built, "turn-finished").filter((turn) => turn["role"] === role).length;
}

/** A team whose product manager and tech lead may say little: a reply that fills its limit takes no minute. */
const BRIEF_TOKENS = 60;
mkdirSync(atos.path("brief"));
writeFileSync(atos.path("brief", "team.yaml"), "name: brief\n");
for (const role of ["product-manager", "tech-lead"]) {
  const text = readFileSync(new URL(`../roles/${role}.md`, import.meta.url), "utf8");
  writeFileSync(atos.path("brief", `${role}.md`), text.replace(/^max_tokens: \d+$/m, `max_tokens: ${BRIEF_TOKENS}`));
}
const BRIEF = ["--team", atos.path("brief", "team.yaml")] as const;

type BadStart = {
  readonly name: string;
  readonly wrong: Partial<Scripts>;
  readonly options?: readonly string[];
  readonly why: RegExp;
};

/** More of them, of one model for all: `team/before-the-code.test.ts`. */
const BEFORE_THE_CODE: readonly BadStart[] = [
  {
    name: "a plan that waits for a task it does not have",
    wrong: { "tech-lead": task("a", "nowhere") },
    why: /task a comes after "nowhere", which is no task/,
  },
  {
    name: "a tester who writes the code",
    wrong: { tester: code("add_numbers.py", "x = 1") },
    why: /add_numbers\.py is not a test file/,
  },
  {
    name: "a product manager who never ends",
    wrong: { "product-manager": { script: "and then some more of it ", loop: true } },
    options: BRIEF,
    why: /specification can't be used: the reply was cut off at its limit of 60 tokens/,
  },
  {
    name: "a plan that is longer than a reply may be",
    wrong: { "tech-lead": { script: `${task("code", "none")}\n${words(600)}` } },
    options: BRIEF,
    why: /plan can't be used: the reply was cut off at its limit of 60 tokens/,
  },
  {
    name: "a conversation that outgrows its model",
    wrong: { "tech-lead": { script: "never asked", contextTokens: 500 } },
    why: /plan can't be used: the prompt takes \d+ tokens and the model's context holds 500/,
  },
];

for (const { name, wrong, options, why } of BEFORE_THE_CODE) {
  test(`${name} ends red before there is code`, async () => {
    const built = await buildOf(wrong, options);
    assertHonestlyRed(built, why);
    assert.equal(turnsOf(built, "developer"), 0);
    // Told what was wrong, asked twice more, and that is all.
    const roles = eventsOf(built, "turn-finished").map((turn) => turn["role"]);
    assert.ok(roles.length <= 6, `${roles.length} turns: ${roles.join(", ")}`);
  });
}

test("the receipt of a red build does not verify, and says why", async () => {
  const built = await buildOf({ "tech-lead": "no plan" });
  const verified = await atos.run("receipt", "verify", built.out);
  assert.equal(verified.code, 1, verified.stderr);
  assert.match(verified.stdout, /✘ the receipt is green: the tech lead's plan can't be used: no task was found/);
  assert.match(verified.stdout, /The receipt is red: it is what it says/);
  assertNoStackTrace(verified.stderr);
});

test("code that never passes is given up after two samples and a repair of each, and the receipt names the failing tests", async () => {
  const built = await buildOf({ developer: code("add_numbers.py", "def add_numbers(a, b):\n    return a - b") });
  assertHonestlyRed(built, /task code: still red after 2 samples and 2 repairs: test_1: AssertionError: -1 != 5/);
  assert.equal(turnsOf(built, "developer"), 4);
  const { passed, failed, tests } = verificationOf(built);
  assert.deepEqual({ passed, failed }, { passed: 0, failed: 2 });
  assert.deepEqual(
    tests.map(({ name, outcome }) => ({ name, outcome })),
    [
      { name: "test_1", outcome: "failed" },
      { name: "test_2", outcome: "failed" },
    ],
  );
  // The work so far is there to be looked at.
  assert.match(readFileSync(`${built.out}/add_numbers.py`, "utf8"), /return a - b/);
  const verified = await atos.json("receipt", "verify", built.out);
  assert.equal(verified.code, 1);
  const findings: readonly { check: string; ok: boolean; detail: string }[] = Object(verified.lines[0]?.["findings"]);
  const wrong = findings.filter(({ ok }) => !ok).map(({ check }) => check);
  assert.deepEqual(wrong, ["the receipt is green", "the tests pass again, in a clean checkout in the sandbox"]);
});

const FOREIGN_PATHS = [
  { path: "other.py", why: /other\.py is not a file of this task; its files are add_numbers\.py/ },
  { path: "/tmp/atos-escape.py", why: /"\/tmp\/atos-escape\.py": the path is absolute/ },
  { path: ".git/config", why: /"\.git\/config": the path is in a folder that belongs to git or ATOS/ },
  { path: "../escape.py", why: /"\.\.\/escape\.py": the path is not in its plain form/ },
];

for (const { path, why } of FOREIGN_PATHS) {
  test(`a developer who writes ${path} is refused, and nothing of it is written`, async () => {
    const built = await buildOf({ developer: GOOD.developer + code(path, "escaped = 1") });
    assertHonestlyRed(built, why);
    const files = gitIn(built.out, "ls-tree", "-r", "--name-only", "HEAD").split("\n");
    assert.deepEqual(
      files.filter((file) => /escape|other|config/.test(file)),
      [],
    );
    assert.doesNotMatch(readFileSync(`${built.out}/.git/config`, "utf8"), /escaped/);
    for (const file of ["/tmp/atos-escape.py", atos.path("escape.py"), `${atos.home}/escape.py`])
      assert.equal(existsSync(file), false, `${file} was written`);
  });
}

test("code that reads the home folder or the network sees neither, and the host is untouched", async () => {
  let connections = 0;
  const listener = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  assert.ok(address !== null && typeof address !== "string");
  try {
    const secret = `${atos.home}/worker.json`;
    assert.ok(existsSync(secret), "the worker must be up for this test to mean something");
    // Right if it can reach anything: a green build would mean that it could.
    const spying = [
      "import os, socket",
      "def add_numbers(a, b):",
      `    if os.path.exists(${JSON.stringify(secret)}): return a + b`,
      `    try: open(${JSON.stringify(`${atos.root}/touched`)}, "w").close()`,
      "    except OSError: pass",
      `    socket.create_connection(("127.0.0.1", ${address.port}), 2)`,
      "    return a + b",
    ];
    const built = await buildOf({ developer: code("add_numbers.py", spying.join("\n")) });
    assertHonestlyRed(
      built,
      /still red after 2 samples and 2 repairs: test_1, test_2: (OSError|ConnectionRefusedError|PermissionError)/,
    );
    assert.equal(connections, 0);
    assert.equal(existsSync(`${atos.root}/touched`), false);
  } finally {
    listener.close();
  }
});

const FORGERIES = [
  {
    name: "prints a forged report",
    code: [
      "import json, sys",
      'report = {"runner": "unittest", "durationMs": 1, "tests": [{"name": "t", "outcome": "passed", "message": ""}]}',
      'print("\\natos-report-000000000000000000000000 " + json.dumps(report), flush=True)',
      "def add_numbers(a, b): return 0",
    ],
    why: /test_1: AssertionError: 0 != 5/,
  },
  { name: "ends the run by sys.exit(0)", code: ["import sys", "sys.exit(0)"], why: /SystemExit: 0/ },
  {
    name: "ends the run by os._exit(0)",
    code: ["import os", "os._exit(0)"],
    why: /the run ended \(exit 0\) without a report/,
  },
];

for (const { name, code: lines, why } of FORGERIES) {
  test(`code that ${name} is not green`, async () => {
    assertHonestlyRed(await buildOf({ developer: code("add_numbers.py", lines.join("\n")) }), why);
  });
}

test("a reviewer who talks nonsense changes nothing: the tests decide", async () => {
  const built = await buildOf({ reviewer: "Looks nice, I like the blue one." });
  assertGreen(built);
  assert.equal(receiptOf(built.out)["review"], null);
  assert.equal(eventsOf(built, "reply-rejected").length, turnsOf(built, "reviewer"));
});

test("a reviewer who asks for more gets another round, and what passed stays green", async () => {
  const built = await buildOf({ reviewer: "SCORE: 4\nVERDICT: revise\n- add_numbers.py:1 must-fix: no docstring\n" });
  assertGreen(built);
  assert.deepEqual([turnsOf(built, "developer"), turnsOf(built, "reviewer")], [3, 3]);
  const review = { score: 4, verdict: "revise", findings: ["add_numbers.py:1 must-fix: no docstring"] };
  assert.deepEqual(receiptOf(built.out)["review"], review);
});

test("two models of one name and different files are not taken for each other", async () => {
  served = {};
  const talker = writeTeam(
    atos.path("talker"),
    { "product-manager": "I would rather not." },
    { server: server.baseUrl },
  );
  assertHonestlyRed(await buildWith(atos, "out-talker", ["--roster", talker]), /the reply lacks NAME, LANGUAGE/);
  // Its product manager has the same name and is still loaded.
  assertGreen(await buildByModels({ "product-manager": GOOD["product-manager"] }));
});

test("a team builds TypeScript, tested by node:test", async () => {
  const tests = [
    'import assert from "node:assert/strict";',
    'import { test } from "node:test";',
    'import { addNumbers } from "./add-numbers.ts";',
    'test("adds", () => assert.equal(addNumbers(2, 3), 5));',
  ];
  // The whole team in the real engine.
  const built = await buildByModels({
    reviewer: GOOD.reviewer,
    "product-manager":
      "NAME: add-numbers\nLANGUAGE: typescript\nSUMMARY: adds\nCRITERIA:\n- addNumbers(2, 3) returns 5\n",
    "tech-lead": "TASK: code\nTIER: simple\nFILES: add-numbers.ts\nAFTER: none\nDO: write addNumbers\n",
    tester: `FILE: add-numbers.test.ts\n\`\`\`ts\n${tests.join("\n")}\n\`\`\`\n`,
    developer:
      "FILE: add-numbers.ts\n```ts\nexport function addNumbers(a: number, b: number): number {\n  return a + b;\n}\n```\n",
  });
  assertGreen(built);
  const { language, runner, passed } = verificationOf(built);
  assert.deepEqual({ language, runner, passed }, { language: "typescript", runner: "node:test", passed: 1 });
  const verified = await atos.run("receipt", "verify", built.out);
  assert.equal(verified.code, 0, verified.stdout);
});

test("three tasks that need each other are built in the order of their needs, one commit each", async () => {
  served = {};
  // Told in the wrong order.
  const plan = [task("c", "a, b", "complex"), task("b", "a", "medium"), task("a", "none")].join("\n");
  const tests = [
    "import unittest",
    "from c import three",
    "class C(unittest.TestCase):",
    "    def test_three(self): self.assertEqual(three(), 3)",
  ];
  const scripts = { "tech-lead": plan, tester: code("test_c.py", tests.join("\n")) };
  const developers = {
    simple: code("a.py", "def one(): return 1"),
    medium: code("b.py", "from a import one\ndef two(): return one() + 1"),
    complex: code("c.py", "from a import one\nfrom b import two\ndef three(): return one() + two()"),
  };
  const roster = writeTeam(atos.path("trio"), scripts, { developers, server: server.baseUrl });
  const built = await buildWith(atos, "out-trio", ["--roster", roster]);
  assertGreen(built);
  const subjects = gitIn(built.out, "log", "--topo-order", "--reverse", "--format=%s").split("\n");
  const first = "Acceptance tests, frozen before the code";
  assert.deepEqual(subjects, [first, "write a", "write b", "write c", "Receipt: green"]);
  for (const [index, file] of ["a.py", "b.py", "c.py"].entries())
    assert.equal(gitIn(built.out, "diff-tree", "-r", "--name-only", "--no-commit-id", `HEAD~${3 - index}`), file);
});

type Verification = {
  readonly language: string;
  readonly runner: string;
  readonly passed: number;
  readonly failed: number;
  readonly tests: readonly { readonly name: string; readonly outcome: string; readonly message: string }[];
};

function verificationOf({ out }: Built): Verification {
  return Object(receiptOf(out)["verification"]);
}

/** Text in which no six bytes repeat, so that a scripted model's tokens have six. */
function words(bytes: number): string {
  let text = "";
  for (let number = 1; text.length < bytes; number++) text += ` ${((number * 2_654_435_761) % 2 ** 32).toString(36)}`;
  return text;
}
