import assert from "node:assert/strict";
import { test } from "node:test";
import { matchGlob } from "./match-glob.ts";

test("a glob means what shells and editors mean by it", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["*.ts", ["a.ts", "src/deep/a.ts"], ["a.tsx", "ts"]],
    ["src/*.ts", ["src/a.ts"], ["src/deep/a.ts", "a.ts"]],
    ["src/**/*.ts", ["src/a.ts", "src/x/y/a.ts"], ["a.ts", "src/a.js"]],
    ["**/test/**", ["test/a", "x/test/y/z"], ["tests/a"]],
    ["*.{ts,js}", ["a.ts", "b.js"], ["c.py"]],
    ["test_?.py", ["test_1.py"], ["test_12.py"]],
    ["[id].ts", ["[id].ts"], ["i.ts"]],
  ];
  for (const [glob, yes, no] of cases) {
    for (const path of yes) assert.ok(matchGlob(glob, path), `${glob} ${path}`);
    for (const path of no) assert.ok(!matchGlob(glob, path), `${glob} ${path}`);
  }
});

test("a glob made to be slow is not", () => {
  assert.equal(matchGlob(`${"*a".repeat(100)}b`, "a".repeat(200)), false);
  assert.equal(matchGlob("{a,b}".repeat(40), "x"), false);
});
