import assert from "node:assert/strict";
import { test } from "node:test";
import { AtosError } from "../base/errors.ts";
import { encodeTree, parseTree } from "./tree-lines.ts";

const HASH = "0123456789abcdef0123456789abcdef01234567";

function tree(...lines: (readonly [string, string])[]): Buffer {
  return Buffer.concat(lines.flatMap(([mode, name]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(HASH, "hex")]));
}

function problem(bytes: Buffer): string {
  try {
    return JSON.stringify(parseTree(bytes).map(({ mode, name }) => [mode, name]));
  } catch (error) {
    if (error instanceof AtosError && error.code === "journal/bad-repository") return error.message;
    throw error;
  }
}

test("a tree is read and written as it was, its folders sorted as git sorts them", () => {
  const bytes = tree(["100644", "a-b"], ["100755", "a.b"], ["40000", "a"], ["120000", "a0"], ["160000", "b"]);
  assert.deepEqual(encodeTree(parseTree(bytes)), bytes);
  assert.deepEqual(encodeTree(parseTree(bytes).toReversed()), bytes);
});

test("modes as older gits wrote them are read as today's", () => {
  const bytes = tree(["100664", "a"], ["100775", "b"], ["040000", "c"], ["100600", "d"]);
  assert.equal(problem(bytes), '[["100644","a"],["100755","b"],["40000","c"],["100644","d"]]');
});

test("a tree that would lead out of its folder, or hide what git runs, is refused by name", () => {
  const file = (name: string) => tree(["100644", name]);
  const words = "ATOS can't work with that: take it out first.";
  const noName = (name: string) => `The repository holds ${JSON.stringify(name)}, which is no name. ${words}`;
  for (const name of ["", ".", "..", "a/b", "/", "../a"]) assert.equal(problem(file(name)), noName(name));
  for (const name of [".git", ".GIT", "git~1", ".git.", ".g\u200cit", "a\\.git"])
    assert.match(problem(file(name)), /is, to git, a repository of its own/);
  assert.match(problem(tree(["120000", ".gitmodules"])), /is a link by a name that git reads settings from/);
  assert.equal(problem(file(".gitmodules")), '[["100644",".gitmodules"]]');
});

test("a name that stands for a link and for a folder is refused", () => {
  assert.match(problem(tree(["120000", "a"], ["100644", "a.b"], ["40000", "a"])), /holds "a" twice in one folder/);
});

test("what is no tree is refused", () => {
  const whole = tree(["100644", "a"]);
  assert.match(problem(whole.subarray(0, 20)), /ends too early/);
  assert.match(problem(Buffer.from("100644 a")), /ends too early/);
  assert.match(problem(tree(["000644", "a"])), /is of a kind that no folder holds/);
  assert.match(problem(tree(["10x644", "a"])), /is of a kind that no folder holds/);
});
