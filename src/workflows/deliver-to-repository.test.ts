import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gitAs, makeProject } from "../../test/fixtures/project.ts";
import { Workspaces } from "../journal/workspaces.ts";
import type { Delivery } from "./deliver.ts";
import { deliverToRepository } from "./deliver-to-repository.ts";

const root = mkdtempSync(join(tmpdir(), "atos-branch-"));
const directory = makeProject(join(root, "project"), { "a.txt": "one\r\n", "run.sh": "exit\n", link: "->a.txt" });
let workspaces: Workspaces;
let base = "";
let commit = "";
before(async () => {
  workspaces = await Workspaces.open(join(root, "workspaces.git"));
  const fetched = await workspaces.fetchFrom(directory, "HEAD");
  base = fetched.commit;
  const tree = await workspaces.write([{ path: "b.txt", content: "two\n" }], fetched.tree);
  commit = await workspaces.commit({ tree, parents: [base], message: "Two\n", at: new Date(0) });
});
after(() => rmSync(root, { recursive: true, force: true }));

function delivery(branch: string): Delivery {
  return { buildId: "b1", repository: workspaces.repository, commit, branch, directory };
}

test("a commit arrives as a new branch, and all that was there is as it was, byte by byte", async () => {
  const index = readFileSync(join(directory, ".git/index"));
  await deliverToRepository(delivery("atos/b1"), base);
  assert.equal(gitAs(directory, "rev-parse", "atos/b1"), commit);
  assert.deepEqual(readFileSync(join(directory, ".git/index")), index);
  assert.deepEqual(
    gitAs(directory, "ls-tree", "-r", "atos/b1")
      .split("\n")
      .filter((line) => !line.endsWith("b.txt")),
    gitAs(directory, "ls-tree", "-r", "trunk").split("\n"),
  );
  assert.equal(gitAs(directory, "status", "--porcelain", "--branch"), "## trunk");
  gitAs(directory, "fsck", "--strict", "--no-dangling");
  assert.match(gitAs(directory, "reflog", "atos/b1"), /atos: build b1/);
});

test("delivering again changes nothing, also when a person has gone on from it or only the objects arrived", async () => {
  await deliverToRepository(delivery("again"), base);
  await deliverToRepository(delivery("again"), base);
  assert.equal(gitAs(directory, "rev-parse", "again"), commit);
  const tree = gitAs(directory, "rev-parse", "trunk^{tree}");
  const later = gitAs(directory, "commit-tree", "-p", commit, "-m", "later", tree);
  gitAs(directory, "update-ref", "refs/heads/again", later);
  await deliverToRepository(delivery("again"), base);
  assert.equal(gitAs(directory, "rev-parse", "again"), later);
  // As after a crash between the two.
  gitAs(directory, "update-ref", "-d", "refs/heads/again");
  await deliverToRepository(delivery("again"), base);
  assert.equal(gitAs(directory, "rev-parse", "again"), commit);
});

test("another commit under that name is left alone", async () => {
  gitAs(directory, "branch", "theirs", "trunk");
  await assert.rejects(deliverToRepository(delivery("theirs"), base), { code: "workflows/branch-exists", exitCode: 2 });
  assert.equal(gitAs(directory, "rev-parse", "theirs"), base);
});

test("no hook and no program that the repository names is run", async () => {
  const proof = join(root, "it-ran");
  for (const hook of ["reference-transaction", "post-update", "update"]) {
    writeFileSync(join(directory, ".git/hooks", hook), `#!/bin/sh\ntouch ${proof}\n`);
    chmodSync(join(directory, ".git/hooks", hook), 0o755);
  }
  writeFileSync(join(directory, ".git/objects/info/alternates"), `${join(workspaces.repository, "objects")}\n`);
  gitAs(directory, "-c", "core.hooksPath=/dev/null", "config", "core.alternateRefsCommand", `touch ${proof}`);
  await deliverToRepository(delivery("quiet"), base);
  assert.equal(gitAs(directory, "-c", "core.hooksPath=/dev/null", "rev-parse", "quiet"), commit);
  assert.equal(existsSync(proof), false);
});
