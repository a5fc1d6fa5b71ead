import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { chooseRoster, type ChosenRoster } from "./choose-roster.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-choice-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const modelsDirectory = join(directory, "models");
mkdirSync(modelsDirectory);
const PULLED = "gemma-2-2b-Q4_K_M";
for (const name of [PULLED, "gemma-2-2b"]) writeFileSync(join(modelsDirectory, `${name}.gguf`), "GGUF");

const places = { modelsDirectory, directory, home: directory, env: {} };
const choice = {
  ...places,
  contextTokens: undefined,
  apiKeyVariable: undefined,
  apiKeyFile: undefined,
  thinking: undefined,
};

function chosen(model: string): Promise<ChosenRoster> {
  writeFileSync(
    join(directory, "r.yaml"),
    `name: r\nmodels: { m: ${model} }\ntiers: { simple: m, medium: m, complex: m }\n`,
  );
  return chooseRoster({ ...choice, model: undefined, roster: "r.yaml" });
}

test("a roster's catalog name is the catalog's file, even where another one was pulled under that name", async () => {
  const { roster } = await chosen("{ catalog: gemma-2-2b, context_tokens: 8192 }");
  assert.deepEqual(roster.models, [
    { kind: "gguf", id: "m", path: join(modelsDirectory, `${PULLED}.gguf`), contextTokens: 8192 },
  ]);
});

test("a catalog model that can't be what the roster says is refused before anything begins", async () => {
  const refused: readonly (readonly [string, string, number])[] = [
    ["{ catalog: gemma-2-2b, context_tokens: 16384 }", "engine/context-too-large", 2],
    ["{ catalog: gemma-2-2b, quantisation: Q2_K }", "engine/no-such-quantisation", 2],
    ["{ catalog: gemma-2-2b, quantisation: Q6_K }", "workflows/model-not-pulled", 3],
    ["{ catalog: gemma-9 }", "engine/unknown-catalog-model", 2],
    ["{ catalog: 'hf:a/b/c.gguf' }", "engine/unknown-catalog-model", 2],
  ];
  for (const [model, code, exitCode] of refused) await assert.rejects(chosen(model), { code, exitCode }, model);
});

test("a name is a pulled model first, then one of the catalog; what is neither is refused", async () => {
  const named = async (model: string) => (await chooseRoster({ ...choice, model, roster: undefined })).roster.models[0];
  assert.deepEqual(await named("gemma-2-2b"), {
    kind: "gguf",
    id: "gemma-2-2b",
    path: join(modelsDirectory, "gemma-2-2b.gguf"),
  });
  assert.deepEqual(await named("gemma-2-2b:4bit"), {
    kind: "gguf",
    id: PULLED,
    path: join(modelsDirectory, `${PULLED}.gguf`),
  });
  await assert.rejects(named("qwen3-1.7b"), { code: "workflows/model-not-pulled", message: /1\.0 GiB/ });
  await assert.rejects(named("nothing"), { code: "workflows/unknown-model", exitCode: 2 });
});

test("a roster that the workspace chose may not name a key to be sent", async () => {
  const text = "{ server: 'http://127.0.0.1:1/v1', model: m, api_key_variable: AWS_SECRET }";
  writeFileSync(
    join(directory, "keyed.yaml"),
    `name: r\nmodels: { m: ${text} }\ntiers: { simple: m, medium: m, complex: m }\n`,
  );
  const theirs = { ...choice, model: undefined, roster: "keyed.yaml", rosterIsWorkspaces: true };
  await assert.rejects(chooseRoster(theirs), { code: "workflows/workspace-key", message: /names a key for m/ });
});
