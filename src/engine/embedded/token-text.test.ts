import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenText } from "./token-text.ts";

/** A vocabulary whose tokens are bytes, and one control token. */
const bytes = {
  textOf: (tokens: readonly number[]) => Buffer.from(tokens).toString("utf8"),
  nameOf: (token: number) => (token === 256 ? "[TOOL_CALLS]" : undefined),
};

function pieces(tokens: readonly number[]): string[] {
  const text = new TokenText(bytes, []);
  return [...tokens.map((token) => text.push(token)), text.flush()];
}

test("shows a character whole, with its last byte", () => {
  assert.deepEqual(pieces([...Buffer.from("aé😀")]), ["a", "", "é", "", "", "", "😀", ""]);
});

test("shows what ends inside a character as replaced, and no more than that", () => {
  assert.equal(pieces([0x61, 0xf0, 0x9f]).join(""), "a\uFFFD");
  assert.equal(pieces([0xff, ...Buffer.from("ok 😀")]).join(""), "\uFFFDok 😀");
});

test("goes on after bytes that never become a character", () => {
  const text = new TokenText(bytes, []);
  const out = Array.from({ length: 40 }, () => text.push(0x80)).join("");
  assert.equal(out, "\uFFFD".repeat(32));
});

test("tells the vocabulary what came before", () => {
  const seen: string[] = [];
  const textOf = (tokens: readonly string[], before: readonly string[]) => {
    seen.push(`${before.join("")}|${tokens.join("")}`);
    return tokens.join("");
  };
  const text = new TokenText<string>({ textOf, nameOf: () => undefined }, Array.from("prompt"));
  text.push("a");
  text.push("b");
  assert.deepEqual(seen, ["ompt|a", "mpta|b"]);
});

test("shows a control token by its name, after what was still unfinished", () => {
  assert.deepEqual(pieces([0x61, 256, 0xf0, 256]), ["a", "[TOOL_CALLS]", "", "\uFFFD[TOOL_CALLS]", ""]);
});
