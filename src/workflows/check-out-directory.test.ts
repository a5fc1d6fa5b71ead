import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkOutDirectory } from "./check-out-directory.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "atos-out-")));
const state = join(root, "state");
mkdirSync(state);
after(() => rmSync(root, { recursive: true, force: true }));

const bad = { code: "workflows/bad-directory", exitCode: 2 };

test("a new folder is fine, and looking leaves nothing behind", async () => {
  const before = readdirSync(root);
  assert.equal(await checkOutDirectory(join(root, "a", "b"), state), join(root, "a", "b"));
  assert.deepEqual(readdirSync(root), before);
});

test("an empty folder is fine, also through a symbolic link, which is followed", async () => {
  mkdirSync(join(root, "empty"));
  symlinkSync(join(root, "empty"), join(root, "link"));
  assert.equal(await checkOutDirectory(join(root, "link"), state), join(root, "empty"));
});

test("a folder with something in it is refused and says what", async () => {
  mkdirSync(join(root, "full"));
  writeFileSync(join(root, "full", "precious.txt"), "");
  await assert.rejects(checkOutDirectory(join(root, "full"), state), /precious\.txt/);
});

test("a file, a path below a file, and a place nobody can write are refused", async () => {
  writeFileSync(join(root, "file"), "");
  await assert.rejects(checkOutDirectory(join(root, "file"), state), bad);
  await assert.rejects(checkOutDirectory(join(root, "file", "below"), state), bad);
  await assert.rejects(checkOutDirectory("/proc/nothing-can-be-made-here", state), bad);
});

test("ATOS's own state is no place to deliver to, also through a link", async () => {
  symlinkSync(state, join(root, "sly"));
  await assert.rejects(checkOutDirectory(join(state, "demo"), state), bad);
  await assert.rejects(checkOutDirectory(join(root, "sly", "demo"), state), bad);
});
