import assert from "node:assert/strict";
import { test } from "node:test";
import { splitPassages } from "./split-passages.ts";

const brief = (document: string) =>
  splitPassages("a.md", document).map(({ line, heading, words }) => [line, heading, words]);

test("splits by heading and tells where each passage begins", () => {
  const document = "Before.\n\n# One\n\nFirst.\n\n## Sub ##\nSecond.\n\n# Two\n\n### Deep\nThird.\n";
  assert.deepEqual(brief(document), [
    [1, "", "Before."],
    [5, "One", "First."],
    [8, "One > Sub", "Second."],
    [13, "Two > Deep", "Third."],
  ]);
  assert.equal(splitPassages("a.md", document)[2]?.text, "One > Sub\nSecond.");
});

test("short paragraphs stay together, long ones part at the empty line", () => {
  const long = "word ".repeat(130).trim();
  assert.deepEqual(brief(`a\n\nb\n\n${long}\n\nc`), [
    [1, "", `a\n\nb\n\n${long}`],
    [7, "", "c"],
  ]);
});

test("a fenced block stays whole, and what looks like a heading in it is none", () => {
  const block = `~~~sh\n# no heading\n\n${"x\n\n".repeat(400)}~~~`;
  assert.deepEqual(brief(`# Title\n\n${block}\n# Next\nz`), [
    [3, "Title", block],
    [808, "Next", "z"],
  ]);
});

test("an unfinished block, Windows line ends and nothing at all are no trouble", () => {
  assert.deepEqual(brief("```\n# a\r\nb"), [[1, "", "```\n# a\nb"]]);
  assert.deepEqual(brief("# A\r\n\r\ntext\r\n"), [[3, "A", "text"]]);
  assert.deepEqual(brief(""), []);
});
