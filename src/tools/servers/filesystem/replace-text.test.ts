import assert from "node:assert/strict";
import { test } from "node:test";
import { replaceText } from "./replace-text.ts";

const once = (text: string, search: string, replace: string) => replaceText(text, { search, replace, all: false });

test("text is replaced exactly where it stands", () => {
  assert.deepEqual(once("a = 1\nb = 2\n", "b = 2", "b = 3\nc = 4"), {
    ok: true,
    text: "a = 1\nb = 3\nc = 4\n",
    count: 1,
    line: 2,
    loosely: false,
  });
  assert.deepEqual(replaceText("x x $& x", { search: "x", replace: "$&", all: true }), {
    ok: true,
    text: "$& $& $& $&",
    count: 3,
    line: 1,
    loosely: false,
  });
});

test("white space at line ends and another depth of indentation are forgiven, and the file's own kept", () => {
  const cases = [
    ["a:  \n  b\nc\n", "a:\n  b", "a:\n  d", "a:\n  d\nc\n"],
    [
      "class T:\n    def f(self):\n        return 1\n",
      "def f(self):\n    return 1",
      "def f(self):\n    return 2",
      "class T:\n    def f(self):\n        return 2\n",
    ],
    ["if x:\n\ty()\n", "  y()\n", "  z()\n  w()\n", "if x:\n\tz()\n\tw()\n"],
    ["a\r\nb\r\nc\r\n", "a\nb", "a\nB\nB", "a\r\nB\r\nB\r\nc\r\n"],
    ["a \r\nb\r\n", "a\nb\n", "x\n", "x\r\n"],
    ["a ", "a\n", "b\n", "b\n"],
  ] as const;
  for (const [text, search, replace, expected] of cases) {
    const done = once(text, search, replace);
    assert.ok(done.ok, JSON.stringify(done));
    assert.equal(done.text, expected);
  }
});

test("the lines put into a file end as its own do", () => {
  const all = (text: string, search: string, replace: string) => {
    const done = once(text, search, replace);
    return done.ok ? done.text : done.why;
  };
  assert.equal(all("one\r\ntwo\r\n", "two", "two\nand a half"), "one\r\ntwo\r\nand a half\r\n");
  assert.equal(all("one\r\ntwo\r\n", "two\r\n", "2\n"), "one\r\n2\r\n");
  assert.equal(all("one\ntwo\n", "two", "2\n3"), "one\n2\n3\n");
  assert.equal(all("one\r\ntwo\nthree\n", "two", "2\n3"), "one\r\n2\n3\nthree\n");
});

test("what would be too many places or too large a file is refused before it is made", () => {
  const many = replaceText("x\n".repeat(10_001), { search: "x", replace: "y", all: true });
  assert.match(many.ok ? "" : many.why, /^the search text is there more than 10000 times; write a program/);
  assert.equal(replaceText("x\n".repeat(10_000), { search: "x", replace: "y", all: true }).ok, true);
  for (const search of ["x", "x "]) {
    const large = replaceText("  x\n".repeat(9000), { search, replace: "y".repeat(5000), all: true });
    assert.match(large.ok ? "" : large.why, /^the file would have \d+\.\d MB, more than the 5 MB/);
  }
});

test("lines of another shape are not taken for those that were meant", () => {
  assert.equal(once("if a:\n    b\nc\n", "if a:\n    b\n    c", "x").ok, false);
});

test("text that is nowhere, everywhere or already there is refused with what to do", () => {
  assert.deepEqual(once("def add(a, b):\n    return a + b\n\nx = 1\n", "def add(a,b):\n  return a+b", "pass"), {
    ok: false,
    why: "the search text is not in the file. The nearest lines are 1 to 3:\ndef add(a, b):\n    return a + b\n\nCopy the lines to replace exactly as read_file shows them.",
  });
  assert.deepEqual(once("one\n", "something else entirely", "x"), {
    ok: false,
    why: "the search text is not in the file. Copy the lines to replace exactly as read_file shows them.",
  });
  assert.deepEqual(once("x\ny\nx\n", "x", "z"), {
    ok: false,
    why: "the search text is there 2 times (lines 1, 3). Add lines around it until it is there once, or set all to true.",
  });
  assert.match(JSON.stringify(once("aaa", "aa", "b")), /is there 2 times \(lines 1, 1\)/);
  assert.equal(once("x", "x", "x").ok, false);
});

test("a large file with a search made to be slow is answered", () => {
  const blank = `${"\n".repeat(149)}x`;
  assert.equal(once("\n".repeat(4_000_000), blank, "y").ok, false);
  const almost = `${"  a\n".repeat(199)} b`;
  assert.equal(once("    a\n".repeat(45_000), almost, "y").ok, false);
  const text = `${"a".repeat(80)}\n`.repeat(60_000);
  assert.equal(once(text, `${"a".repeat(80)}\n`.repeat(200) + "b", "c").ok, false);
});
