import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { git } from "../../../journal/git.ts";
import { type GitServerDeps, openGitServer } from "./open-git-server.ts";

const base = mkdtempSync(join(tmpdir(), "atos-git-"));
after(() => rmSync(base, { recursive: true, force: true }));
const AT = new Date("2026-01-02T03:04:05Z");
const identity = { name: "ATOS", email: "atos@localhost" };

function callOf(deps: GitServerDeps) {
  const { tools } = openGitServer(deps);
  return async (name: string, input: object = {}, idempotencyKey: string = crypto.randomUUID()) => {
    const tool = tools.find((one) => one.name === name);
    assert.ok(tool);
    const result = await tool.run(tool.input.parse(input), { signal: AbortSignal.timeout(25_000), idempotencyKey });
    if (!result.ok) return { output: undefined, said: result.why };
    return { output: tool.output.parse(result.output), said: result.text ?? "" };
  };
}

/** As a person does it. */
function checkout(folder: string, command: string): string {
  const person = { NAME: "u", EMAIL: "u@x" };
  const people = ["AUTHOR", "COMMITTER"].flatMap((role) =>
    Object.entries(person).map(([field, value]) => [`GIT_${role}_${field}`, value]),
  );
  const env = { PATH: process.env["PATH"], HOME: base, GIT_CONFIG_GLOBAL: "/dev/null", ...Object.fromEntries(people) };
  return execFileSync("sh", ["-c", command], {
    cwd: folder,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** A workspace whose git folder lies outside of it, or inside as in anybody's checkout. */
async function repository(options: { inside?: boolean } = {}) {
  const workTree = mkdtempSync(join(base, "w-"));
  const gitDir = options.inside === true ? join(workTree, ".git") : `${workTree}.git`;
  await git(base, [
    "init",
    "--quiet",
    "--initial-branch=main",
    "--separate-git-dir",
    gitDir,
    mkdtempSync(join(base, "empty-")),
  ]);
  let date = AT;
  const call = callOf({ gitDir, workTree, identity, now: () => date });
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(workTree, path)), { recursive: true });
    writeFileSync(join(workTree, path), content);
  };
  return { workTree, gitDir, call, write, later: (to: Date) => (date = to) };
}

test("status, diff, commit and log tell of the same changes", async () => {
  const { call, write, workTree, gitDir } = await repository();
  assert.equal((await call("git_log")).said, "[no commit yet]");
  assert.equal(
    (await call("git_commit", { message: "x" })).said,
    "Nothing has changed since the last commit, so there is nothing to commit.",
  );
  write("a.txt", "one\ntwo\n");
  write("größe/b c.txt", "b\n");
  write(".gitignore", "*.log\n");
  write("noise.log", "");
  assert.deepEqual((await call("git_status")).output, {
    branch: "main",
    changes: [".gitignore", "a.txt", "größe/b c.txt"].map((path) => ({ path, state: "new" })),
    cut: false,
  });
  assert.match((await call("git_diff")).said, /\+\+\+ b\/größe\/b c\.txt\t?\n@@ -0,0 \+1 @@\n\+b\n/);
  assert.match((await call("git_commit", { message: "Add a and b" })).said, /^committed [0-9a-f]{12} \(3 files\)$/);
  assert.equal((await call("git_status")).said, "[nothing has changed]");
  write("a.txt", "one\n2\n");
  rmSync(join(workTree, "größe"), { recursive: true });
  assert.equal((await call("git_status")).said, "changed a.txt\ndeleted größe/b c.txt");
  const { said } = await call("git_diff", { path: "a.txt" });
  assert.match(said, /^diff --git a\/a\.txt b\/a\.txt\n.*-two\n\+2\n$/s);
  assert.equal((await call("git_diff", { path: "größe/x" })).said, "[nothing has changed]");
  await call("git_commit", { message: "  Change a\n\nand why  " });
  assert.match((await call("git_log", { limit: 1 })).said, /^[0-9a-f]{12} 2026-01-02 Change a$/);
  assert.match((await call("git_log", { path: "größe/b c.txt" })).said, /Change a\n.* Add a and b$/);
  assert.equal(
    await git(gitDir, ["log", "-1", "--format=%an <%ae> %cn %aI"]),
    "ATOS <atos@localhost> ATOS 2026-01-02T03:04:05+00:00\n",
  );
  assert.deepEqual(
    readdirSync(gitDir).filter((name) => name.includes("index")),
    ["index"],
  );
});

test("a commit is made once for its key, and its hash is that of its content, parent and date", async () => {
  const [one, other] = [await repository(), await repository({ inside: true })];
  const hashes: unknown[] = [];
  for (const { call, write, later } of [one, other]) {
    write("a.txt", "a");
    hashes.push((await call("git_commit", { message: "A\n\nAtos-Call: build/9" }, "build/1")).output);
    write("a.txt", "b");
    later(new Date(AT.getTime() + 60_000));
    hashes.push((await call("git_commit", { message: "again" }, "build/1")).output);
    assert.equal((await call("git_status")).said, "changed a.txt", "the second call took nothing");
    assert.match((await call("git_commit", { message: "B" }, "build/9")).said, /^committed/);
    assert.equal(((await call("git_log")).said.match(/\n/g) ?? []).length, 1);
  }
  assert.equal(new Set(hashes.map((output) => JSON.stringify(output))).size, 1);
});

test("a commit that was cut off before it was named is made again as if nothing had been", async () => {
  const { call, write, gitDir } = await repository();
  write("a.txt", "a");
  // What kills leave: an index and its lock, and the objects.
  for (const name of ["atos-index-old", "atos-index-old.lock"]) {
    writeFileSync(join(gitDir, name), "half");
    utimesSync(join(gitDir, name), 0, 0);
  }
  const { pid } = spawnSync("true");
  writeFileSync(join(gitDir, "index.lock"), `atos ${pid}\n`);
  assert.match((await call("git_commit", { message: "A" })).said, /^committed/);
  assert.deepEqual(
    readdirSync(gitDir).filter((name) => name.startsWith("atos-index-")),
    [],
  );
});

test("arguments are never options or patterns", async () => {
  const { call, write, gitDir } = await repository();
  write("a.txt", "a");
  write("b.txt", "b");
  const message = `--upload-pack=touch ${join(base, "pwned")}`;
  assert.match((await call("git_commit", { message })).said, /^committed/);
  assert.equal(await git(gitDir, ["log", "-1", "--format=%s"]), `${message}\n`);
  write("a.txt", "aa");
  for (const path of ["--output=/tmp/x", "../a", "/etc/passwd", ".git/config", ":(exclude)a.txt", ":/", "a\0"])
    for (const name of ["git_diff", "git_log"]) assert.match((await call(name, { path })).said, /can't be used/, path);
  assert.equal((await call("git_diff", { path: "[a].txt" })).said, "[nothing has changed]");
  assert.match((await call("git_commit", { message: "a\0b" })).said, /NUL/);
  assert.match((await call("git_commit", { message: " \n" })).said, /empty/);
  assert.ok(!existsSync(join(base, "pwned")));
});

test("no program that settings, hooks or attributes name is ever run", async () => {
  const { call, write, gitDir, workTree } = await repository({ inside: true });
  const ran = join(base, "ran");
  const program = join(base, "program");
  writeFileSync(program, `#!/bin/sh\necho "$0 $@" >> ${ran}\ncat\n`);
  chmodSync(program, 0o755);
  for (const hook of ["pre-commit", "post-commit", "commit-msg", "reference-transaction", "post-index-change"])
    symlinkSync(program, join(gitDir, "hooks", hook));
  const settings = {
    "core.fsmonitor": program,
    "core.pager": program,
    "core.editor": program,
    "core.hooksPath": join(gitDir, "hooks"),
    "core.sshCommand": program,
    "core.attributesFile": join(workTree, "attributes"),
    "diff.external": program,
    "diff.own.command": program,
    "diff.own.textconv": program,
    "filter.own.clean": program,
    "filter.own.smudge": program,
    "filter.own.required": "true",
    "filter.a=b.process": program,
    "commit.gpgSign": "true",
    "gpg.program": program,
    "log.showSignature": "true",
    "alias.status": `!${program}`,
    "trailer.sign.command": program,
    "color.ui": "always",
    "diff.submodule": "log",
  };
  for (const [name, value] of Object.entries(settings))
    await git(base, ["config", "--file", join(gitDir, "config"), name, value]);
  write("a.txt", "a\n");
  write("b.txt", "b\n");
  write("attributes", "* diff=own\n");
  assert.match((await call("git_commit", { message: "A" })).said, /^committed/);
  write(".gitattributes", "a.txt diff=own filter=own\nb.txt filter=a=b diff=own\n");
  write("a.txt", "aa\n");
  write("b.txt", "bb\n");
  assert.match((await call("git_status")).said, /changed a\.txt\nchanged b\.txt/);
  assert.match((await call("git_diff", {})).said, /^-a\n\+aa$/m);
  assert.match((await call("git_log")).said, / A$/);
  assert.equal(
    (await call("git_commit", { message: "B" })).said,
    ".gitattributes gives a.txt the filter own, a program that is not run here; remove that line, or leave this commit to a person.",
  );
  write(".gitattributes", "* diff=own text\n");
  assert.match((await call("git_commit", { message: "B" })).said, /^committed/);
  assert.ok(!existsSync(ran));
});

test("a repository planted in the work tree is neither used nor swallowed", async () => {
  const { call, write, workTree } = await repository();
  const ran = join(base, "ran-nested");
  write("a.txt", "a");
  // In place of the work tree's own, and below.
  for (const folder of ["", "vendor"]) {
    const nested = join(workTree, folder);
    await git(base, ["init", "--quiet", nested]);
    await git(nested, ["config", "core.fsmonitor", `touch ${ran};`]);
  }
  assert.match((await call("git_status")).said, /new a\.txt/);
  assert.match(
    (await call("git_commit", { message: "A" })).said,
    /vendor is a git repository of its own.*rm -rf 'vendor\/\.git'/,
  );
  assert.match((await call("git_diff")).said, /^\+a\n.*\[vendor is a git repository of its own, and not shown\]$/ms);
  write("vendor/x", "x");
  await git(join(workTree, "vendor"), ["add", "."]);
  await git(join(workTree, "vendor"), ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]);
  assert.match((await call("git_commit", { message: "A" })).said, /vendor is a git repository of its own/);
  rmSync(join(workTree, "vendor/.git"), { recursive: true });
  assert.match((await call("git_commit", { message: "A" })).said, /\(2 files\)/);
  assert.ok(!existsSync(ran));
});

test("a long diff is cut at a line and says so", async () => {
  const { call, write } = await repository();
  write("long.txt", `${"x".repeat(99)}\n`.repeat(2000));
  const { output, said } = await call("git_diff");
  assert.equal((output as { cut?: unknown } | undefined)?.cut, true);
  assert.match(said, /x\n\[cut; ask for one file with path\]$/);
  assert.ok(said.length < 33_000);
});

test("a link in the work tree is committed as a link", async () => {
  const { call, gitDir, workTree } = await repository();
  writeFileSync(join(base, "secret"), "SECRET");
  symlinkSync(join(base, "secret"), join(workTree, "link"));
  await call("git_commit", { message: "A" });
  assert.match(await git(gitDir, ["ls-tree", "HEAD"]), /^120000 .*\tlink\n$/);
});

test("a server knows the repository of a linked work tree, and says where that of a folder is", () => {
  const open = (workTree: string) =>
    openGitServer({ gitDir: join(workTree, ".git"), workTree, identity, now: () => AT }).name;
  const main = mkdtempSync(join(base, "main-"));
  checkout(main, "git init -q -b main . && echo a>a && git add . && git commit -qm a && mkdir sub");
  checkout(main, `git worktree add -q ../linked && mkdir ../module && git init -q ../module`);
  assert.equal(open(join(base, "linked")), "git");
  const code = "tools/no-repository";
  assert.throws(() => open(join(main, "sub")), { code, message: /is a folder of the repository in .*main-\w+; give/ });
  assert.throws(() => open(join(base, "none")), { code, message: /git init/ });
  // As code could plant it: any repository of the machine would be written to.
  const planted = mkdtempSync(join(base, "planted-"));
  for (const place of [join(main, ".git"), join(main, ".git/worktrees/linked")]) {
    writeFileSync(join(planted, ".git"), `gitdir: ${place}\n`);
    assert.throws(() => open(planted), { code, message: /does not lead back/ });
  }
  rmSync(join(planted, ".git"));
  checkout(planted, `git init -q . && echo ${join(main, ".git")} > .git/commondir`);
  assert.throws(() => open(planted), { code, message: /writes into another repository/ });
});

test("a commit in a linked work tree goes to its own branch", async () => {
  const main = mkdtempSync(join(base, "main-"));
  const workTree = join(base, "feature");
  checkout(
    main,
    "git init -q -b main . && echo a>a && git add . && git commit -qm a && git worktree add -q ../feature",
  );
  const call = callOf({ gitDir: join(workTree, ".git"), workTree, identity, now: () => AT });
  writeFileSync(join(workTree, "b"), "b");
  assert.match((await call("git_commit", { message: "B" })).said, /^committed/);
  assert.equal(checkout(main, "git log --format=%s main; git log --format=%s feature"), "a\nB\na\n");
  assert.equal(checkout(workTree, "git status --porcelain"), "");
});

test("what a person began and has not ended is left to them", async () => {
  const start = "git init -q -b main . && echo a>a && git add . && git commit -qm a && git checkout -qb b";
  const sides = "echo b>a && git commit -qam b && git checkout -q main && echo c>a && git commit -qam c";
  const ways = {
    MERGE_HEAD: "git merge b",
    "rebase-merge": "git rebase b",
    CHERRY_PICK_HEAD: "git cherry-pick b",
    REVERT_HEAD: "echo d>a && git commit -qam d && git revert HEAD^",
  };
  for (const [name, command] of Object.entries(ways)) {
    const workTree = mkdtempSync(join(base, "busy-"));
    checkout(workTree, `${start} && ${sides} && (${command} || true)`);
    const before = checkout(workTree, "git status --porcelain; git log --format=%H");
    const call = callOf({ gitDir: join(workTree, ".git"), workTree, identity, now: () => AT });
    const { said } = await call("git_commit", { message: "resolved?" });
    assert.match(said, /is under way in this repository.*a person has to end or abort it/);
    assert.ok(said.includes(`.git/${name}`), said);
    assert.equal(checkout(workTree, "git status --porcelain; git log --format=%H"), before);
  }
  const workTree = mkdtempSync(join(base, "stash-"));
  checkout(
    workTree,
    `${start} && echo b>a && git stash -q && echo c>a && git commit -qam c && (git stash pop || true)`,
  );
  const call = callOf({ gitDir: join(workTree, ".git"), workTree, identity, now: () => AT });
  assert.match((await call("git_commit", { message: "x" })).said, /^a has a conflict that is not resolved/);
});

test("while another git holds the index nothing is committed, and its lock stays", async () => {
  const { call, write, gitDir } = await repository();
  write("a.txt", "a");
  writeFileSync(join(gitDir, "index.lock"), "");
  assert.match((await call("git_commit", { message: "A" })).said, /Another git works on this repository/);
  assert.equal((await call("git_log")).said, "[no commit yet]");
  assert.ok(existsSync(join(gitDir, "index.lock")));
  rmSync(join(gitDir, "index.lock"));
  assert.match((await call("git_commit", { message: "A" })).said, /^committed/);
  assert.ok(!existsSync(join(gitDir, "index.lock")));
});

test("a submodule stays as it is recorded, and no program that its own settings name is run", async () => {
  const module = mkdtempSync(join(base, "module-"));
  checkout(module, "git init -q . && echo s>s && git add . && git commit -qm s");
  const workTree = mkdtempSync(join(base, "super-"));
  checkout(workTree, `git init -q -b main . && git -c protocol.file.allow=always submodule -q add ${module} sub`);
  checkout(workTree, "git commit -qm sub");
  const link = checkout(workTree, "git ls-tree HEAD sub");
  const call = callOf({ gitDir: join(workTree, ".git"), workTree, identity, now: () => AT });
  // What code in the sandbox can do: it writes in the submodule, its settings among it.
  const ran = join(base, "ran-in-submodule");
  rmSync(join(workTree, "sub"), { recursive: true });
  checkout(workTree, `cp -r ${module} sub && git -C sub config filter.x.clean 'touch ${ran};cat'`);
  checkout(workTree, "echo '* filter=x' > sub/.git/info/attributes && echo t>sub/s && echo n>n");
  assert.match((await call("git_diff")).said, /^\+n$/m);
  assert.match((await call("git_commit", { message: "N" })).said, /\(1 files\)/);
  assert.equal(checkout(workTree, "git ls-tree HEAD sub"), link);
  assert.ok(!existsSync(ran));
  // Another commit in it, and none of it there at all.
  checkout(workTree, "git -C sub config --unset filter.x.clean; git -C sub commit -qam t && echo o>o");
  assert.match((await call("git_commit", { message: "O" })).said, /\(1 files\)/);
  rmSync(join(workTree, "sub"), { recursive: true });
  writeFileSync(join(workTree, "p"), "p");
  assert.match((await call("git_commit", { message: "P" })).said, /\(1 files\)/);
  assert.equal(checkout(workTree, "git ls-tree HEAD sub"), link);
  // Made ordinary files of.
  mkdirSync(join(workTree, "sub"));
  writeFileSync(join(workTree, "sub/s"), "own");
  assert.match((await call("git_commit", { message: "S" })).said, /^committed/);
  assert.match(checkout(workTree, "git ls-tree -r HEAD sub"), /^100644 blob .*\tsub\/s\n$/);
});
