import assert from "node:assert/strict";
import { test } from "node:test";
import { align } from "./align.ts";
import { renderTable } from "./table.ts";

test("align", () => {
  assert.equal(align("ab", 5, "left"), "ab   ");
  assert.equal(align("ab", 5, "right"), "   ab");
  assert.equal(align("ab", 5, "center"), " ab  ");
  assert.equal(align("abcdef", 4, "right"), "abc…");
  assert.equal(align("abcd", 4, "left"), "abcd");
  assert.equal(align("ab", 1, "left"), "…");
  assert.equal(align("🙂🙂", 3, "left"), "🙂🙂 ");
  assert.throws(() => align("a", 0, "left"), RangeError);
});

test("a table", () => {
  const text = renderTable([
    { name: "nut", count: 5 },
    { name: "washer", count: 120, note: "new" },
  ]);
  assert.equal(text, ["name   | count | note", "-------|-------|-----", "nut    |     5 |", "washer |   120 | new"].join("\n"));
});

test("a column with any text stands left", () => {
  assert.equal(renderTable([{ a: 1 }, { a: "xx" }]), ["a", "--", "1", "xx"].join("\n"));
});

test("wide cells are cut", () => {
  assert.equal(renderTable([{ a: "abcdefgh", b: 1 }], 5), ["a     | b", "------|--", "abcd… | 1"].join("\n"));
});

test("no rows", () => {
  assert.equal(renderTable([]), "");
});
