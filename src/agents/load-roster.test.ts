import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadRoster, type RosterFile } from "./load-roster.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-roster-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const file = join(directory, "roster.yaml");

/** A roster with one model, which serves everything. */
function load(model: string, simple = "m"): Promise<RosterFile> {
  writeFileSync(file, `name: r\nmodels: { m: ${model} }\ntiers: { simple: ${simple}, medium: m, complex: m }\n`);
  return loadRoster(file);
}

test("a model is a file, a name of the catalog, or a server; settings that were not said stay out", async () => {
  assert.deepEqual((await load("{ file: x.gguf, slots: 2 }")).models, {
    m: { use: {}, kind: "file", path: join(directory, "x.gguf"), settings: { slots: 2 } },
  });
  assert.deepEqual((await load("{ catalog: qwen3-1.7b, adapters: [{ file: a.gguf }] }")).models, {
    m: {
      use: {},
      kind: "catalog",
      name: "qwen3-1.7b",
      quantisation: undefined,
      settings: { adapters: [{ path: join(directory, "a.gguf"), scale: 1 }] },
    },
  });
  assert.deepEqual((await load("{ server: 'http://h:1', model: 'a/b#c', api_key_file: key, thinking: on }")).models, {
    m: {
      use: { thinking: "on" },
      kind: "server",
      address: { kind: "server", baseUrl: "http://h:1/v1", model: "a/b#c", apiKeyFile: join(directory, "key") },
      limits: {},
    },
  });
});

test("a model may be pinned, and a server's requests limited", async () => {
  const { models } = await load("{ server: 'http://h:1', concurrency: 8, requests_per_minute: 120, pinned: true }");
  assert.deepEqual(models["m"]?.use, { pinned: true });
  assert.deepEqual(models["m"]?.kind === "server" ? models["m"].limits : undefined, {
    concurrency: 8,
    requestsPerMinute: 120,
  });
  await assert.rejects(load("{ server: 'http://h:1', concurrency: 0 }"), { code: "agents/bad-roster" });
});

test("what is wrong with a roster is named with its place", async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["{ file: x.gguf, context_tokens: many }", /models\.m\.context_tokens/],
    ["{ file: x.gguf, colour: red }", /"colour"[\s\S]*models\.m/],
    ["{ file: x.gguf, catalog: qwen3-1.7b }", /"file"[\s\S]*models\.m/],
    ["{ server: 'http://h', cache_type: q8_0 }", /"cache_type"[\s\S]*models\.m/],
    ["{ server: x.gguf }", /not the address of a server/],
    ["{ server: 'http://h/v1#a', model: b }", /named twice/],
    ["{}", /models\.m\.file/],
  ];
  for (const [model, message] of wrong)
    await assert.rejects(load(model), { code: "agents/bad-roster", exitCode: 2, message }, model);
});

test("a key in the place of a variable's name is refused, and not repeated", async () => {
  await assert.rejects(load("{ server: 'http://h', api_key_variable: sk-very-secret }"), {
    code: "agents/bad-roster",
    message: /^(?![\s\S]*very-secret)[\s\S]*api_key_variable/,
  });
});

test("a tier that names no model of the roster is refused, whatever JavaScript knows by that name", async () => {
  for (const name of ["ghost", "constructor", "toString"])
    await assert.rejects(load("{ file: x.gguf }", name), { code: "agents/bad-roster", message: new RegExp(name) });
});
