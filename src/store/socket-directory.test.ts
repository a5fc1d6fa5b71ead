import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { socketDirectory } from "./socket-directory.ts";

const runtime = process.env["XDG_RUNTIME_DIR"];
let root: string;
let state: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "atos-sockets-"));
  state = path.join(root, "state");
  await mkdir(state);
  process.env["XDG_RUNTIME_DIR"] = root;
});
afterEach(async () => {
  if (runtime === undefined) delete process.env["XDG_RUNTIME_DIR"];
  else process.env["XDG_RUNTIME_DIR"] = runtime;
  await rm(root, { recursive: true });
});

test("a state folder has one private directory, by whatever path it is reached", async () => {
  const directory = socketDirectory(state);
  assert.match(directory, new RegExp(`^${root}/atos-${process.getuid?.()}-[0-9a-f]{12}$`));
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  await symlink(state, path.join(root, "alias"));
  assert.equal(socketDirectory(path.join(root, "alias")), directory);
});

test("two state folders have two directories", async () => {
  assert.notEqual(socketDirectory(state), socketDirectory(root));
});

test("without a runtime directory of one's own it is in the system's temporary folder", async () => {
  process.env["XDG_RUNTIME_DIR"] = path.join(root, "missing");
  const directory = socketDirectory(state);
  await rm(directory, { recursive: true });
  assert.equal(path.dirname(directory), tmpdir());
});

test("a directory that others can enter is refused", async () => {
  await chmod(socketDirectory(state), 0o755);
  assert.throws(() => socketDirectory(state), { code: "store/socket-directory-unsafe", message: /with mode 755/ });
});

test("a link in the directory's place is refused, wherever it leads", async () => {
  const directory = socketDirectory(state);
  await rm(directory, { recursive: true });
  await symlink(state, directory);
  assert.throws(() => socketDirectory(state), { code: "store/socket-directory-unsafe", message: /no directory/ });
});

test("a state folder that doesn't exist is a usage error", () => {
  assert.throws(() => socketDirectory(path.join(root, "none")), { code: "store/no-state-directory", exitCode: 2 });
});
