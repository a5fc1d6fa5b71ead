import assert from "node:assert/strict";
import { test } from "node:test";
import { cutReason, leastTokens, tellsWholePrompt } from "./server-truncation.ts";
import { promptTokenBound } from "./token-bound.ts";

function least(content: string): number {
  const messages = [{ role: "user", content }] as const;
  return leastTokens(messages, { text: "", tokens: promptTokenBound(messages), exact: false });
}

test("holds a counted prompt to its count, but for the token that begins a text", () => {
  assert.equal(leastTokens([], { text: "", tokens: 100, exact: true }), 98);
});

test("holds any other prompt to three quarters of its words", () => {
  const texts = {
    "": 0,
    "one two three four": 3,
    "foo.bar(baz, 12345) // ok": 3,
    "================ 1234567890": 0,
    "Größe für alle Fälle": 3,
    "<tool_call><tool_call>": 3,
  };
  for (const [text, tokens] of Object.entries(texts)) assert.equal(least(text), tokens, text);
});

test("counts words of ASCII and of all other letters alike", () => {
  const texts = ["a b_c d9e", "x", "ein Wort", "é", "e\u0301 x", "日本 語", "\ud83d a", "@[`{az AZ"];
  for (const text of texts) {
    const words = text.match(/[\p{L}\p{M}]+/gu)?.length ?? 0;
    assert.equal(least(`${text} `.repeat(8)), Math.floor(words * 8 * 0.75), text);
  }
});

test("calls a prompt cut that was read short, or that fills the whole context", () => {
  assert.equal(cutReason(300, 300, undefined), undefined);
  assert.equal(cutReason(511, 300, 512), undefined);
  assert.match(cutReason(299, 300, 512) ?? "", /only 299 tokens of a prompt that has at least 300/);
  assert.match(cutReason(512, 300, 512) ?? "", /512 tokens, all that its context of 512 holds/);
});

test("believes a count of prompt tokens only from those that count the whole prompt", () => {
  const believed = (version: string) => tellsWholePrompt({ kind: "ollama", version }, 100);
  assert.deepEqual(["0.3.14", "0.4.0", "0.29.1", "0.30.2", "0.31.0", "0.40.12", ""].map(believed), [
    false,
    true,
    true,
    false,
    true,
    true,
    false,
  ]);
  assert.equal(tellsWholePrompt({ kind: "openai" }, 100), true);
  assert.equal(tellsWholePrompt({ kind: "openai" }, 0), false);
});
