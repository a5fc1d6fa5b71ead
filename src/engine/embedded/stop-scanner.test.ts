import assert from "node:assert/strict";
import { test } from "node:test";
import { StopScanner } from "./stop-scanner.ts";

/** What is shown of `text`, fed in pieces of every size; the same for all of them. */
function shown(text: string, stops: readonly string[]): string {
  const results = new Set<string>();
  for (let size = 1; size <= text.length; size++) {
    const scanner = new StopScanner(stops);
    let seen = "";
    let stopped = false;
    for (let start = 0; start < text.length && !stopped; start += size) {
      const scanned = scanner.push(text.slice(start, start + size));
      seen += scanned.text;
      stopped = scanned.stopped;
    }
    results.add(stopped ? seen : seen + scanner.flush());
  }
  assert.equal(results.size, 1, [...results].join(" | "));
  return [...results].join("");
}

test("cuts before a stop string, wherever the pieces end", () => {
  assert.equal(shown("one two STOP three", ["STOP"]), "one two ");
  assert.equal(shown("aaab", ["aab"]), "a");
  assert.equal(shown("x", ["x"]), "");
});

test("shows everything when no stop string comes, also what looked like the beginning of one", () => {
  assert.equal(shown("one two STO", ["STOP"]), "one two STO");
  assert.equal(shown("one two", []), "one two");
});

test("lets the earliest of several stop strings win", () => {
  assert.equal(shown("a END b STOP", ["STOP", "END"]), "a ");
});

test("cuts at the stop string that is complete first, and at the longest of those that end together", () => {
  assert.equal(shown("bacbbb", ["bacb", "ac"]), "b");
  assert.equal(shown("x</tool_call>", ["tool_call>", "</tool_call>"]), "x");
});
