import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Workspaces } from "../journal/workspaces.ts";
import { type Delivery, deliver } from "./deliver.ts";

const root = mkdtempSync(join(tmpdir(), "atos-deliver-"));
let repository = "";
let commit = "";
before(async () => {
  const workspaces = await Workspaces.open(join(root, "workspaces.git"));
  repository = workspaces.repository;
  const tree = await workspaces.write([{ path: "src/a.py", content: "x = 1\n" }]);
  commit = await workspaces.commit({ tree, parents: [], message: "One\n", at: new Date(0) });
});
after(() => rmSync(root, { recursive: true, force: true }));

function delivery(name: string): Delivery {
  return { buildId: "b1", repository, commit, branch: "main", directory: join(root, name) };
}

function head(directory: string): string {
  return execFileSync("git", ["-C", directory, "rev-parse", "HEAD"], { encoding: "utf8" }).trim();
}

test("a new folder becomes a clean git repository on its branch", async () => {
  const wanted = delivery("deep/new");
  await deliver(wanted);
  assert.equal(head(wanted.directory), commit);
  assert.equal(
    execFileSync("git", ["-C", wanted.directory, "status", "--porcelain", "--branch"], { encoding: "utf8" }),
    "## main\n",
  );
  assert.equal(readFileSync(join(wanted.directory, "src/a.py"), "utf8"), "x = 1\n");
});

test("the folder itself stays when it was there: somebody may stand in it", async () => {
  const wanted = delivery("empty");
  mkdirSync(wanted.directory);
  const handle = process.cwd();
  process.chdir(wanted.directory);
  try {
    await deliver(wanted);
    assert.ok(existsSync("src/a.py"));
  } finally {
    process.chdir(handle);
  }
});

test("delivering twice changes nothing, also after a person has gone on from it", async () => {
  const wanted = delivery("twice");
  await deliver(wanted);
  writeFileSync(join(wanted.directory, "mine.txt"), "keep");
  execFileSync("git", ["-C", wanted.directory, "add", "."]);
  execFileSync("git", ["-C", wanted.directory, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "mine"]);
  await deliver(wanted);
  assert.equal(readFileSync(join(wanted.directory, "mine.txt"), "utf8"), "keep");
});

test("a delivery that was cut off when all was there is left as it is, with what a person has done since", async () => {
  const wanted = delivery("whole");
  await deliver(wanted);
  const mark = join(wanted.directory, ".git", "atos-delivery");
  writeFileSync(mark, "b1\n");
  writeFileSync(join(wanted.directory, "mine.txt"), "keep");
  await deliver(wanted);
  assert.equal(readFileSync(join(wanted.directory, "mine.txt"), "utf8"), "keep");
  assert.ok(!existsSync(mark));
});

test("a delivery cut off at any point is made anew", async () => {
  for (const [name, setUp] of [
    ["bare", (git: string) => mkdirSync(git)],
    [
      "unmarked",
      (git: string) => {
        mkdirSync(git);
        writeFileSync(join(git, "atos-delivery"), "");
      },
    ],
    [
      "marked",
      (git: string) => {
        mkdirSync(git);
        writeFileSync(join(git, "atos-delivery"), "b1\n");
        writeFileSync(join(git, "..", "half"), "half a file");
      },
    ],
  ] as const) {
    const wanted = delivery(`cut-${name}`);
    mkdirSync(wanted.directory);
    setUp(join(wanted.directory, ".git"));
    await deliver(wanted);
    assert.equal(head(wanted.directory), commit);
    assert.deepEqual(readdirSync(wanted.directory).toSorted(), [".git", "src"]);
  }
});

test("a folder that somebody has filled meanwhile is left alone", async () => {
  const wanted = delivery("foreign");
  mkdirSync(wanted.directory);
  writeFileSync(join(wanted.directory, "precious"), "");
  await assert.rejects(deliver(wanted), { code: "workflows/directory-not-empty", exitCode: 2 });
  assert.deepEqual(readdirSync(wanted.directory), ["precious"]);
});
