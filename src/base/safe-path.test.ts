import assert from "node:assert/strict";
import { test } from "node:test";
import { pathProblem } from "./safe-path.ts";

test("plain relative paths are fine", () => {
  for (const path of ["a.py", "src/add-two.ts", "deep/er/x_1.test.ts", ".gitignore"])
    assert.equal(pathProblem(path), undefined, path);
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
  ];
  for (const path of bad) assert.notEqual(pathProblem(path), undefined, JSON.stringify(path));
});
