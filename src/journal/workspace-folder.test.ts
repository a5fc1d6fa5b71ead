import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { WorkspaceFolder } from "./workspace-folder.ts";
import { Workspaces } from "./workspaces.ts";

const base = fs.mkdtempSync(join(tmpdir(), "atos-folder-"));
const repository = join(base, "workspaces.git");
let workspaces: Workspaces;
let folder: WorkspaceFolder;
let made = 0;

before(async () => {
  workspaces = await Workspaces.open(repository);
});
beforeEach(() => {
  folder = workspaces.openFolder(join(base, `workspace-${made++}`));
});
after(() => fs.rmSync(base, { recursive: true, force: true }));

const at = (path: string) => join(folder.directory, path);
const git = (...args: string[]) => execFileSync("git", args, { cwd: repository, encoding: "utf8" });

/** Runs a script in the workspace. */
const run = (script: string) => execFileSync("/bin/sh", ["-ec", script], { cwd: folder.directory, encoding: "utf8" });

async function taken(of: WorkspaceFolder = folder): Promise<string> {
  const snapshot = await of.snapshot();
  assert.equal(snapshot.kind, "taken", JSON.stringify(snapshot));
  return snapshot.kind === "taken" ? snapshot.snapshot : "";
}

async function refusal(): Promise<string> {
  const snapshot = await folder.snapshot();
  return snapshot.kind === "refused" ? snapshot.why : `taken: ${snapshot.snapshot}`;
}

/** Everything a snapshot keeps, one line for each entry; names and bytes as they are. */
function listing(directory: string, prefix = ""): string[] {
  return fs
    .readdirSync(Buffer.from(`${directory}/${prefix}`, "latin1"), { encoding: "latin1" })
    .toSorted()
    .flatMap((name) => {
      const path = Buffer.from(`${directory}/${prefix}${name}`, "latin1");
      const stats = fs.lstatSync(path);
      if (stats.isDirectory()) return [`${prefix}${name}/`, ...listing(directory, `${prefix}${name}/`)];
      if (stats.isSymbolicLink())
        return [`${prefix}${name} -> ${fs.readlinkSync(path, { encoding: "buffer" }).toString("latin1")}`];
      const executable = (stats.mode & 0o100) === 0 ? "" : " executable";
      return [`${prefix}${name}${executable}: ${fs.readFileSync(path).toString("latin1")}`];
    });
}

test("a restored folder has every byte, bit, link, name and empty folder", async () => {
  run(`mkdir -p src/deep/er empty 'only/empty/folders' 'sp ace'
    printf 'one\\r\\ntwo\\n$Id$\\000\\377' > src/deep/er/bytes; printf '* text eol=crlf ident\\n' > .gitattributes
    echo '*' > .gitignore; echo ignored > ignored; : > nothing
    echo '#!/bin/sh' > tool; chmod 755 tool; printf x > 'sp ace/new
line'
    printf caf > "$(printf 'caf\\351')"; printf é > é
    ln -s ../../etc/passwd 'out'; ln -s src/deep to-folder; ln -s nowhere broken; ln -s "$(printf 'b\\377d')" odd
    mkdir -p -- -rf; echo dash > -rf/--version; ln -s . itself`);
  const expected = listing(folder.directory);
  assert.ok(expected.length > 20);
  const snapshot = await taken();
  run("rm -rf ./* .git* ./-rf; echo other > src; mkdir tool ignored; ln -s / é");
  await folder.restore(snapshot);
  assert.deepEqual(listing(folder.directory), expected);
  assert.equal(await taken(), snapshot);
  const other = workspaces.openFolder(join(base, "elsewhere", "again"));
  await other.restore(snapshot);
  assert.deepEqual(listing(other.directory), expected);
  assert.equal(await taken(other), snapshot);
});

test("the files of a snapshot are the tree that git itself makes of the folder", async () => {
  run(`mkdir -p a/b a.b a-b a0 empty; for f in a/x a/b/y a.b/z a-b/q a0/r a1 z; do echo $f > $f; done
    chmod +x a1; ln -s a link; printf caf > "$(printf 'caf\\351')"`);
  const files = await folder.filesOf(await taken());
  const index = { ...process.env, GIT_INDEX_FILE: join(base, "index"), GIT_DIR: repository };
  const options = { cwd: folder.directory, env: { ...index, GIT_WORK_TREE: folder.directory } };
  execFileSync("git", ["add", "--all", "--force", "."], options);
  assert.equal(files, execFileSync("git", ["write-tree"], { ...options, encoding: "utf8" }).trim());
  const commit = await workspaces.commit({ tree: files, parents: [], message: "All", at: new Date(0) });
  assert.match(git("show", "--stat", "--format=%s", commit), /^All\n\n[^]* 9 files changed/);
});

test("an empty folder is a workspace too", async () => {
  const snapshot = await taken();
  run("mkdir a; echo b > b");
  await folder.restore(snapshot);
  assert.deepEqual(listing(folder.directory), []);
  assert.equal(await taken(), snapshot);
});

test("one more empty folder makes another snapshot of the same files", async () => {
  run("echo a > a");
  const first = await taken();
  run("mkdir -p empty/er");
  const second = await taken();
  assert.notEqual(second, first);
  assert.equal(await folder.filesOf(second), await folder.filesOf(first));
  await folder.restore(first);
  assert.deepEqual(listing(folder.directory), ["a: a\n"]);
});

test("a change that keeps size and time of modification is seen, also right after the last snapshot", async () => {
  const seen = new Set<string>();
  run("touch -d 2001-01-01 reference");
  for (let round = 0; round < 50; round++) {
    fs.writeFileSync(at("file"), `round ${round + 100}`);
    run("touch -r reference file");
    seen.add(await taken());
  }
  assert.equal(seen.size, 50);
});

test("a folder that was not touched is not read again", async () => {
  run("echo a > a; mkdir b; echo c > b/c");
  await taken();
  await setTimeout(50);
  const snapshot = await taken();
  const accessed = () => [fs.statSync(at("a")).atimeMs, fs.statSync(at("b/c")).atimeMs];
  const old = new Date(0);
  for (const file of ["a", "b/c"]) fs.utimesSync(at(file), old, fs.statSync(at(file)).mtime);
  await taken();
  await setTimeout(50);
  await taken();
  const before = accessed();
  const objects = git("count-objects", "-v");
  assert.equal(await taken(), snapshot);
  assert.deepEqual(accessed(), before);
  assert.equal(git("count-objects", "-v"), objects);
});

test("what can't be kept is put straight: special files, modes, several names", async (t) => {
  run(`mkfifo fifo; mkdir -p closed/in; echo secret > closed/in/file; echo x > tool; echo two > one; ln one two
    mkdir group; echo read > group/only; chmod 0440 group/only
    chmod 0100 tool; chmod 000 closed/in/file closed/in closed`);
  const server = createServer().listen(at("socket"));
  t.after(() => server.close());
  const outside = join(base, "outside-file");
  fs.writeFileSync(outside, "outside");
  fs.linkSync(outside, at("linked"));
  const snapshot = await taken();
  const expected = [
    "closed/",
    "closed/in/",
    "closed/in/file: secret\n",
    "group/",
    "group/only: read\n",
    "linked: outside",
    "one: two\n",
    "tool executable: x\n",
    "two: two\n",
  ];
  assert.deepEqual(listing(folder.directory), expected);
  run("echo changed >> one; echo changed >> linked; [ $(stat -c %a group/only) = 640 ]");
  assert.deepEqual([fs.readFileSync(at("two"), "utf8"), fs.readFileSync(outside, "utf8")], ["two\n", "outside"]);
  await folder.restore(snapshot);
  assert.deepEqual(listing(folder.directory), expected);
});

test("a restore never writes into a file that has another name", async () => {
  run("echo mine > file");
  const snapshot = await taken();
  const outside = join(base, "other-name");
  fs.writeFileSync(outside, "theirs");
  for (const content of ["theirs", "mine\n"]) {
    fs.writeFileSync(outside, content);
    run("rm file");
    fs.linkSync(outside, at("file"));
    await folder.restore(snapshot);
    assert.equal(fs.readFileSync(at("file"), "utf8"), "mine\n");
    assert.deepEqual([fs.readFileSync(outside, "utf8"), fs.statSync(outside).nlink], [content, 1]);
  }
});

test("a repository inside is refused, whatever its form and case, and told where it is", async () => {
  const problem = "is, to git, a repository of its own";
  for (const make of [
    "mkdir -p .git/hooks",
    "echo 'gitdir: /x' > .git",
    "ln -s /tmp .git",
    "mkdir -p .GiT/x",
    "echo > git~1",
  ]) {
    run(`mkdir -p sub; cd sub; ${make}`);
    assert.match(await refusal(), new RegExp(`^"sub/(\\.git|\\.GiT|git~1)" ${problem}$`));
    run("rm -rf sub");
  }
  run("echo x > a; git init --quiet");
  assert.equal(await refusal(), `".git" ${problem}`);
  run("rm -rf .git; ln -s a .gitmodules");
  assert.equal(await refusal(), '".gitmodules" is a link by a name that git reads settings from');
});

test("after a refusal the state before can be had back", async () => {
  run("echo a > a");
  const snapshot = await taken();
  run("git init --quiet; echo b > a");
  assert.match(await refusal(), /^"\.git" /);
  await folder.settle();
  assert.deepEqual(listing(folder.directory), ["a: a\n"]);
  assert.equal(await taken(), snapshot);
});

test("the empty .git that a killed sandbox leaves is removed", async () => {
  run("mkdir .git; echo a > a");
  await taken();
  assert.deepEqual(listing(folder.directory), ["a: a\n"]);
});

test("folders nested without end are refused, and removed by a restore", async () => {
  run("echo a > a");
  const snapshot = await taken();
  run("i=0; while [ $i -lt 400 ]; do mkdir nested-folder; cd -P nested-folder; i=$((i+1)); done; echo b > b");
  assert.match(await refusal(), /" is deeper than 100 folders$/);
  await folder.restore(snapshot);
  assert.deepEqual(listing(folder.directory), ["a: a\n"]);
});

test("a file too large to hold in memory is refused without being read", async () => {
  run("truncate -s 10G huge");
  assert.equal(await refusal(), '"huge" has more than 512 MiB');
});

test("a restore makes a folder that is gone, and leaves alone what is right", async () => {
  run("mkdir sub; echo a > sub/a; echo b > sub/b; touch -d 2001-01-01 sub/a sub/b");
  const snapshot = await taken();
  run("echo changed > sub/b");
  await folder.restore(snapshot);
  assert.equal(fs.statSync(at("sub/a")).mtime.getUTCFullYear(), 2001);
  assert.notEqual(fs.statSync(at("sub/b")).mtime.getUTCFullYear(), 2001);
  fs.rmSync(folder.directory, { recursive: true });
  await folder.restore(snapshot);
  assert.deepEqual(listing(folder.directory), ["sub/", "sub/a: a\n", "sub/b: b\n"]);
});

test("large and many files are kept, and each snapshot leaves a sound repository", async () => {
  fs.writeFileSync(at("large"), Buffer.alloc(3_000_000, "large "));
  for (let number = 0; number < 300; number++) fs.writeFileSync(at(`file-${number}`), `${number}\n`.repeat(number));
  const first = await taken();
  const expected = listing(folder.directory);
  run("rm file-1*; echo new > new; mv large larger");
  await taken();
  await folder.restore(first);
  assert.deepEqual(listing(folder.directory), expected);
  assert.equal(git("fsck", "--strict", "--no-dangling", "--no-progress").trim(), "");
});

test("settle brings a folder to where it should be only when that is not known", async () => {
  run("echo one > file");
  const first = await taken();
  run("echo two > file");
  const second = await taken();
  await folder.settle();
  assert.deepEqual(listing(folder.directory), ["file: two\n"]);

  const restarted = workspaces.openFolder(folder.directory);
  run("echo half > file");
  restarted.expect(first);
  restarted.expect(second);
  await restarted.settle();
  assert.deepEqual(listing(folder.directory), ["file: two\n"]);
  // What came after the last settle was not recorded: it is not known what it left.
  run("echo half > file");
  await restarted.settle();
  assert.deepEqual(listing(folder.directory), ["file: two\n"]);
});

test("the current snapshot is the expected one, or a new one where nothing is expected", async () => {
  run("echo one > file");
  const first = await folder.current();
  assert.deepEqual(await folder.current(), first);
  run("echo half > file");
  await folder.settle();
  assert.deepEqual(await folder.current(), first);
  assert.deepEqual(listing(folder.directory), ["file: one\n"]);
});

test("a snapshot that is missing or damaged is an error that names it", async () => {
  await assert.rejects(folder.restore("0".repeat(40)), { code: "journal/bad-snapshot" });
  fs.writeFileSync(at("file"), "to be damaged");
  const snapshot = await taken();
  const blob = git("rev-parse", `${snapshot}:files/file`).trim();
  fs.rmSync(join(repository, "objects", blob.slice(0, 2), blob.slice(2)));
  fs.rmSync(at("file"));
  const error = { code: "journal/bad-snapshot", message: new RegExp(`The file ${blob} .* missing or damaged`) };
  await assert.rejects(folder.restore(snapshot), error);
});

test("a folder in whose place a file is can't be recorded or restored", async () => {
  const snapshot = await taken();
  fs.rmdirSync(folder.directory);
  fs.writeFileSync(folder.directory, "");
  await assert.rejects(folder.snapshot(), { code: "journal/workspace-failed" });
  await assert.rejects(folder.restore(snapshot), { code: "journal/workspace-failed" });
});

test("whatever is done to a folder, a restore undoes it: random operations", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const next = randomNumbers(seed);
    const folder = workspaces.openFolder(join(base, `random-${seed}`));
    for (let step = 0; step < 16; step++) change(folder.directory, next);
    const snapshot = await taken(folder);
    const lines = listing(folder.directory);
    for (let step = 0; step < 12; step++) change(folder.directory, next);
    // Half of them by one that remembers, the last state or the one before; half by one that begins anew.
    if (next(2) === 0) await taken(folder);
    const restorer = next(2) === 0 ? folder : workspaces.openFolder(folder.directory);
    await restorer.restore(snapshot);
    assert.deepEqual(listing(folder.directory), lines, `seed ${seed}`);
    assert.equal(await taken(restorer), snapshot, `seed ${seed}`);
    assert.equal(await taken(workspaces.openFolder(folder.directory)), snapshot, `seed ${seed}`);
    fs.rmSync(folder.directory, { recursive: true });
  }
});

/**
 * One random operation on few names, so that they meet; one that can't be done is left out. It may go through a link
 * that an earlier one made: no target may lead up or start at the root, or this would work on the machine itself.
 */
function change(directory: string, next: (below: number) => number): void {
  const path = () => {
    const names = ["a", "b", "a.b", "a-b", "caf\u00e9", "\u00ff"];
    const parts = Array.from({ length: 1 + next(3) }, () => names[next(names.length)]);
    return Buffer.from(`${directory}/${parts.join("/")}`, "latin1");
  };
  const operations = [
    () => fs.mkdirSync(path(), { recursive: true }),
    () => fs.writeFileSync(path(), `${next(4)}`),
    () => fs.appendFileSync(path(), Buffer.from([next(256)])),
    () => fs.chmodSync(path(), next(0o1000)),
    () => fs.renameSync(path(), path()),
    () => fs.symlinkSync(["a", "a.b/b", "a-b", "nowhere"][next(4)] ?? "", path()),
    () => fs.linkSync(path(), path()),
    () => fs.rmSync(path(), { recursive: true }),
    () => fs.truncateSync(path(), next(3)),
    () => fs.rmdirSync(path()),
  ];
  try {
    operations[next(operations.length)]?.();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

/** Whole numbers from 0, by mulberry32. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

test("a folder that is larger than its quota is refused, and one that was made smaller again is not", async () => {
  const small = workspaces.openFolder(join(base, "small"), 1024 * 1024);
  fs.writeFileSync(join(small.directory, "a"), Buffer.alloc(700_000));
  const before = await taken(small);
  fs.writeFileSync(join(small.directory, "b"), Buffer.alloc(700_000));
  assert.deepEqual(await small.snapshot(), { kind: "refused", why: '"b" makes the workspace larger than 1 MiB' });
  await small.restore(before);
  assert.equal(await taken(small), before);
});
