import assert from "node:assert/strict";
import { test } from "node:test";
import { wrapText } from "./wrap-text.ts";

const wrapping = { width: 12, indent: "- ", hanging: "  " };

test("a text is broken between words, and every line after the first is indented", () => {
  assert.deepEqual(wrapText("one two three four", wrapping), ["- one two", "  three four"]);
  assert.deepEqual(wrapText("  one\ntwo ", wrapping), ["- one two"]);
  assert.deepEqual(wrapText("", wrapping), ["- "]);
});

test("a word that is longer than a line is cut", () => {
  assert.deepEqual(wrapText("a 0123456789abcdef b", wrapping), ["- a", "  0123456789", "  abcdef b"]);
});
