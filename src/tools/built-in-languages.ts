import { type Language, type LanguageFile, languageSchema } from "./language.ts";

const PYTHON: LanguageFile = {
  id: "python",
  name: "Python",
  aliases: ["python3", "py"],
  fence: "python",
  endings: [".py"],
  testFile: { pattern: "(^|/)test_\\w+\\.py$", example: "test_NAME.py" },
  manifests: ["pyproject.toml", "requirements.txt", "setup.cfg", "setup.py"],
  scaffold: [
    { path: ".gitignore", content: "__pycache__/\n.pytest_cache/\n.venv/\n" },
    { path: "README.md", content: readme("python3 -m unittest") },
  ],
  advice: {
    tester: "Tests are classes of unittest.TestCase in test_NAME.py; import the code by the name of its file.",
    developer: "Python 3.11, standard library only; modules lie at the top and import each other by name.",
  },
  runner: "python",
};

const TYPESCRIPT: LanguageFile = {
  id: "typescript",
  name: "TypeScript",
  aliases: ["ts"],
  fence: "typescript",
  endings: [".ts"],
  testFile: { pattern: "\\.test\\.ts$", example: "NAME.test.ts" },
  manifests: ["package.json"],
  scaffold: [
    { path: ".gitignore", content: "node_modules/\n" },
    { path: "README.md", content: readme("npm test   # Node 24 or newer, nothing to install") },
    // With a pattern, a Node that can't run TypeScript fails here instead of finding no test and being content.
    { path: "package.json", content: packageJson("**/*.test.ts", ">=24") },
  ],
  advice: {
    tester: 'Tests use node:test and node:assert/strict in NAME.test.ts; imports are relative and end in ".ts".',
    developer:
      'Node runs TypeScript by stripping types: no enum, no namespace, no parameter property; imports are relative, end in ".ts", and types come by import type.',
  },
  runner: "node",
};

const JAVASCRIPT: LanguageFile = {
  id: "javascript",
  name: "JavaScript",
  aliases: ["js", "node", "nodejs", "node.js"],
  fence: "javascript",
  endings: [".js", ".mjs"],
  testFile: { pattern: "\\.test\\.m?js$", example: "NAME.test.js" },
  manifests: ["package.json"],
  scaffold: [
    { path: ".gitignore", content: "node_modules/\n" },
    { path: "README.md", content: readme("npm test   # Node 22 or newer, nothing to install") },
    { path: "package.json", content: packageJson("**/*.test.{js,mjs}", ">=22") },
  ],
  advice: {
    tester: 'Tests use node:test and node:assert/strict in NAME.test.js; imports are relative and end in ".js".',
    developer: 'ECMAScript modules, no require, Node\'s own modules only; imports are relative and end in ".js".',
  },
  runner: "node",
};

/** The languages that ATOS brings its own runners for; others come by files, see `loadLanguages`. */
export const BUILT_IN_LANGUAGES: readonly Language[] = [PYTHON, TYPESCRIPT, JAVASCRIPT].map((language) =>
  languageSchema.parse(language),
);

function readme(testCommand: string): string {
  return `# {{name}}\n\n{{summary}}\n\nRun the tests:\n\n    ${testCommand}\n\nHow this was made and verified stands in [RECEIPT.md](RECEIPT.md).\n`;
}

function packageJson(tests: string, node: string): string {
  const value = {
    name: "{{package}}",
    version: "0.1.0",
    private: true,
    type: "module",
    scripts: { test: `node --test "${tests}"` },
    engines: { node },
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}
