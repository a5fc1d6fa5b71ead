import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gitAs, makeProject } from "../../test/fixtures/project.ts";
import { branchProblem, findRepository } from "./find-repository.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "atos-find-")));
after(() => rmSync(root, { recursive: true, force: true }));
const project = makeProject(join(root, "project"), { "src/deep/a.py": "x = 1\n" });
const revision = gitAs(project, "rev-parse", "HEAD");

test("any folder of a repository leads to its top, to its commit and to the branch that is checked out", async () => {
  const found = { directory: project, revision, branch: "new", head: "trunk" };
  assert.deepEqual(await findRepository({ directory: project, branch: "new" }), found);
  assert.deepEqual(await findRepository({ directory: join(project, "src/deep"), branch: "new" }), found);
  symlinkSync(project, join(root, "link"));
  assert.deepEqual(await findRepository({ directory: join(root, "link", "src"), branch: "new" }), found);
});

test("a bare repository, a further work tree and a head without a branch will do too", async () => {
  const bare = join(root, "bare.git");
  gitAs(root, "clone", "--quiet", "--bare", project, bare);
  assert.deepEqual(await findRepository({ directory: bare, branch: "new" }), {
    directory: bare,
    revision,
    branch: "new",
    head: "trunk",
  });
  const tree = join(root, "tree");
  gitAs(project, "worktree", "add", "--quiet", "--detach", tree);
  assert.deepEqual(await findRepository({ directory: tree, branch: "new" }), {
    directory: tree,
    revision,
    branch: "new",
    head: undefined,
  });
});

test("what can't be built on says why", async () => {
  const shallow = join(root, "shallow");
  makeProject(join(root, "two"), { a: "1" });
  gitAs(join(root, "two"), "commit", "--quiet", "--allow-empty", "-m", "two");
  gitAs(root, "clone", "--quiet", "--depth=1", `file://${join(root, "two")}`, shallow);
  const outer = makeProject(join(root, "outer"), { a: "1" });
  gitAs(outer, "update-index", "--add", "--cacheinfo", `160000,${revision},libs/inner`);
  gitAs(outer, "commit", "--quiet", "-m", "submodule");
  mkdirSync(join(root, "unborn"));
  gitAs(join(root, "unborn"), "init", "--quiet");
  writeFileSync(join(root, "file"), "");
  for (const [directory, why] of [
    [shallow, /lacks a part of its history. Get it: git fetch --unshallow/],
    [outer, /libs\/inner is a submodule/],
    [join(root, "unborn"), /has no commit yet/],
    [join(project, ".git"), /name the folder that holds it/],
    [join(root, "file"), /it is a file/],
    [root, /not in a git repository/],
    ["", /it is no name/],
  ] as const)
    await assert.rejects(findRepository({ directory, branch: "new" }), (error: Error & { code?: string }) => {
      assert.deepEqual([error.code, why.test(error.message)], ["workflows/bad-repository", true], error.message);
      return true;
    });
  await assert.rejects(findRepository({ directory: project, branch: "trunk" }), { code: "workflows/bad-branch" });
});

test("a branch needs a plain name that is free", () => {
  const existing = ["trunk", "atos/one", "wide/as/this"];
  for (const name of ["feature", "atos/two", "fix/1.2_a", "größe"])
    assert.equal(branchProblem(name, existing), undefined, name);
  for (const name of [
    "",
    "a b",
    "-x",
    "a..b",
    "a.lock",
    "a/",
    "/a",
    "a//b",
    "HEAD",
    "a~1",
    "@{1}",
    ".a",
    "a.",
    "x".repeat(201),
  ])
    assert.notEqual(branchProblem(name, existing), undefined, name);
  assert.equal(branchProblem("trunk", existing), "there is one of that name");
  assert.equal(branchProblem("trunk/x", existing), "there is a branch trunk, and git can't keep both");
  assert.equal(branchProblem("wide/as", existing), "there is a branch wide/as/this, and git can't keep both");
});
