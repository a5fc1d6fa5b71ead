import assert from "node:assert/strict";
import { test } from "node:test";
import { promptTokenBound, textTokenBound } from "./token-bound.ts";

test("counts two letters or blanks as a token, and every digit and sign as one", () => {
  const bounds = {
    "": 0,
    hello: 3,
    "hello world": 7,
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

test("counts letters that hardly belong together, as in keys and encoded data, one by one", () => {
  const bounds = { strength: 6, QxZ: 3, aBcDeF: 5, dGhpcyBpcyBiYXNlNjQ: 18, schwarz: 5 };
  for (const [text, bound] of Object.entries(bounds)) assert.equal(textTokenBound(text), bound, text);
});

test("a longer text never has a smaller bound, and broken characters count as what is sent for them", () => {
  const text = "const é = '日本 \ud83d \ud83d\ude00';\n\t\tfoo(bar);  ZxQ 12 ";
  let before = 0;
  for (let end = 0; end <= text.length; end++) {
    const bound = textTokenBound(text.slice(0, end));
    assert.ok(bound >= before - 1, JSON.stringify(text.slice(0, end)));
    before = bound;
  }
  assert.ok(textTokenBound("\ud83d") >= 3);
});
