import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { asking, loadFixture, readReply } from "../../../test/fixtures/embedded.ts";
import { writeAdapterGguf, writeRandomGguf, writeScriptedGguf } from "../../../test/fixtures/make-gguf.ts";
import type { GgufSettings } from "../model.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-settings-"));
const at = (file: string) => join(directory, file);
after(() => rmSync(directory, { recursive: true, force: true }));
before(() => {
  writeRandomGguf(at("random.gguf"));
  writeScriptedGguf(at("scripted.gguf"), { script: "hello there" });
  writeAdapterGguf(at("adapter.gguf"));
});

const request = asking("hi", { maxTokens: 20 });

async function say(file: string, settings: GgufSettings): Promise<string> {
  await using model = await loadFixture(at(file), settings);
  return (await readReply(model, request)).text;
}

test("answers with every kind of cache", async () => {
  for (const settings of [{ cacheType: "f32" }, { cacheType: "q8_0" }, { cacheType: "q4_0" }] as const)
    assert.equal(await say("scripted.gguf", settings), "hello there");
});

test("answers the same with flash attention and without, and with any batch", async () => {
  const plain = await say("random.gguf", { flashAttention: false });
  assert.equal(await say("random.gguf", { flashAttention: true }), plain);
  assert.equal(await say("random.gguf", { batchTokens: 8 }), plain);
});

test("refuses a cache that the model's shapes do not allow, with llama.cpp's reason", async () => {
  await assert.rejects(loadFixture(at("random.gguf"), { cacheType: "q8_0" }), {
    code: "engine/bad-setting",
    exitCode: 2,
    message: /a context of 4096 tokens in q8_0 for each of 1 slots: .*block size 32/,
  });
});

test("refuses settings that contradict each other before it starts a process", async () => {
  await assert.rejects(loadFixture(at("missing.gguf"), { slots: 2, deterministic: true }), {
    code: "engine/bad-setting",
  });
});

test("refuses a context larger than the model was trained for, with both numbers", async () => {
  await assert.rejects(loadFixture(at("random.gguf"), { contextTokens: 4097 }), {
    code: "engine/context-too-large",
    exitCode: 2,
    message: /4097 tokens was asked for, and the model .*random\.gguf was trained for 4096/,
  });
});

test("refuses a context larger than the memory, with what it needs and what is free", async () => {
  writeScriptedGguf(at("vast.gguf"), { script: "x", contextTokens: 2_000_000_000 });
  const settings = { contextTokens: 1_900_000_000, slots: 2, gpuLayers: 0 };
  await assert.rejects(loadFixture(at("vast.gguf"), settings), {
    code: "engine/not-enough-memory",
    exitCode: 3,
    message: /1900000000 tokens in f16 for each of 2 slots needs \d+ MiB of system memory, and \d+ MiB are free/,
  });
});

test("applies adapters by their scale", async () => {
  const plain = await say("random.gguf", {});
  const path = at("adapter.gguf");
  assert.equal(await say("random.gguf", { adapters: [{ path, scale: 0 }] }), plain);
  const changed = await say("random.gguf", { adapters: [{ path, scale: 1 }] });
  assert.notEqual(changed, plain);
  assert.notEqual(await say("random.gguf", { adapters: [{ path, scale: -1 }] }), changed);
});

test("refuses an adapter that is missing, broken, no adapter, or for another model", async () => {
  writeFileSync(at("text.gguf"), "no adapter");
  writeAdapterGguf(at("narrow.gguf"), { width: 32 });
  const load = (file: string) => loadFixture(at("random.gguf"), { adapters: [{ path: at(file), scale: 1 }] });
  await assert.rejects(load("missing.gguf"), { code: "engine/adapter-not-found", exitCode: 3 });
  for (const [file, message] of [
    ["text.gguf", /text\.gguf can't be used/],
    ["random.gguf", /it holds no adapter/],
    ["narrow.gguf", /incorrect shape/],
  ] as const)
    await assert.rejects(load(file), { code: "engine/wrong-adapter", exitCode: 3, message });
});

test("puts layers on a GPU, or says that there is none", async () => {
  assert.equal(typeof (await say("random.gguf", { gpuLayers: 0 })), "string");
  const loading = loadFixture(at("random.gguf"), { gpuLayers: 1 });
  const outcome = await loading.then(
    async (model) => {
      await model[Symbol.asyncDispose]();
      return "loaded";
    },
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
  );
  assert.ok(["loaded", "engine/no-gpu"].includes(String(outcome)), String(outcome));
});
