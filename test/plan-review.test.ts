import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { openDatabase } from "../src/store/database.ts";
import { Installation } from "./fixtures/atos.ts";
import { gitIn, receiptOf } from "./fixtures/build-with.ts";
import { type Session, startInTerminal } from "./fixtures/in-terminal.ts";
import { journalOf, journalProblems } from "./fixtures/journal-of.ts";
import { startNoticeServer } from "./fixtures/notice-server.ts";
import { startTeamServer } from "./fixtures/team-server.ts";

/* Builds whose plan and tests a person looks at first, at a terminal. The editor is a script that each test writes. */
const webhook = await startNoticeServer();
const atos = new Installation({
  EDITOR: "sh ./editor.sh",
  ATOS_WORKER_IDLE_SECONDS: "60",
  ATOS_APPROVAL_WEBHOOK: webhook.url,
});
const server = await startTeamServer();
after(async () => {
  await atos[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await webhook[Symbol.asyncDispose]();
});
const QUESTION = "accept, edit or stop? [a/e/s] ";

function start(out: string, ...flags: readonly string[]): Session {
  return startInTerminal(atos, [
    "build",
    "Write add_numbers",
    "--model",
    `${server.baseUrl}#m`,
    "--out",
    out,
    ...flags,
  ]);
}

/** The editor of the next edit, which begins in the folder of the plan. */
function editorDoes(...lines: readonly string[]): void {
  writeFileSync(atos.path("editor.sh"), ["set -e", 'cd "$(dirname "$1")"', ...lines, ""].join("\n"));
}

async function statusOf(id: string): Promise<Record<string, unknown>> {
  return (await atos.json("status", id)).lines[0] ?? {};
}

async function questionOf(id: string): Promise<string> {
  const questions = Object.values(Object((await statusOf(id))["questions"]));
  assert.equal(questions.length, 1);
  return String(Object(questions[0])["id"]);
}

/** Sets the clock of the question forward, as it were. */
async function expireQuestion(question: string): Promise<void> {
  const { databaseUrl } = Object(JSON.parse(readFileSync(atos.path("home", "worker.json"), "utf8")));
  await using db = openDatabase(String(databaseUrl));
  await db
    .updateTable("atos.approvals")
    .set({ expires_at: new Date(0) })
    .where("id", "=", question)
    .execute();
}

function buildId(screen: string): string {
  const id = /build (\S+) →/.exec(screen)?.[1];
  assert.ok(id !== undefined, screen);
  return id;
}

async function assertSound(id: string): Promise<void> {
  assert.deepEqual(journalProblems(await journalOf(atos, id)), []);
}

test("plan and tests are shown whole, and accepted the build goes on to its end", async () => {
  const session = start("accepted");
  const screen = await session.sees(QUESTION);
  assert.match(screen, /Specification: add_numbers \(python\): adds two numbers\s+C1 {2}add_numbers\(2, 3\) returns 5/);
  assert.match(screen, /Plan: 1 task\s+● code · simple · add_numbers\.py · C1, C2/);
  assert.match(screen, /── test_add_numbers\.py \(task code\) ─+\s+1 │ import unittest/);
  session.types("yes?");
  await session.sees(QUESTION);
  session.types("accept");
  const { code, stdout } = await session.ended;
  assert.equal(code, 0, stdout);
  assert.equal(receiptOf(atos.path("accepted"))["reviewed"], "accepted");
  await assertSound(buildId(screen));
});

test("stop ends the build with 1, and nothing is built", async () => {
  const session = start("stopped");
  await session.sees(QUESTION);
  session.types("s");
  await session.sees("why?");
  session.types("not what I meant");
  const { code, stdout } = await session.ended;
  assert.equal(code, 1, stdout);
  assert.match(stdout, /Refused: stopped by a person: not what I meant\s+Nothing was built\./);
});

test("edited tests are frozen in place of the drafted ones, and looked at once more", async () => {
  const session = start("edited");
  const id = buildId(await session.sees(QUESTION));
  editorDoes("sed -i.bak 's/(-1, 1), 0/(-1, 3), 2/' tests/code/test_add_numbers.py", "rm tests/code/*.bak");
  session.types("e");
  assert.match(await session.sees(QUESTION), /add_numbers\(-1, 3\), 2/);
  session.types("a");
  const { code, stdout } = await session.ended;
  assert.equal(code, 0, stdout);
  assert.equal(receiptOf(atos.path("edited"))["reviewed"], "edited");
  assert.match(readFileSync(atos.path("edited", "RECEIPT.md"), "utf8"), /edited and accepted by a person/);
  assert.match(gitIn(atos.path("edited"), "show", "HEAD:test_add_numbers.py"), /\(-1, 3\), 2/);
  const verified = await atos.run("receipt", "verify", "edited");
  assert.equal(verified.code, 0, verified.stderr);
  await assertSound(id);
});

test("a plan in a circle is not sent; tests that pass without code come back from the worker", async () => {
  const session = start("refused");
  await session.sees(QUESTION);
  editorDoes(
    "printf '\\nTASK: b\\nTIER: simple\\nFILES: b.py\\nAFTER: c\\nCOVERS: none\\nDO: b\\n' >>plan.md",
    "printf '\\nTASK: c\\nTIER: simple\\nFILES: c.py\\nAFTER: b\\nCOVERS: none\\nDO: c\\n' >>plan.md",
  );
  session.types("e");
  await session.sees(/this can't be used: plan\.md: the tasks wait for each other in a circle: .*\s+edit again/);
  session.types("d");
  await session.sees(QUESTION);
  editorDoes(
    "printf 'import unittest\\nclass A(unittest.TestCase):\\n    def test_a(self):\\n        pass\\n' >tests/code/test_add_numbers.py",
  );
  session.types("e");
  const screen = await session.sees(QUESTION);
  assert.match(screen, /What was changed can't be used.*\s+the tests of code: test_add_numbers\.py passes although/);
  assert.match(screen, /add_numbers\(-1, 1\), 0/, "what stands is shown");
  editorDoes(
    "grep -q 'pass$' tests/code/test_add_numbers.py",
    "printf 'from add_numbers import add_numbers\\nimport unittest\\nclass A(unittest.TestCase):\\n    def test_a(self):\\n        self.assertEqual(add_numbers(4, 5), 9)\\n' >tests/code/test_add_numbers.py",
  );
  session.types("e");
  assert.match(await session.sees(QUESTION), /add_numbers\(4, 5\), 9/);
  session.types("a");
  const { code, stdout } = await session.ended;
  assert.equal(code, 0, stdout);
  assert.deepEqual(
    readdirSync(atos.home).filter((name) => name.startsWith("plan-")),
    [],
  );
});

test("another terminal can answer, also while the build is paused", async () => {
  const session = start("elsewhere");
  const id = buildId(await session.sees(QUESTION));
  const question = await questionOf(id);
  const notices = webhook.notices.filter(({ body }) => body["approval"] === question);
  assert.deepEqual(
    notices.map(({ body }) => [body["type"], body["build"], Object(body["shown"]).kind]),
    [["approval-asked", id, "plan"]],
  );
  session.types("\u0003");
  await session.sees(`atos resume ${id}`);
  assert.equal((await session.ended).code, 130);
  assert.equal((await statusOf(id))["state"], "paused");
  const approved = await atos.run("approve", question);
  assert.match(approved.stdout, new RegExp(`^approved: ${question}, the plan of build ${id}\\n`), approved.stderr);
  const resumed = await atos.run("resume", id);
  assert.equal(resumed.code, 0, resumed.stderr);
  await assertSound(id);
});

test("a worker that is killed while a person thinks asks the same question again", async () => {
  const session = start("killed");
  const id = buildId(await session.sees(QUESTION));
  const question = await questionOf(id);
  const worker = atos.workerPid();
  assert.ok(worker !== undefined);
  process.kill(worker, "SIGKILL");
  await session.sees("starting again, nothing is lost");
  await session.sees(QUESTION);
  assert.equal(await questionOf(id), question);
  const denied = await atos.run("deny", question, "--reason", "later");
  assert.equal(denied.code, 0, denied.stderr);
  const { code, stdout } = await session.ended;
  assert.equal(code, 1, stdout);
  assert.match(stdout, /the question is denied by \S+[^]*Refused: stopped by a person: later/);
});

test("--plan-only ends with 0 when plan and tests stand, and a resume builds without asking again", async () => {
  const { code, lines, stderr } = await atos.json(
    "build",
    "Write add_numbers",
    "--model",
    `${server.baseUrl}#m`,
    "--out",
    "plan",
    "--plan-only",
  );
  assert.equal(code, 0, stderr);
  const result = lines.at(-1) ?? {};
  assert.deepEqual([result["state"], result["exitCode"]], ["paused", 0]);
  const plan = Object(result["plan"]);
  assert.deepEqual([plan.tasks.length, plan.tests[0].path], [1, "test_add_numbers.py"]);
  const id = String(result["build"]);
  const resumed = startInTerminal(atos, ["resume", id]);
  const ended = await resumed.ended;
  assert.equal(ended.code, 0, ended.stdout);
  assert.equal(receiptOf(atos.path("plan"))["reviewed"], "resumed");
  assert.match(
    readFileSync(atos.path("plan", "RECEIPT.md"), "utf8"),
    /^- plan and tests, before the code: shown first, and gone on with by a resume$/m,
  );
  await assertSound(id);
});

test("a question that nobody answers in time parks the build, and a resume asks it again", async () => {
  const session = start("expired");
  const id = buildId(await session.sees(QUESTION));
  await expireQuestion(await questionOf(id));
  await session.sees("nobody answered within");
  assert.equal((await session.ended).code, 130);
  const again = startInTerminal(atos, ["resume", id]);
  await again.sees(QUESTION);
  again.types("a");
  assert.equal((await again.ended).code, 0);
  await assertSound(id);
});
