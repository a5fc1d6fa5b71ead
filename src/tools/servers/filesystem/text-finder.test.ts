import assert from "node:assert/strict";
import { test } from "node:test";
import { textFinder } from "./text-finder.ts";

test("a text is found where indexOf finds it", () => {
  const long = "ab".repeat(150);
  const cases = [
    ["aab", "ab", 0],
    [`x${long}${long}c`, `${long}c`, 0],
    [`${long}a${long}`, long, 1],
    [`${long}`, `${long}a`, 0],
    [`größe${"ß".repeat(300)}`, "ß".repeat(300), 3],
    ["", long, 0],
  ] as const;
  for (const [text, search, from] of cases) assert.equal(textFinder(search)(text, from), text.indexOf(search, from));
});

test("a search made to be slow is not", () => {
  const side = "a".repeat(1_200_000);
  assert.equal(textFinder(`${side}b${side}`)("a".repeat(5_000_000), 0), -1);
});
