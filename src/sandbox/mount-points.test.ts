import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { holdMountPoints } from "./mount-points.ts";

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "atos-mounts-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const folders = [
  { name: ".git", kind: "folder" },
  { name: ".atos", kind: "folder" },
];
const list = () => readdirSync(root).toSorted();

test("what was made for mounting goes when the last one that holds it goes", () => {
  const first = holdMountPoints(root);
  const second = holdMountPoints(root);
  assert.deepEqual([first.hidden, second.hidden, list()], [folders, folders, [".atos", ".git"]]);
  first[Symbol.dispose]();
  assert.deepEqual(list(), [".atos", ".git"]);
  second[Symbol.dispose]();
  assert.deepEqual(list(), []);
});

test("what was there stays as it was: full, empty, or a worktree's file", () => {
  mkdirSync(join(root, ".git"));
  writeFileSync(join(root, ".git", "config"), "");
  mkdirSync(join(root, ".atos"));
  holdMountPoints(root)[Symbol.dispose]();
  assert.deepEqual(
    [list(), readdirSync(join(root, ".git")), readdirSync(join(root, ".atos"))],
    [[".atos", ".git"], ["config"], []],
  );
  rmSync(join(root, ".git"), { recursive: true });
  writeFileSync(join(root, ".git"), "gitdir: x");
  const held = holdMountPoints(root);
  assert.deepEqual(held.hidden[0], { name: ".git", kind: "file" });
  held[Symbol.dispose]();
  assert.deepEqual(list(), [".atos", ".git"]);
});

test("a repository that somebody makes meanwhile stays", () => {
  const held = holdMountPoints(root);
  writeFileSync(join(root, ".git", "HEAD"), "ref: refs/heads/main\n");
  held[Symbol.dispose]();
  assert.deepEqual([list(), readdirSync(join(root, ".git"))], [[".git"], ["HEAD"]]);
});

test("what a killed process left is taken away by the next call", () => {
  mkdirSync(join(root, ".git", ".sandbox-4194305-0123456789abcdef"), { recursive: true });
  holdMountPoints(root)[Symbol.dispose]();
  assert.deepEqual(list(), []);
});

test("a link, or an .atos that is a file, is refused, and nothing is left of the attempt", () => {
  symlinkSync("/etc", join(root, ".git"));
  assert.throws(() => holdMountPoints(root), { code: "sandbox/not-hidden" });
  assert.deepEqual(list(), [".git"]);
  rmSync(join(root, ".git"));
  writeFileSync(join(root, ".atos"), "");
  assert.throws(() => holdMountPoints(root), { code: "sandbox/not-hidden" });
  assert.deepEqual(list(), [".atos"]);
});

test("a workspace in which nothing can be made is refused", (t) => {
  if (process.getuid?.() === 0) return t.diagnostic("root may write everywhere: not tried");
  chmodSync(root, 0o555);
  assert.throws(() => holdMountPoints(root), { code: "sandbox/not-hidden" });
  chmodSync(root, 0o755);
});
