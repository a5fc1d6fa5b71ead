import assert from "node:assert/strict";
import { test } from "node:test";
import type { PathChange } from "../journal/workspaces.ts";
import { judgeChanges } from "./judge-changes.ts";

function judge(paths: Readonly<Record<string, PathChange["kind"]>>, ignored: readonly string[] = []) {
  const changes = Object.entries(paths).map(([path, kind]) => ({ path, kind }));
  return judgeChanges(changes, { mayWrite: new Set(["a.py", "lib/b.py"]), ignored });
}

test("the task's own files are nobody else's affair, whatever became of them", () => {
  assert.deepEqual(judge({ "a.py": "removed", "lib/b.py": "added" }), { putBack: [], foreign: [] });
});

test("what was there before and is not the task's goes back; what is new is foreign", () => {
  const judged = judge({ "test_a.py": "changed", "c.py": "removed", "notes.txt": "added", "lib/c.py": "added" });
  assert.deepEqual(judged, { putBack: ["test_a.py", "c.py"], foreign: ["notes.txt", "lib/c.py"] });
});

test("what tools leave is dropped where it is new, by what projects ignore too", () => {
  const left = {
    "__pycache__/a.cpython-311.pyc": "added",
    "lib/__pycache__/b.pyc": "added",
    "lib/c.pyc": "added",
    "node_modules/x/index.js": "added",
    "app.test": "added",
    "lib/app.test": "added",
    "target/debug/app": "added",
    "lib/target/app": "added",
    "docs/build/x.html": "added",
    "keep.log": "added",
  } as const;
  const ignored = ["# built", "*.test", "/target", "docs/build/", "*.log", "!keep.log", ""];
  assert.deepEqual(judge(left, ignored), { putBack: [], foreign: ["lib/target/app"] });
  assert.deepEqual(judge({ "lib/c.pyc": "changed" }).putBack, ["lib/c.pyc"]);
});

test("a line that names a folder says nothing of a file of that name", () => {
  assert.deepEqual(judge({ node_modules: "added", out: "added" }, ["out/"]).foreign, ["node_modules", "out"]);
});
