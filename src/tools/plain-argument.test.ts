import assert from "node:assert/strict";
import { test } from "node:test";
import { plainArgument } from "./plain-argument.ts";

test("the ways in which a path of the workspace is written are one", () => {
  const same = ["src/a.ts", "./src/a.ts", "././src/a.ts", "/workspace/src/a.ts", "/workspace/./src/a.ts", "src/a.ts/"];
  assert.deepEqual(new Set(same.map(plainArgument)), new Set(["src/a.ts"]));
  const root = [".", "./", "/workspace", "/workspace/", "/workspace/."];
  assert.deepEqual(new Set(root.map(plainArgument)), new Set(["."]));
  assert.equal(plainArgument(""), "");
});

test("a path that leads elsewhere, or is strange, still does and is", () => {
  const same = ["/", "/etc/passwd", "/workspaces/a", "../a", "a/../b", "a//b", ".git", "..", ".env", "~/a", "-rf"];
  assert.deepEqual(same.map(plainArgument), same);
  assert.deepEqual(
    ["/workspace//etc/passwd", "/workspace/../etc", ".//etc", "/workspace/.git/config"].map(plainArgument),
    ["/etc/passwd", "../etc", "/etc", ".git/config"],
  );
  assert.equal(plainArgument(`${"/".repeat(50_000)}a`).length, 50_001);
});
