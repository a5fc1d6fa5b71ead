import assert from "node:assert/strict";
import { test } from "node:test";
import { findLint } from "./find-lint.ts";

function found(files: Readonly<Record<string, string>>): readonly string[] {
  const lints = findLint(Object.keys(files), (path) => files[path] ?? "");
  return lints.map(({ name, command, because }) => `${name} (${because}): ${command.join(" ")}`);
}

test("a project's lint is its script, else the linters it has settings for", () => {
  assert.deepEqual(found({ "a.py": "", "package.json": "{}" }), []);
  assert.deepEqual(found({ "package.json": '{"scripts":{"lint":"eslint src"}}', "eslint.config.js": "" }), [
    "npm run lint (package.json): sh -c eslint src",
  ]);
  assert.deepEqual(found({ "eslint.config.mjs": "", "biome.json": "", ".oxlintrc.json": "" }), [
    "eslint (eslint.config.mjs): eslint .",
    "biome (biome.json): biome lint",
    "oxlint (.oxlintrc.json): oxlint",
  ]);
  assert.deepEqual(found({ "pyproject.toml": "[tool.ruff.lint]\n", "ruff.toml": "", "setup.cfg": "[flake8]\n" }), [
    "ruff (ruff.toml): ruff check --no-cache .",
    "flake8 (setup.cfg): flake8",
  ]);
  assert.deepEqual(found({ "pyproject.toml": "[tool.black]\n", "setup.cfg": "", "package.json": "{" }), []);
});

test("settings in a folder below are not the project's", () => {
  assert.deepEqual(found({ "sub/ruff.toml": "", "node_modules/x/.eslintrc.json": "" }), []);
});
