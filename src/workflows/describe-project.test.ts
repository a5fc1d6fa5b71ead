import assert from "node:assert/strict";
import { test } from "node:test";
import { BUILT_IN_LANGUAGES } from "../tools/built-in-languages.ts";
import { requireLanguage } from "../tools/find-language.ts";
import { cutAtParagraph, keepLineEnds, projectLanguage, projectRules, styleSample } from "./describe-project.ts";
import { languagesFor } from "./repository.ts";

const file = (path: string, content: string) => ({ path, content });

test("a project's language is that of most of its source files, else of its manifest", () => {
  const language = (...paths: readonly string[]) => projectLanguage(paths, BUILT_IN_LANGUAGES)?.id;
  assert.equal(language("a.py", "b.py", "c.ts"), "python");
  assert.equal(language("src/a.ts", "src/a.test.ts", "setup.py"), "typescript");
  assert.equal(language("a.py", "b.js", "package.json"), "javascript");
  assert.equal(language("deep/pyproject.toml"), "python");
  assert.equal(language("README.md"), undefined);
});

test("the goal may name another language than the repository's; what it does not name is not offered", () => {
  const offered = (goal: string, language: string | null) =>
    languagesFor(goal, { language }, BUILT_IN_LANGUAGES).map(({ id }) => id);
  assert.deepEqual(offered("add a function", "typescript"), ["typescript"]);
  assert.deepEqual(offered("add a script in Python.", "typescript"), ["typescript", "python"]);
  assert.deepEqual(
    offered("add a function", null),
    BUILT_IN_LANGUAGES.map(({ id }) => id),
  );
  assert.deepEqual(languagesFor("add", undefined, BUILT_IN_LANGUAGES), BUILT_IN_LANGUAGES);
});

test("its rules are the first of its files for that, cut at a paragraph", () => {
  assert.equal(projectRules([file("CLAUDE.md", "b"), file("AGENTS.md", "\r\na\r\nb\r\n"), file("x", "")]), "a\nb");
  assert.equal(projectRules([file(".cursorrules", "c")]), "c");
  assert.equal(projectRules([file("docs/AGENTS.md", "deep")]), "");
  assert.equal(cutAtParagraph("one\n\ntwo three", 10), "one");
  assert.equal(cutAtParagraph("one\ntwo three", 10), "one");
  assert.equal(cutAtParagraph("abcdefghijkl", 10), "abcdefghij");
  assert.ok(projectRules([file("AGENTS.md", "words and words\n\n".repeat(1000))]).length <= 1500);
});

test("the nearest file shows the style, tests for tests, and none whose lines are long", () => {
  const python = requireLanguage("python");
  const files = [
    file("a.py", "a = 1\n"),
    file("pkg/b.py", "b = 1\n"),
    file("pkg/test_b.py", "t = 1\n"),
    file("n.md", "n"),
  ];
  const sample = (path: string, tests: boolean, all = files) => styleSample(all, { language: python, path, tests });
  assert.equal(
    sample("pkg/new.py", false),
    "One of its files, for the style:\n\nFILE: pkg/b.py\n```python\nb = 1\n```",
  );
  assert.match(sample("other/new.py", false), /FILE: a\.py/);
  assert.match(sample("", true), /FILE: pkg\/test_b\.py/);
  assert.equal(sample("x.py", false, [file("n.md", "n"), file("e.py", "\n")]), "");
  assert.equal(sample("x.py", false, [file("long.py", `x = "${"y".repeat(2000)}"\n`)]), "");
  assert.match(sample("x.py", false, [file("many.py", "a\n".repeat(50))]), /^One of its files begins, for the style:/);
});

test("a file keeps the line ends that it had", () => {
  const before = [file("crlf", "a\r\nb\r\n"), file("mixed", "a\r\nb\n"), file("plain", "a\n")];
  const written = ["crlf", "mixed", "plain", "new"].map((path) => file(path, "x\ny\n"));
  assert.deepEqual(keepLineEnds(written, before), [
    file("crlf", "x\r\ny\r\n"),
    file("mixed", "x\ny\n"),
    file("plain", "x\ny\n"),
    file("new", "x\ny\n"),
  ]);
});
