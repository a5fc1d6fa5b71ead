import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gitAs, makeProject } from "../../test/fixtures/project.ts";
import { type WorkspaceFile, Workspaces } from "../journal/workspaces.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { deliverToRepository } from "./deliver-to-repository.ts";
import { sha256 } from "./freeze-tests.ts";
import { PULL_REQUEST } from "./pull-request.ts";
import { type Receipt, RECEIPT_JSON, RECEIPT_MARKDOWN, receiptToJson, receiptToMarkdown } from "./receipt.ts";
import { RERUN_CHECK, verifyReceipt } from "./verify-receipt.ts";

const root = mkdtempSync(join(tmpdir(), "atos-verify-branch-"));
const testOf = (name: string, call: string, value: string): string =>
  `import unittest\nfrom core import ${name}\n\n\nclass T(unittest.TestCase):\n    def test_${name}(self):\n        self.assertEqual(${call}, ${value})\n`;
const ADD = "def add(a, b):\n    return a + b\n";
const SUB = `${ADD}\n\ndef sub(a, b):\n    return a - b\n`;
const OWN = testOf("add", "add(2, 3)", "5");
const FROZEN = testOf("sub", "sub(5, 3)", "2");
// The repository has code of its own from the beginning, one file that can't be parsed, and an older receipt.
const directory = makeProject(join(root, "project"), {
  "core.py": ADD,
  "test_add.py": OWN,
  "far.py": "def far(a):\n    return a + 1\n",
  "old.py": "print 'python 2'\n",
  "RECEIPT.md": "# Receipt: green\n",
});
let workspaces: Workspaces;
let sandbox: Sandbox;
let base = { commit: "", tree: "" };
let count = 0;
before(async () => {
  workspaces = await Workspaces.open(join(root, "workspaces.git"));
  sandbox = await openSandbox({ unsafe: false });
  base = await workspaces.fetchFrom(directory, "HEAD");
});
after(() => rmSync(root, { recursive: true, force: true }));

type Forgery = {
  readonly first?: readonly WorkspaceFile[];
  readonly files?: readonly WorkspaceFile[];
  readonly parents?: readonly string[];
  readonly builtOn?: Partial<NonNullable<Receipt["repository"]>>;
  readonly extra?: readonly WorkspaceFile[];
  readonly passed?: number;
};

/** A branch of the project, true to its receipt but for what is forged. */
async function delivered(forgery: Forgery = {}): Promise<string> {
  const at = new Date(0);
  const frozen = { path: "test_sub.py", content: FROZEN };
  const first = await workspaces.write(forgery.first ?? [frozen], base.tree);
  const tests = await workspaces.commit({
    tree: first,
    parents: forgery.parents ?? [base.commit],
    message: "tests\n",
    at,
  });
  const tree = await workspaces.write([{ path: "core.py", content: SUB }, frozen, ...(forgery.files ?? [])], first);
  const commit = await workspaces.commit({ tree, parents: [tests], message: "code\n", at });
  const branch = `b${++count}`;
  const summary = "# Adds sub\n";
  const receipt: Receipt = {
    format: "atos-receipt/1",
    build: "b1",
    verdict: "green",
    why: "it passes",
    goal: "add sub",
    criteria: ["sub(5, 3) returns 2"],
    commit,
    tree,
    frozenTests: [{ path: "test_sub.py", sha256: sha256(FROZEN) }],
    verification: {
      language: "python",
      runner: "unittest",
      sandbox: "bubblewrap",
      passed: forgery.passed ?? 2,
      failed: 0,
      tests: [],
    },
    repository: {
      base: base.commit,
      branch,
      language: "python",
      greenTests: ["test_add.py"],
      redTests: [],
      dependencies: [],
      pullRequest: sha256(summary),
      ...forgery.builtOn,
    },
    review: null,
    models: [],
    turns: 5,
    tokens: { prompt: 1, output: 1 },
    startedAt: at.toISOString(),
    finishedAt: at.toISOString(),
  };
  const files = [
    { path: RECEIPT_JSON, content: receiptToJson(receipt) },
    { path: RECEIPT_MARKDOWN, content: receiptToMarkdown(receipt) },
    { path: PULL_REQUEST, content: summary },
    ...(forgery.extra ?? []),
  ];
  const end = await workspaces.commit({
    tree: await workspaces.write(files, tree),
    parents: [commit],
    message: "receipt\n",
    at,
  });
  const delivery = { buildId: "b1", repository: workspaces.repository, commit: end, branch, directory };
  await deliverToRepository(delivery, base.commit);
  return branch;
}

async function failedChecks(branch: string): Promise<readonly string[]> {
  const { findings } = await verifyReceipt(directory, { sandbox, branch }, AbortSignal.timeout(60_000));
  return findings.filter(({ ok }) => !ok).map(({ check }) => check);
}

test("a branch that is what its receipt says passes, also once it is merged", async () => {
  const branch = await delivered();
  assert.deepEqual(await failedChecks(branch), []);
  gitAs(directory, "branch", "merged", "trunk");
  const place = join(root, "merging");
  gitAs(directory, "worktree", "add", "--quiet", place, "merged");
  gitAs(place, "commit", "--quiet", "--allow-empty", "-m", "meanwhile");
  gitAs(place, "merge", "--quiet", "--no-ff", "-m", "merge", branch);
  const { ok, laterCommits } = await verifyReceipt(place, { sandbox }, AbortSignal.timeout(60_000));
  assert.deepEqual([ok, laterCommits], [true, 2]);
});

test("every lie about a branch is found", async () => {
  const cases: readonly (readonly [Forgery, RegExp])[] = [
    [
      {
        first: [
          { path: "test_sub.py", content: FROZEN },
          { path: "core.py", content: SUB },
        ],
      },
      /before any code/,
    ],
    [{ first: [{ path: "notes.md", content: "x" }] }, /before any code/],
    [{ parents: [] }, /begins with the commit/],
    [{ files: [{ path: "test_add.py", content: OWN.replace("5", "add(2, 3)") }] }, /own tests are as they were/],
    [{ files: [{ path: "core.py", content: SUB.replace("a + b", "a * b") }] }, /pass again/],
    [{ files: [{ path: "new.py", content: "broken(\n" }] }, /pass again/],
    [{ passed: 3 }, /pass again/],
    [{ builtOn: { pullRequest: "0".repeat(64) } }, /pull-request\.md is the one/],
    [{ builtOn: { base: "0".repeat(40) } }, /begins with the commit/],
    [{ extra: [{ path: "core.py", content: "" }] }, /touches nothing else/],
  ];
  for (const [forgery, expected] of cases)
    assert.match((await failedChecks(await delivered(forgery))).join("\n"), expected, JSON.stringify(forgery));
});

const SITE_PACKAGES = ".venv/lib/python3.11/site-packages";

test("its mutants are of the files it changed, and its tests see the packages beside it that are no links", async () => {
  const packages = join(directory, SITE_PACKAGES);
  mkdirSync(packages, { recursive: true });
  writeFileSync(join(packages, "little.py"), "ZERO = 0\n");
  symlinkSync("/", join(directory, "node_modules"));
  const branch = await delivered({
    files: [{ path: "core.py", content: `from little import ZERO\n\n\n${SUB}` }],
    builtOn: {
      dependencies: [
        { kind: "node", path: "node_modules" },
        { kind: "node", path: SITE_PACKAGES },
        { kind: "python", path: SITE_PACKAGES },
      ],
    },
  });
  const options = { sandbox, branch, mutants: 20 };
  const { ok, findings, mutants } = await verifyReceipt(directory, options, AbortSignal.timeout(60_000));
  const again = findings.find(({ check }) => check === RERUN_CHECK);
  assert.match(again?.detail ?? "", /^2 passed \(\w+\), with packages that are not in the commit: \.venv\/\S+$/);
  assert.ok(ok && mutants?.kind === "tried");
  assert.deepEqual([...new Set(mutants.mutants.map(({ path }) => path))], ["core.py"]);
  assert.ok(mutants.killed > 0);
});

test("a receipt can't ask for any other folder", async () => {
  const branch = await delivered({ builtOn: { dependencies: [{ kind: "node", path: "../../home" }] } });
  await assert.rejects(verifyReceipt(directory, { sandbox, branch }, AbortSignal.timeout(10_000)), {
    code: "workflows/no-receipt",
  });
});

test("a branch that is not there is a usage error", async () => {
  await assert.rejects(verifyReceipt(directory, { sandbox, branch: "nowhere" }, AbortSignal.timeout(10_000)), {
    code: "workflows/no-receipt",
    exitCode: 2,
  });
});
