import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Workspaces } from "../journal/workspaces.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { deliver } from "./deliver.ts";
import { sha256 } from "./freeze-tests.ts";
import { MUTANTS_CHECK } from "./judge-mutants.ts";
import { type Receipt, RECEIPT_JSON, RECEIPT_MARKDOWN, receiptToJson, receiptToMarkdown } from "./receipt.ts";
import { verifyReceipt } from "./verify-receipt.ts";

const root = mkdtempSync(join(tmpdir(), "atos-verify-test-"));
const TEST =
  "import unittest\nfrom f import f\n\n\nclass T(unittest.TestCase):\n    def test_1(self):\n        self.assertEqual(f(2, 3), 5)\n";
const CODE = "def f(a, b):\n    return a + b\n";
const VERIFICATION: Receipt["verification"] = {
  language: "python",
  runner: "unittest",
  sandbox: "bubblewrap",
  passed: 1,
  failed: 0,
  tests: [{ name: "test_1", outcome: "passed", message: "" }],
};
let workspaces: Workspaces;
let sandbox: Sandbox;
let count = 0;
before(async () => {
  workspaces = await Workspaces.open(join(root, "workspaces.git"));
  sandbox = await openSandbox({ unsafe: false });
});
after(() => rmSync(root, { recursive: true, force: true }));

type Forgery = {
  readonly first?: readonly { readonly path: string; readonly content: string }[];
  readonly code?: string;
  readonly test?: string;
  readonly receipt?: Partial<Receipt>;
  readonly extra?: { readonly path: string; readonly content: string };
  readonly markdown?: string;
};

/** A delivered repository, true to its receipt but for what is forged. */
async function delivered(forgery: Forgery = {}): Promise<string> {
  const at = new Date(0);
  const { test: frozen = TEST } = forgery;
  const tree = await workspaces.write([
    { path: "f.py", content: forgery.code ?? CODE },
    { path: "test_f.py", content: frozen },
  ]);
  const first = await workspaces.write([{ path: "test_f.py", content: frozen }, ...(forgery.first ?? [])]);
  const tests = await workspaces.commit({ tree: first, parents: [], message: "tests\n", at });
  const commit = await workspaces.commit({ tree, parents: [tests], message: "code\n", at });
  const receipt: Receipt = {
    format: "atos-receipt/1",
    build: "b1",
    verdict: "green",
    why: "it passes",
    goal: "add",
    criteria: ["f(2, 3) returns 5"],
    commit,
    tree,
    frozenTests: [{ path: "test_f.py", sha256: sha256(frozen) }],
    verification: VERIFICATION,
    review: null,
    models: [],
    turns: 5,
    tokens: { prompt: 1, output: 1 },
    startedAt: at.toISOString(),
    finishedAt: at.toISOString(),
    ...forgery.receipt,
  };
  const files = [
    { path: RECEIPT_JSON, content: receiptToJson(receipt) },
    { path: RECEIPT_MARKDOWN, content: forgery.markdown ?? receiptToMarkdown(receipt) },
    ...(forgery.extra === undefined ? [] : [forgery.extra]),
  ];
  const receiptCommit = await workspaces.commit({
    tree: await workspaces.write(files, tree),
    parents: [commit],
    message: "receipt\n",
    at,
  });
  const directory = join(root, `out-${++count}`);
  await deliver({ buildId: "b1", repository: workspaces.repository, commit: receiptCommit, branch: "main", directory });
  return directory;
}

async function failedChecks(directory: string): Promise<readonly string[]> {
  const { ok, findings } = await verifyReceipt(directory, { sandbox }, AbortSignal.timeout(60_000));
  const failed = findings.filter((finding) => !finding.ok).map((finding) => finding.check);
  assert.equal(ok, failed.length === 0);
  return failed;
}

test("a repository that is what its receipt says passes, and later commits are told apart", async () => {
  const directory = await delivered();
  assert.deepEqual(await failedChecks(directory), []);
  writeFileSync(join(directory, "f.py"), "broken(");
  execFileSync("git", ["-C", directory, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qam", "later"]);
  const later = await verifyReceipt(directory, { sandbox }, AbortSignal.timeout(60_000));
  assert.deepEqual([later.ok, later.laterCommits], [true, 1]);
});

test("every lie is found", async () => {
  const cases: readonly (readonly [Forgery, RegExp])[] = [
    [{ code: "def f(a, b):\n    return a - b\n" }, /pass again/],
    [{ receipt: { tree: "0".repeat(40) } }, /verified tree/],
    [{ receipt: { commit: "0".repeat(40) } }, /follows the verified one/],
    [{ receipt: { frozenTests: [{ path: "test_f.py", sha256: "0".repeat(64) }] } }, /test that was frozen/],
    [{ receipt: { frozenTests: [] } }, /there are frozen tests/],
    [{ receipt: { verdict: "red" } }, /receipt is green/],
    [{ first: [{ path: "f.py", content: CODE }] }, /committed before any code/],
    [{ first: [{ path: "test_f.py", content: "" }] }, /committed before any code/],
    [{ receipt: { verification: { ...VERIFICATION, passed: 2 } } }, /pass again/],
    [{ extra: { path: "f.py", content: "def f(a, b):\n    return 5\n" } }, /touches nothing else/],
    [{ extra: { path: "backdoor.py", content: "" } }, /touches nothing else/],
    [{ markdown: "# Receipt: green\n\nTrust me.\n" }, /RECEIPT.md says/],
  ];
  for (const [forgery, expected] of cases)
    assert.match((await failedChecks(await delivered(forgery))).join("\n"), expected);
});

test("nothing that the repository is set up to fetch by is run, and an abort ends the copying", async () => {
  const directory = await delivered();
  const marker = join(root, "was-run");
  const script = join(root, "script");
  writeFileSync(script, `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
  const git = (...args: readonly string[]) => execFileSync("git", ["-C", directory, ...args], { encoding: "utf8" });
  for (const [name, value] of [
    ["core.repositoryFormatVersion", "1"],
    ["extensions.partialClone", "origin"],
    ["protocol.ext.allow", "always"],
    ["remote.origin.promisor", "true"],
    ["remote.origin.url", `ext::${script}`],
    ["remote.origin.uploadpack", script],
  ] as const)
    git("config", name, value);
  assert.deepEqual(await failedChecks(directory), []);
  // A partial clone that lacks an object would ask for it.
  const blob = git("rev-parse", "HEAD:f.py").trim();
  const packs = join(directory, ".git/objects/pack");
  for (const name of readdirSync(packs).filter((one) => one.endsWith(".pack"))) {
    const pack = readFileSync(join(packs, name));
    rmSync(packs, { recursive: true });
    execFileSync("git", ["-C", directory, "unpack-objects", "-q"], { input: pack });
  }
  rmSync(join(directory, ".git/objects", blob.slice(0, 2), blob.slice(2)));
  for (const url of [`ext::${script}`, root]) {
    git("config", "remote.origin.url", url);
    await assert.rejects(failedChecks(directory), { code: "workflows/no-receipt" });
    assert.equal(existsSync(marker), false, url);
  }
  const stopped = AbortSignal.abort(new Error("stopped"));
  await assert.rejects(verifyReceipt(directory, { sandbox }, stopped), { message: "stopped" });
  await assert.rejects(verifyReceipt(`ext::${script}`, { sandbox }, AbortSignal.timeout(60_000)), {
    code: "workflows/no-receipt",
  });
  assert.equal(existsSync(marker), false);
});

const MAYBE = "def f(a, b):\n    if a > b:\n        return 5\n    return a + b\n";

test("mutants show that the tests can fail, and which changes they do not notice", async () => {
  const options = { sandbox, mutants: 12 };
  const { ok, findings, mutants } = await verifyReceipt(
    await delivered({ code: MAYBE }),
    options,
    AbortSignal.timeout(60_000),
  );
  assert.ok(mutants?.kind === "tried");
  assert.deepEqual(mutants.mutants.map(({ line, after, outcome }) => `${line} ${after} ${outcome}`).toSorted(), [
    // Five either way, says the only test.
    "2 if a >= b: survived",
    "2 if not (a > b): survived",
    "3 return 6 survived",
    "3 return None survived",
    "4 return None killed",
    "4 return a - b killed",
  ]);
  const detail = "4 of 6 survived: the tests do not notice these changes of the code";
  assert.deepEqual([ok, findings.at(-1)], [true, { check: MUTANTS_CHECK, ok: true, detail }]);
});

test("tests that notice no change of the code at all prove nothing", async () => {
  const idle =
    "import unittest\nfrom f import f\n\n\nclass T(unittest.TestCase):\n    def test_1(self):\n        f(2, 3)\n";
  const directory = await delivered({ code: MAYBE, test: idle });
  const { ok, findings } = await verifyReceipt(directory, { sandbox, mutants: 4 }, AbortSignal.timeout(60_000));
  const detail = "none of 4 changes of the code made a test fail: these tests can't fail, and prove nothing";
  assert.deepEqual([ok, findings.at(-1)], [false, { check: MUTANTS_CHECK, ok: false, detail }]);
});

test("no mutant is tried where the receipt does not hold", async () => {
  const directory = await delivered({ receipt: { tree: "0".repeat(40) } });
  const { ok, mutants } = await verifyReceipt(directory, { sandbox, mutants: 4 }, AbortSignal.timeout(60_000));
  assert.deepEqual([ok, mutants], [false, undefined]);
});

test("nothing that a stranger's repository configures is run", async () => {
  const directory = await delivered();
  const proof = join(root, "it-ran");
  const command = `touch ${proof}`;
  writeFileSync(join(directory, ".git", "info", "attributes"), "* filter=evil\n");
  for (const [name, value] of [
    ["filter.evil.smudge", `sh -c '${command}; cat'`],
    ["filter.evil.required", "true"],
    ["core.fsmonitor", command],
    ["core.sshCommand", command],
    ["uploadpack.packObjectsHook", command],
    ["core.hooksPath", join(directory, "hooks")],
  ] as const) {
    execFileSync("git", ["-C", directory, "config", name, value]);
  }
  assert.deepEqual(await failedChecks(directory), []);
  assert.equal(existsSync(proof), false);
});

test("a folder without a repository or without a receipt is a usage error", async () => {
  const empty = mkdtempSync(join(root, "empty-"));
  await assert.rejects(verifyReceipt(empty, { sandbox }, AbortSignal.timeout(10_000)), {
    code: "workflows/no-receipt",
    exitCode: 2,
  });
  execFileSync("git", ["init", "-q", empty]);
  await assert.rejects(verifyReceipt(empty, { sandbox }, AbortSignal.timeout(10_000)), {
    code: "workflows/no-receipt",
  });
  const directory = await delivered();
  writeFileSync(join(directory, RECEIPT_JSON), '{"format": "atos-receipt/1"}');
  execFileSync("git", ["-C", directory, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qam", "forged"]);
  await assert.rejects(verifyReceipt(directory, { sandbox }, AbortSignal.timeout(10_000)), /can't be read/);
  assert.match(readFileSync(join(directory, RECEIPT_MARKDOWN), "utf8"), /Receipt: green/);
});
