import assert from "node:assert/strict";
import { test } from "node:test";
import { rankPassages, wordsOf } from "./rank-passages.ts";

const PASSAGES = [
  { text: "Retries are counted; maxRetries is 3.", at: "a" },
  { text: "The server listens on the loopback only.", at: "b" },
  { text: "A server that fails is asked again: server, server, server.", at: "c" },
];
const found = (query: string, limit = 10) => rankPassages(query, PASSAGES, limit).map(({ passage }) => passage.at);

test("finds passages by their words, the best first, and no other", () => {
  assert.deepEqual(found("which server?"), ["c", "b"]);
  assert.deepEqual(found("loopback server"), ["b", "c"]);
  assert.deepEqual(found("nothing of that"), []);
  assert.deepEqual(found("server", 1), ["c"]);
});

test("a name is found by itself and by its parts, a plural by its singular", () => {
  assert.deepEqual(wordsOf("maxRetries max_retries"), ["maxretrie", "max", "retrie", "maxretrie", "max", "retrie"]);
  assert.deepEqual(found("max retries"), ["a"]);
  assert.deepEqual(found("MAX_RETRIES"), ["a"]);
});

test("words are those of any script; signs and empty words are none", () => {
  assert.deepEqual(wordsOf("Größe – 深さ, how is the №1?"), ["größe", "深さ", "no1"]);
});

test("covered tells how much of the query a passage has, whatever the collection", () => {
  const alone = [{ text: "install the widget with pip" }];
  assert.equal(rankPassages("install widget", alone, 1)[0]?.covered, 1);
  const part = rankPassages("install gadget", alone, 1)[0]?.covered ?? 0;
  assert.ok(part > 0 && part < 0.5, `${part}`);
});

test("no passage, no query: nothing", () => {
  assert.deepEqual(rankPassages("word", [], 3), []);
  assert.deepEqual(rankPassages("", PASSAGES, 3), []);
  assert.deepEqual(rankPassages("word", [{ text: "" }], 3), []);
});
