import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { readOnlyPaths, workspacePath } from "./request-paths.ts";

let root = "";
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "atos-paths-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const asked = (target: string) => ({ root, command: ["true"] as const, readOnly: [{ source: root, target }] }) as const;

test("a workspace is a folder that is there, by its real path", () => {
  mkdirSync(join(root, "real"));
  symlinkSync("real", join(root, "link"));
  assert.equal(workspacePath(join(root, "link")), join(root, "real"));
  writeFileSync(join(root, "file"), "");
  assert.throws(() => workspacePath(join(root, "file")), { code: "sandbox/root" });
  assert.throws(() => workspacePath(join(root, "nowhere")), { code: "sandbox/root" });
});

test("the home folder, and all that holds it, is no workspace", () => {
  for (const folder of ["/", homedir(), dirname(homedir())])
    assert.throws(() => workspacePath(folder), { code: "sandbox/root" });
});

test("nothing is shown by way of a symbolic link in the workspace", () => {
  assert.deepEqual(readOnlyPaths(root, asked("/workspace/a/b")), [{ source: root, target: "/workspace/a/b" }]);
  symlinkSync("/etc", join(root, "a"));
  assert.throws(() => readOnlyPaths(root, asked("/workspace/a/b")), { code: "sandbox/read-only" });
  assert.throws(() => readOnlyPaths(root, asked("/workspace/a")), { code: "sandbox/read-only" });
});

test("a target must be a plain absolute path, and a source must be there", () => {
  for (const target of ["x", "/", "/workspace", "/workspace/../etc", "/a//b", "/a/"]) {
    assert.throws(() => readOnlyPaths(root, asked(target)), { code: "sandbox/read-only" }, target);
  }
  const missing = {
    root,
    command: ["true"] as const,
    readOnly: [{ source: join(root, "gone"), target: "/opt/x" }],
  } as const;
  assert.throws(() => readOnlyPaths(root, missing), { code: "sandbox/read-only" });
});
