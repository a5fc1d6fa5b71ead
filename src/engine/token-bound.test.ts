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

/** As the bound is said in words, piece by piece and by patterns. */
function boundByPatterns(text: string): number {
  let bound = 0;
  for (const [piece] of text.matchAll(/ ?[A-Za-z]+|\s+|[^]/gu)) {
    const word = piece.trim();
    if (word === "" || /^[A-Za-z]/.test(word)) bound += Math.ceil((word || piece).length / 2);
    else bound += Buffer.byteLength(word) === 3 ? 2 : Buffer.byteLength(word);
  }
  return bound;
}

test("counts every single character as the patterns do, alone, and before and after a word and a space", () => {
  for (let code = 0; code <= 0xffff; code++) {
    const sign = String.fromCharCode(code);
    for (const text of [sign, ` ${sign}a`, `a${sign} b`])
      assert.equal(textTokenBound(text), boundByPatterns(text), JSON.stringify(text));
  }
});

test("counts random texts as the patterns do, with broken characters too", () => {
  const signs = [
    "a",
    "Z",
    "word",
    " ",
    " ",
    "\n",
    "\t",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "0",
    "_",
    "é",
    "日",
    "😀",
    "\ud83d",
    "\ude00",
  ];
  const random = randomOf(7);
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: random(24) }, () => signs[random(signs.length)]).join("");
    assert.equal(textTokenBound(text), boundByPatterns(text), JSON.stringify(text));
  }
});

/** Whole numbers below `limit`, the same in each run. */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
