import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Workspaces } from "./workspaces.ts";

const directory = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "atos-fetch-")));
const theirs = join(directory, "theirs");
const marker = join(directory, "ran");
const ENV = {
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@b",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@b",
  GIT_ALLOW_PROTOCOL: "file",
};
const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", args, { cwd, env: ENV, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
let workspaces: Workspaces;

function makeRepository(path: string, ...options: string[]): string {
  fs.mkdirSync(path, { recursive: true });
  git(path, "init", "--quiet", "--initial-branch=main", ...options);
  for (const text of ["one", "two"]) {
    fs.mkdirSync(join(path, "src"), { recursive: true });
    fs.writeFileSync(join(path, "src/file"), `${text}\r\n`);
    fs.writeFileSync(join(path, "tool"), "#!/bin/sh\n", { mode: 0o755 });
    if (text === "one") fs.symlinkSync("src/file", join(path, "link"));
    git(path, "add", "-A");
    git(path, "commit", "--quiet", "-m", text);
    git(path, "tag", "-a", "-m", text, text);
  }
  return path;
}

before(async () => {
  makeRepository(theirs);
  workspaces = await Workspaces.open(join(directory, "ours.git"));
});
after(() => fs.rmSync(directory, { recursive: true }));

const refused = (repository: string, revision: string, message: RegExp) =>
  assert.rejects(workspaces.fetchFrom(repository, revision), { code: "journal/bad-repository", message });

test("a commit of another repository is brought with its history, by any name it has", async () => {
  const head = git(theirs, "rev-parse", "HEAD");
  const tree = git(theirs, "rev-parse", "HEAD^{tree}");
  for (const name of ["HEAD", "main", "refs/heads/main", "two", head, head.slice(0, 12)])
    assert.deepEqual(await workspaces.fetchFrom(theirs, name), { commit: head, tree });
  assert.equal(git(workspaces.repository, "rev-list", "--count", head), "2");
  const first = await workspaces.fetchFrom(theirs, "HEAD~1");
  assert.equal(await workspaces.read(first.tree, "src/file"), "one\r\n");
  git(workspaces.repository, "fsck", "--strict");
});

test("its files are there in every byte and bit: read, checked out, and after a write", async () => {
  const { commit, tree } = await workspaces.fetchFrom(theirs, "HEAD");
  const out = join(directory, "out");
  fs.mkdirSync(out);
  const written = await workspaces.write([{ path: "tool", content: "#!/bin/sh\nexit\n" }], tree);
  await workspaces.checkOut(written, out);
  assert.equal(fs.readFileSync(join(out, "src/file"), "utf8"), "two\r\n");
  assert.equal(fs.readlinkSync(join(out, "link")), "src/file");
  assert.equal(fs.lstatSync(join(out, "tool")).mode & 0o111, 0o111 & ~process.umask());
  assert.deepEqual(await workspaces.readAll(commit), [
    { path: "link", kind: "link", content: "src/file" },
    { path: "src/file", kind: "text", content: "two\r\n" },
    { path: "tool", kind: "text", content: "#!/bin/sh\n" },
  ]);
  const next = await workspaces.commit({ tree: written, parents: [commit], message: "three\n", at: new Date(0) });
  await workspaces.setBranch("theirs/next", next);
  assert.equal(git(workspaces.repository, "rev-list", "--count", "theirs/next"), "3");
});

test("a bare repository and one without its work tree's changes are read alike", async () => {
  const bare = join(directory, "bare.git");
  git(directory, "clone", "--quiet", "--bare", theirs, bare);
  assert.deepEqual(await workspaces.fetchFrom(bare, "main"), await workspaces.fetchFrom(theirs, "main"));
});

test("nothing that the repository is set up to run is run", async () => {
  const evil = makeRepository(join(directory, "evil"));
  const script = join(directory, "script");
  fs.writeFileSync(script, `#!/bin/sh\necho ran >> ${marker}\ncat\n`, { mode: 0o755 });
  const hooks = join(evil, ".git/hooks");
  fs.mkdirSync(hooks, { recursive: true });
  for (const hook of ["post-checkout", "pre-receive", "update", "post-update", "reference-transaction", "pre-auto-gc"])
    fs.copyFileSync(script, join(hooks, hook));
  for (const [name, value] of [
    ["core.fsmonitor", script],
    ["core.hooksPath", hooks],
    ["core.pager", script],
    ["core.sshCommand", script],
    ["core.alternateRefsCommand", script],
    ["uploadpack.packObjectsHook", script],
    ["filter.evil.clean", script],
    ["filter.evil.smudge", script],
    ["alias.rev-parse", `!${script}`],
    ["extensions.partialClone", "origin"],
    ["remote.origin.url", join(directory, "theirs")],
    ["remote.origin.uploadpack", script],
    ["remote.origin.promisor", "true"],
  ] as const)
    git(evil, "config", name, value);
  fs.writeFileSync(join(evil, ".git/info/attributes"), "* filter=evil\n");
  const { tree } = await workspaces.fetchFrom(evil, "HEAD");
  const out = join(directory, "evil-out");
  fs.mkdirSync(out);
  await workspaces.checkOut(tree, out);
  assert.equal(fs.readFileSync(join(out, "src/file"), "utf8"), "two\r\n");
  assert.equal(fs.existsSync(marker), false, "a program of the repository was run");

  // A partial clone that lacks an object would ask for it, by the program that its settings name.
  const blob = git(theirs, "rev-parse", "HEAD:src/file");
  fs.rmSync(join(evil, ".git/objects", blob.slice(0, 2), blob.slice(2)));
  const other = await Workspaces.open(join(directory, "other.git"));
  await assert.rejects(other.fetchFrom(evil, "HEAD"), { code: "journal/bad-repository" });
  await assert.rejects(other.fetchFrom(evil, "0".repeat(39).concat("1")), { code: "journal/bad-repository" });
  assert.equal(fs.existsSync(marker), false, "a program of the repository was run");
});

test("what is no repository, or names no single commit, is refused in words that say which", async () => {
  await refused(join(directory, "nowhere"), "HEAD", /nowhere can't be worked on: there is no such folder/);
  await refused(join(theirs, "src"), "HEAD", /git finds no repository or no commit "HEAD" there/);
  await refused(theirs, "nothing", /git finds no repository or no commit "nothing" there/);
  await refused(theirs, "HEAD:src", /git finds no repository or no commit/);
  for (const revision of ["--all", "^HEAD", "HEAD~1..HEAD", "HEAD\0"])
    await refused(theirs, revision, /names no commit/);
});

test("a repository that lacks history, has submodules or other hashes is refused", async () => {
  const shallow = join(directory, "shallow");
  git(directory, "clone", "--quiet", "--depth=1", `file://${theirs}`, shallow);
  await refused(shallow, "HEAD", /lacks a part of its history: run git fetch --unshallow there/);
  const other = join(directory, "sha256");
  await refused(makeRepository(other, "--object-format=sha256"), "HEAD", /its objects are named by SHA-256/);
  const parent = makeRepository(join(directory, "parent"));
  git(parent, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", theirs, "deep/sub");
  git(parent, "commit", "--quiet", "-m", "submodule");
  await refused(parent, "HEAD", /The repository holds "deep\/sub", a submodule, whose files are in another repository/);
  assert.deepEqual(await workspaces.list((await workspaces.fetchFrom(parent, "HEAD~1")).tree), [
    "link",
    "src/file",
    "tool",
  ]);
});

test("what was brought before is not asked for again, and a fetch cut off can be begun anew", async () => {
  const copy = join(directory, "copy");
  git(directory, "clone", "--quiet", theirs, copy);
  const other = await Workspaces.open(join(directory, "again.git"));
  const packs = () => fs.readdirSync(join(other.repository, "objects/pack"));
  await assert.rejects(other.fetchFrom(copy, "HEAD", AbortSignal.abort(new Error("stopped"))), { message: "stopped" });
  const first = await other.fetchFrom(copy, "HEAD");
  const once = packs();
  assert.deepEqual(await other.fetchFrom(copy, "HEAD"), first);
  assert.deepEqual(packs(), once);
  fs.writeFileSync(join(copy, "new"), "new\n");
  git(copy, "add", "new");
  git(copy, "commit", "--quiet", "-m", "new");
  const second = await other.fetchFrom(copy, "HEAD");
  assert.deepEqual(await other.changedPaths(first.commit, second.commit), [{ path: "new", kind: "added" }]);
});

test("a tree that stands for endlessly many files is refused, and so is one endlessly deep", async () => {
  const bomb = makeRepository(join(directory, "bomb"));
  const mktree = (lines: string) =>
    execFileSync("git", ["mktree"], { cwd: bomb, env: ENV, input: lines, encoding: "utf8" }).trim();
  const commit = (tree: string) => git(bomb, "commit-tree", "-m", "bomb", tree);
  const blob = git(bomb, "rev-parse", "HEAD:src/file");
  const lines = (count: number, entry: string) =>
    Array.from({ length: count }, (_, name) => `${entry}\t${name}\n`).join("");
  let wide = mktree(lines(100, `100644 blob ${blob}`));
  for (let level = 0; level < 5; level++) wide = mktree(lines(10, `040000 tree ${wide}`));
  await refused(bomb, commit(wide), /holds more than 1000000 entries/);
  let deep = git(bomb, "rev-parse", "HEAD:src");
  for (let level = 0; level < 102; level++) deep = mktree(`040000 tree ${deep}\ta\n`);
  await refused(bomb, commit(deep), /holds folders deeper than 100/);
});
