import assert from "node:assert/strict";
import { test } from "node:test";
import { lookUp } from "./token-lookup.ts";

const guess = (text: string, count: number) => lookUp(Array.from(text), count).join("");

test("guesses what followed the same tokens before", () => {
  assert.equal(guess("const a = 1; const ", 3), "a =");
  assert.equal(guess("abcdab", 10), "cdab");
});

test("takes the longest match, and the latest among equals", () => {
  assert.equal(guess("xab1 yab2 xab", 1), "1");
  assert.equal(guess("ab1 ab2 ab", 1), "2");
});

test("guesses nothing without a match of two tokens, or when nothing is wanted", () => {
  assert.equal(guess("abcda", 3), "");
  assert.equal(guess("", 3), "");
  assert.equal(guess("abab", 0), "");
});
