import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Installation } from "../../test/fixtures/atos.ts";
import { FakeOpenAiServer } from "../../test/fixtures/fake-openai-server.ts";
import { Workspaces } from "../journal/workspaces.ts";
import { deliver } from "../workflows/deliver.ts";
import { sha256 } from "../workflows/freeze-tests.ts";
import { RECEIPT_JSON, RECEIPT_MARKDOWN, receiptToJson, receiptToMarkdown } from "../workflows/receipt.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const SLOW =
  "import time\nimport unittest\n\n\nclass T(unittest.TestCase):\n    def test_1(self):\n        time.sleep(50)\n";

async function waitFor(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (holds()) return;
    await setTimeout(100);
  }
  assert.fail(`waited 30 s in vain for ${what}`);
}

/** A delivered repository whose only test takes long. */
async function delivered(folder: string): Promise<string> {
  const workspaces = await Workspaces.open(join(folder, "workspaces.git"));
  const at = new Date(0);
  const test = { path: "test_f.py", content: SLOW };
  const first = await workspaces.write([test]);
  const tests = await workspaces.commit({ tree: first, parents: [], message: "tests\n", at });
  const tree = await workspaces.write([test, { path: "f.py", content: "" }]);
  const commit = await workspaces.commit({ tree, parents: [tests], message: "code\n", at });
  const receipt = {
    format: "atos-receipt/1" as const,
    build: "b1",
    verdict: "green" as const,
    why: "it passes",
    goal: "wait",
    criteria: [],
    commit,
    tree,
    frozenTests: [{ path: test.path, sha256: sha256(SLOW) }],
    verification: { language: "python", runner: "unittest", sandbox: "none", passed: 1, failed: 0, tests: [] },
    review: null,
    models: [],
    turns: 1,
    tokens: { prompt: 1, output: 1 },
    startedAt: at.toISOString(),
    finishedAt: at.toISOString(),
  };
  const told = [
    { path: RECEIPT_JSON, content: receiptToJson(receipt) },
    { path: RECEIPT_MARKDOWN, content: receiptToMarkdown(receipt) },
  ];
  const last = await workspaces.write(told, tree);
  const tip = await workspaces.commit({ tree: last, parents: [commit], message: "receipt\n", at });
  const directory = join(folder, "out");
  await deliver({ buildId: "b1", repository: workspaces.repository, commit: tip, branch: "main", directory });
  return directory;
}

test("a receipt's verification ends cleanly at Ctrl-C, when asked to end, and without its terminal", async () => {
  await using atos = new Installation();
  const directory = await delivered(atos.root);
  for (const signal of SIGNALS) {
    const TMPDIR = atos.path(signal);
    mkdirSync(TMPDIR);
    const client = atos.start(["receipt", "verify", directory], { through: ["env", `TMPDIR=${TMPDIR}`] });
    const began = () => readdirSync(TMPDIR).some((name) => existsSync(join(TMPDIR, name, "checkout/f.py")));
    await waitFor("the tests to begin", () => began() || client.exitCode !== null);
    await setTimeout(300);
    client.kill(signal);
    const { code, stdout, stderr } = await client.ended;
    assert.equal(code, 130, `${signal}: ${stdout}${stderr}`);
    const left = readdirSync(TMPDIR).filter((name) => name !== "node-compile-cache");
    assert.deepEqual(left, [], signal);
  }
});

test("a command that has a model of its own ends as cleanly", async () => {
  await using atos = new Installation();
  await using server = await FakeOpenAiServer.start({ reply: () => ({ kind: "hang" }) });
  for (const signal of SIGNALS) {
    const before = server.chats.length;
    const client = atos.start(["models", "probe", `${server.baseUrl}#fake`]);
    await waitFor("the model to be asked", () => server.chats.length > before || client.exitCode !== null);
    client.kill(signal);
    const { code, stderr } = await client.ended;
    assert.equal(code, 130, `${signal}: ${stderr}`);
  }
});
