import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadOllama, ollamaMemory, unloadOllama } from "../../src/engine/server/ollama-control.ts";
import { openServerModel } from "../../src/engine/server/server-model.ts";
import { listServerModels, resolveServerModel } from "../../src/engine/server/server-models.ts";
import { writeScriptedGguf } from "../fixtures/make-gguf.ts";
import { ask, never } from "./ask.ts";
import { Peer, scratchFolder } from "./peer.ts";

/* Runs where an `ollama` is installed; scripts/test-peers.js says so where none is. */

const folder = scratchFolder();
const SCRIPT = "Hello there, this is the scripted reply END of it.\n";
const CONTEXT = 512;
const MODELFILE = [
  "FROM ./scripted.gguf",
  'TEMPLATE """{{ range .Messages }}<|im_start|>{{ .Role }}',
  "{{ .Content }}<|im_end|>",
  "{{ end }}<|im_start|>assistant",
  '"""',
  "",
].join("\n");

async function start(): Promise<Peer> {
  writeScriptedGguf(join(folder, "scripted.gguf"), { script: SCRIPT });
  writeFileSync(join(folder, "Modelfile"), MODELFILE);
  const peer = await Peer.ollama(folder, { OLLAMA_CONTEXT_LENGTH: String(CONTEXT) });
  await peer.create("tiny", join(folder, "Modelfile"));
  return peer;
}

test("ollama: is known, and tells its context once it has loaded the model", async () => {
  await using peer = await start();
  assert.deepEqual(await listServerModels(peer.baseUrl), ["tiny:latest"]);
  assert.deepEqual(await ollamaMemory(peer, never), []);
  const address = { kind: "server", baseUrl: peer.baseUrl } as const;
  const { source, ...found } = await resolveServerModel(address);
  assert.deepEqual([found, source.contextTokens], [{ server: "ollama", contextFrom: "server" }, CONTEXT]);
  await assert.rejects(resolveServerModel({ ...address, contextTokens: 8192 }), { code: "engine/context-too-large" });
  await assert.rejects(resolveServerModel({ ...address, model: "none" }), { code: "engine/server-model-unknown" });

  await using model = await openServerModel(source, {}, never);
  const whole = await ask(model);
  assert.deepEqual([whole.text, whole.end.finish, whole.end.usageIsBound], [SCRIPT, "stop", undefined]);
  // The cached part of a prompt is counted with it.
  assert.equal((await ask(model)).end.usage.promptTokens, whole.end.usage.promptTokens);
  assert.equal((await ask(model, { stop: ["END"] })).text.trim(), "Hello there, this is the scripted reply");
  assert.equal((await ask(model, { maxTokens: 3 })).end.finish, "length");
  const schema = { type: "object", properties: { right: { type: "boolean" } }, required: ["right"] };
  const shaped: unknown = JSON.parse((await ask(model, { shape: { kind: "json-schema", schema } })).text);
  assert.ok(typeof shaped === "object" && shaped !== null && "right" in shaped);
});

test("ollama: is told to load and unload a model, and counts its memory", async () => {
  await using peer = await start();
  const loaded = await loadOllama(peer, "tiny", never);
  assert.equal(loaded?.name, "tiny:latest");
  assert.ok(loaded.bytes.system + loaded.bytes.gpu > 0);
  assert.deepEqual(await ollamaMemory(peer, never), [loaded]);
  await unloadOllama(peer, "tiny", never);
  assert.deepEqual(await ollamaMemory(peer, never), []);
});

test("ollama: cuts the front of a prompt that is too long, and is caught at it", async () => {
  await using peer = await start();
  const { source } = await resolveServerModel({ kind: "server", baseUrl: peer.baseUrl });
  await using model = await openServerModel(source, {}, never);
  // Two tokens a word here, one by the bound that is made for larger vocabularies: it goes through, and is too long.
  const messages = [{ role: "user", content: "z ".repeat(440) }] as const;
  await assert.rejects(ask(model, { messages, maxTokens: 5 }), { code: "engine/server-truncated" });
});
