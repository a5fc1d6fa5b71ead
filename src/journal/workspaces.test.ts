import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Workspaces } from "./workspaces.ts";

let directory: string;
let workspaces: Workspaces;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "atos-workspaces-"));
  workspaces = await Workspaces.open(join(directory, "workspaces.git"));
});
after(() => rm(directory, { recursive: true, force: true }));

const git = (args: readonly string[], input = "") =>
  execFileSync("git", args, { cwd: workspaces.repository, input, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });

/** A tree with all that a person's repository may hold, made by git. */
function mixedTree(): string {
  const blob = (text: string) => git(["hash-object", "-w", "--stdin"], text).trim();
  const folder = git(
    ["mktree"],
    `100755 blob ${blob("#!/bin/sh\n")}\ttool\n120000 blob ${blob("tool")}\tlink\n`,
  ).trim();
  return git(["mktree"], `040000 tree ${folder}\tbin\n100644 blob ${blob("\0binary")}\timage\n`).trim();
}

test("the same files give the same tree, in any order", async () => {
  const one = { path: "a.py", content: "x = 1\n" };
  const two = { path: "src/b.py", content: "y = 2\n" };
  assert.equal(await workspaces.write([one, two]), await workspaces.write([two, one]));
});

test("writing over a tree keeps what it does not touch", async () => {
  const first = await workspaces.write([
    { path: "a.py", content: "x = 1\n" },
    { path: "b.py", content: "y = 2\n" },
  ]);
  const second = await workspaces.write([{ path: "a.py", content: "x = 3\n" }], first);
  assert.deepEqual(await workspaces.list(second), ["a.py", "b.py"]);
  assert.equal(await workspaces.read(second, "a.py"), "x = 3\n");
  assert.equal(await workspaces.read(first, "a.py"), "x = 1\n");
});

test("a checkout has every byte, also where a .gitattributes asks for other line ends", async () => {
  const content = "one\r\ntwo\n$Id$\nno end";
  const tree = await workspaces.write([
    { path: ".gitattributes", content: "* text eol=crlf ident\n" },
    { path: "deep/er/file.txt", content },
  ]);
  const target = await mkdtemp(join(directory, "out-"));
  await workspaces.checkOut(tree, target);
  assert.equal(await readFile(join(target, "deep/er/file.txt"), "utf8"), content);
});

test("a commit is the same for the same inputs, and another for another date", async () => {
  const tree = await workspaces.write([{ path: "a", content: "a" }]);
  const request = { tree, parents: [], message: "One", at: new Date(1_700_000_000_000) };
  const first = await workspaces.commit(request);
  assert.equal(await workspaces.commit(request), first);
  assert.notEqual(await workspaces.commit({ ...request, at: new Date(1_700_000_001_000) }), first);
});

test("a path that leaves the workspace is refused, not skipped as git would", async () => {
  await assert.rejects(workspaces.write([{ path: "../out", content: "" }]), { code: "journal/bad-path" });
});

test("every path that is no place for a file is refused, to write and to remove, also where nothing else is wrong", async () => {
  const base = await workspaces.write([{ path: "a/b", content: "" }]);
  const objects = () => readdirSync(join(workspaces.repository, "objects"), { recursive: true }).length;
  const before = objects();
  const paths = [
    "",
    "/a",
    "a//b",
    "a/",
    "./a",
    "a/../b",
    ".git/config",
    "a/.GIT/hooks/x",
    "git~1",
    ".git. /x",
    ".atos/x",
    "a\0b",
    "-rf",
  ];
  for (const path of paths) {
    const write = [
      { path: "fine", content: "never written" },
      { path, content: "" },
    ];
    await assert.rejects(workspaces.write(write, base), { code: "journal/bad-path" }, JSON.stringify(path));
    await assert.rejects(
      workspaces.change(base, { remove: [path] }),
      { code: "journal/bad-path" },
      JSON.stringify(path),
    );
  }
  for (const path of ["a", "a/b/c"])
    await assert.rejects(workspaces.write([{ path, content: "" }], base), { code: "journal/bad-path" });
  assert.equal(objects(), before, "something was written");
  assert.deepEqual(await workspaces.list(await workspaces.write([{ path: ".atos/receipt.json", content: "{}" }])), [
    ".atos/receipt.json",
  ]);
});

test("executable bits, links and bytes of a tree outlast a write beside them, and a checkout has them", async () => {
  const base = mixedTree();
  const tree = await workspaces.write(
    [
      { path: "bin/tool", content: "#!/bin/sh\nexit\n" },
      { path: "new", content: "new" },
    ],
    base,
  );
  assert.equal(
    git(["ls-tree", "-r", "--format=%(objectmode) %(path)", tree]),
    "120000 bin/link\n100755 bin/tool\n100644 image\n100644 new\n",
  );
  const out = await mkdtemp(join(directory, "out-"));
  await workspaces.checkOut(tree, out);
  assert.equal(readlinkSync(join(out, "bin/link")), "tool");
  assert.equal(statSync(join(out, "bin/tool")).mode & 0o100, 0o100);
  assert.equal(await readFile(join(out, "image"), "utf8"), "\0binary");
  assert.deepEqual(await workspaces.readAll(tree, ["image", "bin/link", "gone", "new"]), [
    { path: "bin/link", kind: "link", content: "tool" },
    { path: "image", kind: "binary", bytes: 7 },
    { path: "new", kind: "text", content: "new" },
  ]);
});

test("what is removed is gone, folders with all in them and without a trace; what is not there is left out", async () => {
  const base = await workspaces.write([
    { path: "a/b/c", content: "c" },
    { path: "a/b/d", content: "d" },
    { path: "e", content: "e" },
  ]);
  const list = async (remove: string[]) => workspaces.list(await workspaces.change(base, { remove }));
  assert.deepEqual(await list(["a/b/c", "nothing", "e/below"]), ["a/b/d", "e"]);
  assert.deepEqual(await list(["a"]), ["e"]);
  assert.equal(
    await workspaces.change(base, { remove: ["a/b/c", "a/b/d"] }),
    await workspaces.write([{ path: "e", content: "e" }]),
  );
  const replaced = await workspaces.change(base, {
    remove: ["a", "e"],
    write: [
      { path: "a", content: "file" },
      { path: "e/f", content: "f" },
    ],
  });
  assert.deepEqual(await workspaces.list(replaced), ["a", "e/f"]);
  assert.equal(await workspaces.change(base, { remove: ["a", "e"] }), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
});

test("a commit is the one that git makes, and names only what is there", async () => {
  const tree = await workspaces.write([{ path: "a", content: "a" }]);
  const empty = await workspaces.write([]);
  const first = await workspaces.commit({ tree: empty, parents: [], message: "", at: new Date(0) });
  const second = await workspaces.commit({ tree, parents: [], message: "no end", at: new Date(1_699_999_999_999) });
  const message = "Caf\u00e9\n\nmore \u{1f600}\n";
  const merge = await workspaces.commit({ tree, parents: [first, second], message, at: new Date(1_700_000_000_000) });
  const by = (role: string) => ({
    [`GIT_${role}_NAME`]: "ATOS",
    [`GIT_${role}_EMAIL`]: "atos@localhost",
    [`GIT_${role}_DATE`]: "@1700000000 +0000",
  });
  const env = { ...process.env, ...by("AUTHOR"), ...by("COMMITTER") };
  const args = ["commit-tree", tree, "-p", first, "-p", second];
  const made = execFileSync("git", args, { cwd: workspaces.repository, input: message, env, encoding: "utf8" });
  assert.equal(merge, made.trim());
  const zero = await workspaces.commit({ tree, parents: [], message: "a\0b", at: new Date(0) });
  assert.equal(git(["log", "-1", "--format=%B", zero]).trim(), "ab");
  const missing = { code: "journal/bad-snapshot" };
  await assert.rejects(workspaces.commit({ tree: "1".repeat(40), parents: [], message: "", at: new Date(0) }), missing);
  await assert.rejects(workspaces.commit({ tree, parents: [tree], message: "", at: new Date(0) }), missing);
  await assert.rejects(workspaces.setBranch("main", tree), missing);
});

test("a branch is found by git, moves, and has a name that git takes", async () => {
  const tree = await workspaces.write([{ path: "a", content: "a" }]);
  const commits: string[] = [];
  for (let second = 0; second < 2; second++)
    commits.push(await workspaces.commit({ tree, parents: [], message: "", at: new Date(1000 * second) }));
  for (const commit of commits) {
    await workspaces.setBranch("builds/b-1.x", commit);
    assert.equal(git(["rev-parse", "builds/b-1.x"]).trim(), commit);
  }
  for (const name of ["", "a/", "../a", "a..b", "a.lock", "a.", ".a", "a/.b", "a b", "a\nb", "-a", "a~1"])
    await assert.rejects(workspaces.setBranch(name, commits[0] ?? ""), { code: "journal/bad-path" }, name);
});

test("the paths that two trees or commits differ in are told, and the difference is shown", async () => {
  const from = await workspaces.write([
    { path: "changed", content: "one\n" },
    { path: "removed/file", content: "one\n" },
    { path: "same", content: "one\n" },
  ]);
  const edits = {
    remove: ["removed"],
    write: [
      { path: "added", content: "new\n" },
      { path: "changed", content: "two\n" },
    ],
  };
  const to = await workspaces.change(from, edits);
  const commit = await workspaces.commit({ tree: to, parents: [], message: "", at: new Date(0) });
  assert.deepEqual(await workspaces.changedPaths(from, commit), [
    { path: "added", kind: "added" },
    { path: "changed", kind: "changed" },
    { path: "removed/file", kind: "removed" },
  ]);
  assert.deepEqual(await workspaces.changedPaths(to, commit), []);
  const diff = await workspaces.diff(from, commit, 10_000);
  assert.match(diff, /\n--- a\/changed\n\+\+\+ b\/changed\n@@ -1 \+1 @@\n-one\n\+two\n/);
  assert.equal(await workspaces.diff(from, commit, 20), diff.slice(0, 20));
});

test("what is asked for and not there is an error of its own", async () => {
  const tree = await workspaces.write([{ path: "a/b", content: "" }]);
  for (const path of ["c", "a", "a/b/c", "a/"])
    await assert.rejects(workspaces.read(tree, path), { code: "journal/no-file" }, path);
  await assert.rejects(workspaces.list("1".repeat(40)), { code: "journal/bad-snapshot" });
  await assert.rejects(workspaces.list("main"), { code: "journal/bad-snapshot" });
  const full = await mkdtemp(join(directory, "full-"));
  writeFileSync(join(full, "mine"), "mine");
  await assert.rejects(workspaces.checkOut(tree, full), {
    code: "journal/workspace-failed",
    message: /must be empty .* holds mine/,
  });
  assert.equal(existsSync(join(full, "mine")), true);
  await assert.rejects(workspaces.checkOut(tree, join(full, "gone")), { code: "journal/workspace-failed" });
});

test("once open, git is started for none of the daily work, and what was made is sound", async () => {
  const path = process.env["PATH"];
  process.env["PATH"] = "/nonexistent";
  try {
    await assert.rejects(workspaces.diff("HEAD", "HEAD", 10), { code: "git/missing" });
    const builds = Array.from({ length: 100 }, async (_, build) => {
      const base = await workspaces.write([{ path: "src/a.py", content: "x = 1\n" }]);
      const content = `y = ${build}\n`;
      const ours = await workspaces.write([{ path: `src/b${build}.py`, content }], base);
      const theirs = await workspaces.write([{ path: "src/c.py", content }], base);
      const merge = await workspaces.merge({ base, ours, theirs });
      const commit = await workspaces.commit({ tree: merge.tree, parents: [], message: "One\n", at: new Date(0) });
      await workspaces.setBranch(`builds/${build}`, commit);
      const out = await mkdtemp(join(directory, "out-"));
      await workspaces.checkOut(commit, out);
      assert.equal(await readFile(join(out, "src/c.py"), "utf8"), content);
      assert.equal(await workspaces.read(commit, `src/b${build}.py`), content);
      assert.equal((await workspaces.changedPaths(base, commit)).length, 2);
    });
    await Promise.all(builds);
  } finally {
    process.env["PATH"] = path;
  }
  git(["fsck", "--strict"]);
  assert.equal(git(["for-each-ref", "--format=x", "refs/heads/builds/"]).match(/x/g)?.length, 101);
});

test("who only looks at the repository of another process reads all of it, and moves no branch", async () => {
  const tree = await workspaces.write([{ path: "a", content: "1" }]);
  const commit = (message: string) => workspaces.commit({ tree, parents: [], message, at: new Date(0) });
  const [first, second] = [await commit("first"), await commit("second")];
  await workspaces.setBranch("looked-at", first);
  const looking = Workspaces.look(workspaces.repository);
  await looking.setBranch("looked-at", second);
  assert.equal(await looking.read(tree, "a"), "1");
  assert.equal(git(["rev-parse", "refs/heads/looked-at"]).trim(), first);
});
