import assert from "node:assert/strict";
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
