import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatStream } from "./chat-stream.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const event = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const chunk = (text: string) => ({ text, reasoning: "", toolCalls: [] });
const clean = (text: string): string => text;

test("gives the chunks that each read completes", () => {
  const stream = new ChatStream(clean);
  const whole = bytes(event("one") + event("zwölf") + event("three"));
  const cut = whole.indexOf(bytes("ö")[1] ?? 0);
  assert.deepEqual(stream.read(whole.subarray(0, 4)), []);
  assert.deepEqual(stream.read(whole.subarray(4, cut)), [chunk("one")]);
  assert.deepEqual(stream.read(whole.subarray(cut)), [chunk("zwölf"), chunk("three")]);
  assert.equal(stream.isDone, false);
});

test("is over at the `[DONE]`, whatever comes after it in the same read or another", () => {
  const stream = new ChatStream(clean);
  assert.deepEqual(stream.read(bytes(`${event("one")}data: [DONE]\n\n${event("two")}data: broken\n\n`)), [
    chunk("one"),
  ]);
  assert.equal(stream.isDone, true);
  assert.deepEqual(stream.read(bytes("data: broken\n\n")), []);
  assert.equal(stream.isDone, true);
});

test("refuses an event without an end", () => {
  const stream = new ChatStream(clean);
  const code = "engine/bad-server-reply";
  assert.throws(() => stream.read(bytes(`data: ${"x".repeat(5 * 1024 * 1024)}`)), { code });
});
