import assert from "node:assert/strict";
import { test } from "node:test";
import { openRedraw } from "./redraw.ts";

test("lines take the place of those before, and control sequences in them are not obeyed", () => {
  const written: string[] = [];
  const redraw = openRedraw({ rows: 10, columns: 80, write: (text) => written.push(text) });
  redraw(["one", "two"]);
  redraw(["\u001b[2Jthree"]);
  redraw([]);
  assert.deepEqual(written, [
    "one\u001b[K\ntwo\u001b[K\n\u001b[J",
    "\u001b[2A\r�[2Jthree\u001b[K\n\u001b[J",
    "\u001b[1A\r\u001b[J",
  ]);
});

test("what is higher or wider than the terminal is cut, so that no line scrolls away or wraps", () => {
  const written: string[] = [];
  const redraw = openRedraw({ rows: 4, columns: 14, write: (text) => written.push(text) });
  redraw(["0123456789abcdef", "b", "c", "d"]);
  assert.equal(written[0], "0123456789abcd\u001b[K\nb\u001b[K\n… and 2 more l\u001b[K\n\u001b[J");
});
