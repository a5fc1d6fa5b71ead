import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openSandbox } from "../sandbox/open-sandbox.ts";
import { fileChunks } from "./file-chunks.ts";
import { requireLanguage } from "./find-language.ts";
import { checkSyntax, measureCoverage, runTests } from "./run-tests.ts";

const root = mkdtempSync(join(tmpdir(), "atos-chunks-"));
after(() => rmSync(root, { recursive: true, force: true }));

test("files are kept in their order, in as few parts as their names fit into", () => {
  assert.deepEqual(fileChunks([]), [[]]);
  assert.deepEqual(fileChunks(["b", "a"]), [["b", "a"]]);
  const many = Array.from({ length: 10_000 }, (_, index) => `${"é".repeat(50)}/${index}`);
  const chunks = fileChunks(many);
  assert.deepEqual(chunks.flat(), many);
  assert.equal(chunks.length, 5);
  for (const chunk of chunks) assert.ok(Buffer.byteLength(JSON.stringify(chunk)) < 270_000);
  const long = "x".repeat(300_000);
  assert.deepEqual(fileChunks(["a", long, "b"]), [["a"], [long], ["b"]]);
});

test("more files than a program can be given by name are parsed and run all the same", async () => {
  const sandbox = await openSandbox({ unsafe: false });
  const folder = Array.from({ length: 8 }, (_, index) => String(index).repeat(240)).join("/");
  mkdirSync(join(root, folder), { recursive: true });
  const files = Array.from({ length: 1200 }, (_, index) => `${folder}/test_${index}.py`);
  const code = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_1(self):\n        pass\n";
  for (const file of files) writeFileSync(join(root, file), code);
  assert.ok(files.join("").length > 2 * 1024 * 1024);
  const last = files.at(-1) ?? "";
  const run = { root, language: requireLanguage("python"), files };
  const signal = AbortSignal.timeout(100_000);
  assert.equal(await measureCoverage(sandbox, { ...run, covered: [] }, signal), undefined);
  writeFileSync(join(root, last), code.replace("pass", "self.fail()"));
  const red = await runTests(sandbox, run, signal);
  assert.deepEqual(
    [red.green, red.tests.length, red.tests.filter(({ outcome }) => outcome === "failed").map(({ file }) => file)],
    [false, files.length, [last]],
  );
  writeFileSync(join(root, last), "def (");
  assert.deepEqual(
    (await checkSyntax(sandbox, run, signal)).map(({ file }) => file),
    [last],
  );
});
