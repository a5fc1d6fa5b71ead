import assert from "node:assert/strict";
import { test } from "node:test";
import { pathConflict, pathProblem } from "./safe-path.ts";

test("plain relative paths are fine", () => {
  const fine = [
    "a.py",
    "src/add-two.ts",
    "deep/er/x_1.test.ts",
    ".gitignore",
    "größe/日本.md",
    "app/[id]/(x).tsx",
    ".github",
  ];
  for (const path of fine) assert.equal(pathProblem(path), undefined, path);
});

test("whatever could leave the workspace or reach git's own folder is not", () => {
  const bad = [
    "",
    "/etc/passwd",
    "../a",
    "a/../b",
    "a//b",
    "./a",
    "a/",
    ".git/config",
    "x/.GIT/hooks/a",
    ".atos/receipt.json",
    "a\0b",
    "a\nb",
    "c:\\a",
    " a",
    "é".repeat(130),
    "-rf",
    "．．/a",
    "․git",
    "e\u0301.md",
    ".g\u200cit/config",
    ".git./config",
    "GIT~1/config",
    "a*",
  ];
  for (const path of bad) assert.notEqual(pathProblem(path), undefined, JSON.stringify(path));
});

test("a path can't be a file and a folder at once", () => {
  assert.equal(pathConflict(["a", "b/c", "b/d", "ab/c"]), undefined);
  assert.match(pathConflict(["a/b/c", "x", "a/b"]) ?? "", /a\/b can't be both/);
});
