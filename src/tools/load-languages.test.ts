import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { findLanguage } from "./find-language.ts";
import { loadLanguages } from "./load-languages.ts";

const shipped = fileURLToPath(new URL("../../languages", import.meta.url));
const own = mkdtempSync(join(tmpdir(), "atos-languages-"));
after(() => rmSync(own, { recursive: true, force: true }));

test("files add languages to the built-in ones, and a later file takes an earlier one's place", async () => {
  const ids = async (...folders: string[]) => (await loadLanguages(folders)).map(({ id }) => id);
  assert.deepEqual(await ids(), ["python", "typescript", "javascript"]);
  assert.deepEqual(await ids(join(own, "nowhere"), shipped), ["python", "typescript", "javascript", "go"]);
  writeFileSync(join(own, "notes.txt"), "no language");
  writeFileSync(
    join(own, "go.yaml"),
    `{id: go, name: Gopher, fence: go, endings: [.go], testFile: {pattern: x, example: NAME}, scaffold: [], advice: {tester: t, developer: d}, runner: node}`,
  );
  const languages = await loadLanguages([shipped, own]);
  assert.deepEqual([languages.length, findLanguage("go", languages)?.name], [4, "Gopher"]);
});

test("a file that is no language is named, with what is wrong in it", async () => {
  for (const [text, why] of [
    ["id: rust\n", /rust\.yaml can't be used.*name/s],
    ["a: [", /rust\.yaml can't be used/],
  ] as const) {
    writeFileSync(join(own, "rust.yaml"), text);
    await assert.rejects(loadLanguages([own]), { code: "tools/language-file", message: why, exitCode: 2 });
  }
});
