import assert from "node:assert/strict";
import { test } from "node:test";
import { promptTokenBound, textTokenBound } from "./token-bound.ts";

test("counts two letters or blanks as a token, and every digit and sign as one", () => {
  const bounds = {
    "": 0,
    hello: 3,
    "hello world": 6,
    "a b c": 3,
    "1234": 4,
    "f(x);": 5,
    "\n    return 1": 8,
    日本: 4,
    é: 2,
    "😀": 4,
  };
  for (const [text, bound] of Object.entries(bounds)) assert.equal(textTokenBound(text), bound, JSON.stringify(text));
});

test("adds what a chat template writes around the messages", () => {
  assert.equal(promptTokenBound([]), 32);
  assert.equal(promptTokenBound([{ role: "user", content: "hello" }]), 43);
});
