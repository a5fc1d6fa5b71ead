import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeOpenAiServer, type FakeServerOptions } from "../../../test/fixtures/fake-openai-server.ts";
import { ollamaRoutes } from "../../../test/fixtures/fake-server-kinds.ts";
import { loadOllama, ollamaMemory, unloadOllama } from "./ollama-control.ts";

const never = new AbortController().signal;

function start(routes: NonNullable<FakeServerOptions["routes"]>): Promise<FakeOpenAiServer> {
  return FakeOpenAiServer.start({ reply: () => ({ kind: "hang" }), routes });
}

const loaded = {
  name: "fake:latest",
  bytes: { system: 1_137_025_024, gpu: 4_000_000_000 },
  contextTokens: 4096,
};

test("loads a model, counts its memory by place, and unloads it", async () => {
  await using server = await start(ollamaRoutes({ contextTokens: 4096 }));
  assert.deepEqual(await ollamaMemory(server, never), []);
  assert.deepEqual(await loadOllama(server, "fake", never), loaded);
  assert.deepEqual(await ollamaMemory(server, never), [loaded]);
  await unloadOllama(server, "fake", never);
  assert.deepEqual(await ollamaMemory(server, never), []);
  const asked = server.requests.filter(({ path }) => path === "/api/generate").map(({ body }) => body);
  assert.deepEqual(asked, [
    { model: "fake", stream: false },
    { model: "fake", keep_alive: 0, stream: false },
  ]);
});

test("loads a model of embeddings the way Ollama loads those", async () => {
  await using server = await start(ollamaRoutes({ contextTokens: 4096, capabilities: ["embedding"] }));
  assert.deepEqual(await loadOllama(server, "fake", never), loaded);
  assert.deepEqual(server.requests.find(({ path }) => path === "/api/embed")?.body, { model: "fake", input: [] });
});

test("loads nothing for a model that ollama.com serves", async () => {
  const show = () => ({ json: { remote_host: "https://ollama.com", model_info: { "x.context_length": 262_144 } } });
  await using server = await start({ ...ollamaRoutes({ contextTokens: 4096 }), "/api/show": show });
  assert.equal(await loadOllama(server, "fake", never), undefined);
  assert.deepEqual(await ollamaMemory(server, never), []);
});

test("says what is wrong: an unknown model, no memory for one, an answer that can't be read, an abort", async () => {
  const routes = ollamaRoutes({ contextTokens: 4096 });
  await using server = await start(routes);
  await assert.rejects(loadOllama(server, "other", never), {
    code: "engine/server-model-unknown",
    message: /does not have the model other.*ollama pull other/,
  });
  const full = { status: 500, json: { error: "model requires more system memory (9 GiB) than is available (4 GiB)" } };
  await using small = await start({ ...routes, "/api/generate": () => full });
  await assert.rejects(loadOllama(small, "fake", never), { code: "engine/server-busy", message: /more system memory/ });
  await using odd = await start({ ...routes, "/api/ps": () => ({ json: { models: [{ name: "x" }] } }) });
  await assert.rejects(ollamaMemory(odd, never), { code: "engine/bad-server-reply" });
  await using slow = await start({ ...routes, "/api/generate": () => "hang" });
  const reason = new Error("enough");
  await assert.rejects(loadOllama(slow, "fake", AbortSignal.timeout(100)), { name: "TimeoutError" });
  await assert.rejects(unloadOllama(slow, "fake", AbortSignal.abort(reason)), reason);
});
