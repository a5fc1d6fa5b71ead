import assert from "node:assert/strict";
import { test } from "node:test";
import { BUILT_IN_LANGUAGES } from "./built-in-languages.ts";
import { findLanguage, knownLanguages, refuseLanguage, requireLanguage } from "./find-language.ts";
import { isSourceFile, isTestFile, languageSchema, scaffold } from "./language.ts";

const python = requireLanguage("python");
const typescript = requireLanguage("typescript");
const javascript = requireLanguage("javascript");

test("a language is found in any case and by its short forms", () => {
  const cases = { " Python ": "python", PY: "python", python3: "python", Ts: "typescript", JS: "javascript" };
  for (const [name, id] of Object.entries(cases)) assert.equal(findLanguage(name)?.id, id, name);
  for (const name of ["", "rust", "p", "typescript "]) {
    assert.equal(findLanguage(name)?.id, name === "typescript " ? "typescript" : undefined, name);
  }
  const known = knownLanguages([python, typescript]);
  assert.deepEqual(
    [known.names, known.find("ts"), known.find("go")],
    [["python", "typescript"], "typescript", undefined],
  );
});

test("an unknown language is refused with those there are and how to add one", () => {
  const why =
    /ATOS can't build in "Cobol": it knows JavaScript, Python and TypeScript\. To add .*languages\/NAME\.yaml/;
  assert.match(refuseLanguage("Cobol"), why);
  assert.throws(() => requireLanguage("Cobol"), { code: "tools/language", message: why, exitCode: 2 });
});

test("a language goes through JSON unchanged, so that a build can record it", () => {
  for (const language of BUILT_IN_LANGUAGES)
    assert.deepEqual(languageSchema.parse(JSON.parse(JSON.stringify(language))), language);
});

test("which files are code and which are tests is told by their names", () => {
  const tests = [
    [python, "test_a.py", "a/test_b.py"],
    [typescript, "a.test.ts", "a/b.test.ts"],
    [javascript, "a.test.js", "a/b.test.mjs"],
  ] as const;
  for (const [language, ...paths] of tests) {
    for (const path of paths) assert.ok(isTestFile(language, path) && isSourceFile(language, path), path);
    for (const path of ["a.txt", "test.md", "tests", "contest_a.pyc"]) {
      assert.ok(!isTestFile(language, path) && !isSourceFile(language, path), path);
    }
  }
  assert.deepEqual([isTestFile(python, "my_test_a.py"), isTestFile(typescript, "a.test.js")], [false, false]);
});

test("a new repository starts with the same bytes as ever", () => {
  const readme = (command: string) =>
    `# addTwo\n\nAdds {{name}} $&.\n\nRun the tests:\n\n    ${command}\n\nHow this was made and verified stands in [RECEIPT.md](RECEIPT.md).\n`;
  assert.deepEqual(scaffold(python, "addTwo", "Adds {{name}} $&."), [
    { path: ".gitignore", content: "__pycache__/\n.pytest_cache/\n.venv/\n" },
    { path: "README.md", content: readme("python3 -m unittest") },
  ]);
  assert.deepEqual(scaffold(typescript, "addTwo", "Adds {{name}} $&."), [
    { path: ".gitignore", content: "node_modules/\n" },
    { path: "README.md", content: readme("npm test   # Node 24 or newer, nothing to install") },
    {
      path: "package.json",
      content:
        '{\n  "name": "add-two",\n  "version": "0.1.0",\n  "private": true,\n  "type": "module",\n  "scripts": {\n    "test": "node --test \\"**/*.test.ts\\""\n  },\n  "engines": {\n    "node": ">=24"\n  }\n}\n',
    },
  ]);
});

test("a language that can't be used is refused by what is wrong with it", () => {
  const wrong = [
    { ...python, id: "C++ " },
    { ...python, testFile: { ...python.testFile, pattern: "(" } },
    { ...python, scaffold: [{ path: "../x", content: "" }] },
    { ...python, runner: "ruby" },
    { ...python, more: 1 },
  ];
  for (const language of wrong) assert.equal(languageSchema.safeParse(language).success, false);
});
