import assert from "node:assert/strict";
import { test } from "node:test";
import { redactorOf } from "./redact.ts";
import { heldMark, redactionMark } from "./redaction-mark.ts";

test("a mark that a redactor left is found wherever it stands in a call", () => {
  const { text } = redactorOf(["a-known-value"])("KEY=a-known-value");
  assert.equal(heldMark({ path: "a", edits: [{ replace: text }] }), "[known secret taken out]");
  for (const kind of ["AWS key", "JSON web token", "token", "password"])
    assert.equal(heldMark(`x ${redactionMark(kind)} y`), redactionMark(kind));
});

test("other words in brackets are no marks", () => {
  for (const text of ["[key]", "the key was taken out", "[a long story about a key taken out]", "[5 lines taken out]"])
    assert.equal(heldMark({ text, more: [null, 1, true] }), undefined, text);
});
