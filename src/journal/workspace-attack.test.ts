import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { AtosError } from "../base/errors.ts";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import type { WorkspaceFolder } from "./workspace-folder.ts";
import { Workspaces } from "./workspaces.ts";

/** An ordinary user where the tests are root, whom nobody else is; otherwise who runs the tests. */
const USER = 65_531;

const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "atos-attack-")));
const repository = join(base, "workspaces.git");
const outside = join(base, "outside");
const SECRET = `secret of ${base}`;
/** Every other one of the names that are used inside. */
const OUTSIDE = ["inner", ...Array.from({ length: 200 }, (_, index) => `file-${2 * index}`)];
let workspaces: Workspaces;

before(async () => {
  workspaces = await Workspaces.open(repository);
  fs.mkdirSync(outside);
  for (const name of OUTSIDE) fs.writeFileSync(join(outside, name), SECRET);
});
after(() => fs.rmSync(base, { recursive: true, force: true }));

async function taken(folder: WorkspaceFolder): Promise<string> {
  const snapshot = await folder.snapshot();
  if (snapshot.kind === "refused") assert.fail(snapshot.why);
  return snapshot.snapshot;
}

function assertOutsideUntouched(): void {
  assert.deepEqual(fs.readdirSync(outside).toSorted(), OUTSIDE.toSorted());
  for (const name of OUTSIDE) assert.equal(fs.readFileSync(join(outside, name), "utf8"), SECRET);
  const hash = execFileSync("git", ["hash-object", "--stdin"], { cwd: repository, input: SECRET, encoding: "utf8" });
  assert.notEqual(spawnSync("git", ["cat-file", "-e", hash.trim()], { cwd: repository }).status, 0, "it was recorded");
}

test("links in the place of folders lead neither reading, writing nor removing out", async () => {
  const folder = workspaces.openFolder(join(base, "swapped"));
  const { directory } = folder;
  fs.mkdirSync(join(directory, "sub/deep"), { recursive: true });
  for (const name of ["sub/inner", "sub/deep/inner", "sub/own"]) fs.writeFileSync(join(directory, name), "inside");
  const snapshot = await taken(folder);
  fs.renameSync(join(directory, "sub"), join(directory, "moved"));
  fs.symlinkSync(outside, join(directory, "sub"));
  fs.rmSync(join(directory, "moved/deep"), { recursive: true });
  fs.symlinkSync(outside, join(directory, "moved/deep"));
  const swapped = await taken(folder);
  assertOutsideUntouched();
  for (const restorer of [folder, workspaces.openFolder(directory)]) {
    await restorer.restore(snapshot);
    assert.equal(fs.readFileSync(join(directory, "sub/deep/inner"), "utf8"), "inside");
    assertOutsideUntouched();
    await restorer.restore(swapped);
    assert.equal(fs.readlinkSync(join(directory, "sub")), outside);
    assertOutsideUntouched();
  }
});

test("nor do links that are swapped in and out while a snapshot or a restore works", async () => {
  const folder = workspaces.openFolder(join(base, "raced"));
  const { directory } = folder;
  fs.mkdirSync(join(directory, "sub"), { recursive: true });
  for (let number = 0; number < 400; number++) fs.writeFileSync(join(directory, "sub", `file-${number}`), "inside");
  const snapshot = await taken(folder);
  const swapper = startSwapper(directory);
  const [code] = await Promise.all([once(swapper, "exit"), raceUntilExit(folder, snapshot, swapper)]);
  assert.deepEqual(code, [0, null]);
  assertOutsideUntouched();
  await folder.restore(snapshot);
  assert.equal(await taken(workspaces.openFolder(directory)), snapshot);
  assertOutsideUntouched();
});

/** Puts a link to `outside` in the place of the folder `sub`, and back, 20,000 times; each stays for a moment. */
function startSwapper(directory: string): ChildProcess {
  const program = `const fs = require("node:fs"), [real, sub, link] = ["real", "sub", "link"];
    process.chdir(${JSON.stringify(directory)});
    const attempt = (work) => { try { work(); } catch {} };
    const stay = () => { for (let look = 0; look < 50; look++) fs.existsSync("/"); };
    for (let swap = 0; swap < 20_000; swap++) {
      attempt(() => fs.symlinkSync(${JSON.stringify(outside)}, link));
      attempt(() => fs.renameSync(sub, real));
      attempt(() => fs.renameSync(link, sub));
      stay();
      attempt(() => fs.renameSync(sub, link));
      attempt(() => fs.renameSync(real, sub));
      stay();
    }`;
  return spawn(process.execPath, ["-e", program], { stdio: "inherit" });
}

async function raceUntilExit(folder: WorkspaceFolder, snapshot: string, swapper: ChildProcess): Promise<void> {
  for (let round = 0; round < 100_000 && swapper.exitCode === null; round++) {
    try {
      await folder.snapshot();
      // Something to write and to remove each time.
      if (round % 2 === 0)
        fs.renameSync(join(folder.directory, "sub", "file-1"), join(folder.directory, `new-${round}`));
      await folder.restore(snapshot);
    } catch (error) {
      if (!(error instanceof AtosError || (error instanceof Error && "code" in error))) throw error;
    }
  }
}

test("a process killed at any moment leaves nothing that the next one can't put right", async () => {
  const directory = join(base, "killed");
  const folder = workspaces.openFolder(directory);
  const snapshots: string[] = [];
  for (let state = 0; state < 2; state++) {
    for (let number = 0; number < 120; number++) {
      fs.mkdirSync(join(directory, `folder-${number % 7}`), { recursive: true });
      fs.writeFileSync(join(directory, `folder-${number % 7}`, `${number}`), `state ${state} of ${number}`);
    }
    fs.mkdirSync(join(directory, `empty-${state}`));
    snapshots.push(await taken(folder));
  }
  const program = `import { Workspaces } from ${JSON.stringify(join(import.meta.dirname, "workspaces.ts"))};
    import { writeFileSync } from "node:fs";
    const folder = (await Workspaces.open(${JSON.stringify(repository)})).openFolder(${JSON.stringify(directory)});
    process.stdout.write("ready");
    for (let round = 0; round < 10_000; round++) {
      await folder.restore(${JSON.stringify(snapshots)}[round % 2]);
      for (let file = 0; file < 80; file++) writeFileSync(folder.directory + "/new-" + file, round + " " + file + process.pid);
      await folder.snapshot();
    }`;
  for (let kill = 0; kill < 20; kill++) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await new Promise((resolve) => setTimeout(resolve, 7 * kill));
    child.kill("SIGKILL");
    await once(child, "exit");
    const restarted = (await Workspaces.open(repository)).openFolder(directory);
    const wanted = snapshots[kill % 2] ?? "";
    restarted.expect(wanted);
    await restarted.settle();
    assert.equal(await taken(workspaces.openFolder(directory)), wanted);
  }
  const left = fs.readdirSync(repository, { recursive: true, encoding: "utf8" });
  assert.deepEqual(
    left.filter((name) => /^index-|^objects\/(pack\/)?tmp_/.test(name)),
    [],
  );
  assert.equal(spawnSync("git", ["fsck", "--strict", "--no-dangling"], { cwd: repository }).status, 0);
});

test("what commands in a sandbox made and shut away is recorded, and what is restored they can change", async () => {
  const sandbox = await openSandbox({ unsafe: false });
  const folder = workspaces.openFolder(join(base, "sandboxed"));
  const run = async (script: string) => {
    const command = ["/bin/sh", "-ec", script] as const;
    const report = await sandbox.run({ command, root: folder.directory }, new AbortController().signal);
    assert.deepEqual([report.exitCode, report.stderr], [0, ""]);
    return report.stdout;
  };
  await run(
    "mkdir -p a/b; echo one > a/b/file; echo two > a/tool; chmod 700 a/tool; chmod 000 a/b/file a/b; chmod 500 a",
  );
  const snapshot = await taken(folder);
  await run("chmod -R u+w a; echo more >> a/b/file; rm a/tool; mkdir -p c/d; chmod 000 c/d c");
  await taken(folder);
  await run("mkdir -p e/f; touch e/f/g; chmod 000 e/f/g e/f e");
  await folder.restore(snapshot);
  assert.equal(await taken(folder), snapshot);
  assert.equal(
    await run("cat a/b/file a/tool; echo three >> a/b/file; rm a/tool; find a | sort"),
    "one\ntwo\na\na/b\na/b/file\n",
  );
});

test("an ordinary user's workspaces are kept as root's are", () => {
  const home = join(base, "user");
  // The checkout may lie below a folder that only root can enter.
  for (const part of ["base", "journal"])
    fs.cpSync(join(import.meta.dirname, "..", part), join(home, "src", part), { recursive: true });
  const node = join(home, "node");
  fs.cpSync(process.execPath, node);
  fs.chmodSync(base, 0o755);
  const program = `import { Workspaces } from ${JSON.stringify(join(home, "src/journal/workspaces.ts"))};
    import { execFileSync } from "node:child_process";
    const folder = (await Workspaces.open(${JSON.stringify(join(home, "w.git"))})).openFolder(${JSON.stringify(join(home, "ws"))});
    const run = (script) => execFileSync("/bin/sh", ["-ec", script], { cwd: folder.directory, encoding: "utf8" });
    run("mkdir -p a/b; echo one > a/b/file; echo two > a/tool; chmod 500 a/tool; chmod 000 a/b/file a/b a; mkdir 'sub'; mkfifo sub/fifo");
    const first = await folder.snapshot();
    run("chmod 000 a/b/file a/b a; mkdir -p c/d/e; touch c/d/e/f; chmod 000 c/d/e c/d c; chmod 500 .");
    await folder.restore(first.snapshot);
    const again = await folder.snapshot();
    console.log(first.kind, first.snapshot === again.snapshot, run("id -u; find . -printf '%y %m %p;' | tr ';' '\\n' | sort"));`;
  const isRoot = process.getuid?.() === 0;
  if (isRoot) fs.chownSync(home, USER, USER);
  const options = {
    ...(isRoot ? { uid: USER, gid: USER } : {}),
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", NODE_NO_WARNINGS: "1" },
  };
  const output = execFileSync(node, ["--input-type=module", "-e", program], { ...options, encoding: "utf8" }).replace(
    / ([67])\d\d /g,
    " $1 ",
  );
  const uid = isRoot ? USER : process.getuid?.();
  const lines = ["d 7 .", "d 7 ./a", "d 7 ./a/b", "d 7 ./sub", "f 6 ./a/b/file", "f 7 ./a/tool"];
  assert.equal(output.trim(), `taken true ${uid}\n${lines.join("\n")}`);
});
