import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenText } from "./token-text.ts";

/** A vocabulary whose tokens are bytes. */
const detokenize = (tokens: readonly number[]) => Buffer.from(tokens).toString("utf8");

function pieces(bytes: readonly number[]): string[] {
  const text = new TokenText(detokenize, []);
  return [...bytes.map((byte) => text.push(byte)), text.flush()];
}

test("shows a character whole, with its last byte", () => {
  assert.deepEqual(pieces([...Buffer.from("aé😀")]), ["a", "", "é", "", "", "", "😀", ""]);
});

test("shows what ends inside a character as replaced, and no more than that", () => {
  assert.equal(pieces([0x61, 0xf0, 0x9f]).join(""), "a\uFFFD");
  assert.equal(pieces([0xff, ...Buffer.from("ok 😀")]).join(""), "\uFFFDok 😀");
});

test("goes on after bytes that never become a character", () => {
  const text = new TokenText(detokenize, []);
  const out = Array.from({ length: 40 }, () => text.push(0x80)).join("");
  assert.equal(out, "\uFFFD".repeat(32));
});

test("tells the vocabulary what came before", () => {
  const seen: string[] = [];
  const text = new TokenText<string>((tokens, before) => {
    seen.push(`${before.join("")}|${tokens.join("")}`);
    return tokens.join("");
  }, Array.from("prompt"));
  text.push("a");
  text.push("b");
  assert.deepEqual(seen, ["ompt|a", "mpta|b"]);
});
