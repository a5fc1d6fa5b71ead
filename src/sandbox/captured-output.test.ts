import assert from "node:assert/strict";
import { test } from "node:test";
import { CapturedOutput } from "./captured-output.ts";

test("keeps both streams whole up to the limit", () => {
  const output = new CapturedOutput(10);
  assert.equal(output.add("stdout", Buffer.from("12345")), true);
  assert.equal(output.add("stderr", Buffer.from("67890")), true);
  assert.deepEqual(output.texts(), { stdout: "12345", stderr: "67890" });
});

test("a character that comes in pieces stays whole, and what is no UTF-8 is marked", () => {
  const output = new CapturedOutput(100);
  for (const byte of Buffer.from("a€😀")) output.add("stdout", Buffer.from([byte]));
  output.add("stderr", Buffer.from([0x61, 0xff, 0x62]));
  assert.deepEqual(output.texts(), { stdout: "a€😀", stderr: "a\ufffdb" });
});

test("over the limit the head and the tail are kept, and what lies between is counted", () => {
  const output = new CapturedOutput(8);
  assert.equal(output.add("stdout", Buffer.from("abcdefgh")), true);
  assert.equal(output.add("stdout", Buffer.from("ijklmnop")), false);
  assert.deepEqual(output.texts(), { stdout: "abcd\n[... 8 bytes left out ...]\nmnop", stderr: "" });
});

test("over the limit no character is cut in two", () => {
  const output = new CapturedOutput(8);
  output.add("stdout", Buffer.from("a€€€€€€b"));
  const { stdout } = output.texts();
  assert.ok(!stdout.includes("\ufffd"), stdout);
  assert.match(stdout, /^a€\n\[\.\.\. \d+ bytes left out \.\.\.\]\n€+b$/);
});

test("a stream that says little leaves its room to the other", () => {
  const output = new CapturedOutput(12);
  output.add("stderr", Buffer.from("no"));
  output.add("stdout", Buffer.from("x".repeat(10)));
  output.add("stderr", Buffer.from("!"));
  assert.deepEqual(output.texts().stderr, "no!");
  assert.match(output.texts().stdout, /^xxxxx\n\[\.\.\. 1 bytes left out \.\.\.\]\nxxxx$/);
});

test("what a command goes on to pour out after the limit is not kept in memory", () => {
  const output = new CapturedOutput(1024);
  const chunk = Buffer.alloc(1024 * 1024, "x");
  for (let count = 0; count < 64; count++) output.add("stdout", chunk);
  assert.ok(output.texts().stdout.length < 1200);
});
