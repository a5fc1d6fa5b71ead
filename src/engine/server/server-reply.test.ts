import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatChunk } from "./chat-stream.ts";
import { ReplyReader } from "./server-reply.ts";

function chunk(changes: Partial<ChatChunk>): ChatChunk {
  return { text: "", reasoning: "", toolCalls: [], ...changes };
}

function readerOf(maxTokens = 100): ReplyReader {
  return new ReplyReader(maxTokens, (text) => text);
}

test("joins what came together and is of one kind, and keeps its order", () => {
  const chunks = [
    { reasoning: "h" },
    { reasoning: "m" },
    { text: "a" },
    {},
    { text: "b" },
    { reasoning: "or", text: "c" },
  ];
  const reader = readerOf();
  assert.deepEqual(reader.take(chunks.map(chunk)), [
    { kind: "reasoning", text: "hm" },
    { kind: "text", text: "ab" },
    { kind: "reasoning", text: "or" },
    { kind: "text", text: "c" },
  ]);
  const usage = { promptTokens: 1, cachedTokens: 0, outputTokens: 6 };
  reader.take([chunk({ finish: "stop" }), chunk({ usage })]);
  assert.deepEqual(reader.end(), { finish: "stop", usage, written: "hmaborc" });
});

test("tells a chunk that says nothing from one that has no text", () => {
  const reader = readerOf();
  assert.equal(reader.take([]), undefined);
  assert.equal(reader.take([chunk({})]), undefined);
  assert.deepEqual(reader.take([chunk({ toolCalls: [{ arguments: "" }] })]), []);
  assert.deepEqual(reader.take([chunk({ finish: "length" })]), []);
});

test("refuses more text than the request allows, however it comes", () => {
  const code = "engine/bad-server-reply";
  const text = "x".repeat(256);
  assert.throws(() => readerOf(1).take([chunk({ text }), chunk({ text }), chunk({ reasoning: "x" })]), { code });
  const reader = readerOf(1);
  reader.take([chunk({ text }), chunk({ text })]);
  assert.throws(() => reader.take([chunk({ toolCalls: [{ arguments: "x" }] })]), { code });
});
