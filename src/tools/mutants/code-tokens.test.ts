import assert from "node:assert/strict";
import { test } from "node:test";
import { type CodeFamily, codeTokens } from "./code-tokens.ts";

/** The tokens side by side: a string in ‹›, the end of a line as ⏎. */
function read(code: string, family: CodeFamily): string {
  const shown = codeTokens(code, family).map(({ kind, text }) =>
    kind === "line-end" ? "⏎" : kind === "string" ? `‹${text}›` : text,
  );
  return shown.join(" ");
}

test("Python: comments leave nothing, and a string is one token whatever is in it", () => {
  assert.equal(read('x = 1  # not < this\ny = "a < b # \\" c"\n', "python"), 'x = 1 ⏎ y = ‹"a < b # \\" c"› ⏎');
  assert.equal(read("x = rb'\\'' + f(a)", "python"), "x = ‹rb'\\''› + f ( a )");
  assert.equal(read('"""a\n"b" == c\n"""\nz', "python"), '‹"""a\n"b" == c\n"""› ⏎ z');
  assert.equal(read('f"{d["a == b"]} {{x" + 1', "python"), '‹f"{d["a == b"]} {{x"› + 1');
});

test("Python: a line break ends a statement outside of brackets only, and not behind a backslash", () => {
  assert.equal(read("f(a,\n  b)\nc = 1 + \\\n  2\n", "python"), "f ( a , b ) ⏎ c = 1 + 2 ⏎");
});

test("JavaScript: templates, patterns and comments are not looked into", () => {
  assert.equal(
    read("const t = `a ${x < `${y}` ? '`' : {}} b` + 1; // < 2\n", "javascript"),
    "const t = ‹`a ${x < `${y}` ? '`' : {}} b`› + 1 ; ⏎",
  );
  assert.equal(read('if (/["/<]+/g.test(s)) a / b / c', "javascript"), 'if ( ‹/["/<]+/g› . test ( s ) ) a / b / c');
  assert.equal(read("a /* < \n */ !== b => {}", "javascript"), "a !== b => { }");
});

test("JavaScript: a line break in braces may end a statement, one in brackets may not", () => {
  assert.equal(read("f(\n() => {\n a\n})", "javascript"), "f ( ( ) => { ⏎ a ⏎ } )");
});

test("Go: raw strings and runes are strings", () => {
  assert.equal(read("x := `a\n\"<` + '\\''", "go"), "x := ‹`a\n\"<`› + ‹'\\''›");
});

test("a line is counted through strings, comments and continued lines", () => {
  const tokens = codeTokens('"""\n\n"""\n# one\nx = 1 + \\\n 2', "python");
  assert.deepEqual(
    tokens.filter(({ kind }) => kind === "number").map(({ text, line }) => [text, line]),
    [
      ["1", 5],
      ["2", 6],
    ],
  );
});

test("whatever the text, it is read to its end and every token stands where it says", () => {
  const pieces = ['"', "'", "`", "${", "}", "{", "(", "/", "\\", "\n", "#", "*", "//", "a", "1", '"""', "f", " "];
  let seed = 7;
  const next = (): number => (seed = (seed * 1103515245 + 12345) % 2147483648);
  for (let round = 0; round < 600; round++) {
    const text = Array.from({ length: 40 }, () => pieces[next() % pieces.length] ?? "").join("");
    for (const family of ["python", "javascript", "go"] as const) {
      let end = 0;
      for (const token of codeTokens(text, family)) {
        assert.equal(text.slice(token.at, token.at + token.text.length), token.text);
        assert.ok(token.at >= end && token.text !== "", text);
        end = token.at + token.text.length;
      }
    }
  }
});

test("a text of nothing but openings takes no more than a moment for each character", () => {
  for (const piece of ["`${", '"', "'''", "/*", "(", "f'{", "\\", "/["])
    for (const family of ["python", "javascript", "go"] as const) codeTokens(piece.repeat(30_000), family);
});
