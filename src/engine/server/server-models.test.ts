import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeOpenAiServer, type FakeServerOptions } from "../../../test/fixtures/fake-openai-server.ts";
import { llamaCppRoutes, lmStudioRoutes, ollamaRoutes, vllmRoutes } from "../../../test/fixtures/fake-server-kinds.ts";
import type { ServerModelAddress } from "../model-source.ts";
import { listServerModels, resolveServerModel } from "./server-models.ts";

const KEY = "sk-very-secret-0123456789";

function start(options: Partial<FakeServerOptions> = {}): Promise<FakeOpenAiServer> {
  return FakeOpenAiServer.start({ reply: () => ({ kind: "hang" }), ...options });
}

function at({ baseUrl }: FakeOpenAiServer, more: Partial<ServerModelAddress> = {}): ServerModelAddress {
  return { kind: "server", baseUrl, ...more };
}

test("finds the only model of a server, and assumes a context that nobody told", async () => {
  await using server = await start({ models: ["only"] });
  const { baseUrl } = server;
  const keys = { apiKeyVariable: "KEY_OF_IT", apiKeyFile: "/run/key" };
  assert.deepEqual(await resolveServerModel(at(server, keys), { apiKey: KEY }), {
    source: { kind: "openai", id: "only", model: "only", baseUrl, contextTokens: 8192, ...keys },
    server: "openai",
    contextFrom: "assumed",
  });
  assert.ok(server.requests.every(({ authorization }) => authorization === `Bearer ${KEY}`));
});

test("asks for a choice between several models, of which it names some", async () => {
  await using many = await start({ models: ["a", "b"] });
  await assert.rejects(resolveServerModel(at(many)), {
    code: "engine/ambiguous-model",
    exitCode: 2,
    message: /\/v1#a, .*\/v1#b$/,
  });
  await using hundreds = await start({ models: Array.from({ length: 200 }, (_, index) => `m${index}`) });
  await assert.rejects(resolveServerModel(at(hundreds)), { message: /#m29, and 170 more$/ });
  await using none = await start({ models: [] });
  await assert.rejects(resolveServerModel(at(none)), { code: "engine/no-server-model", exitCode: 3 });
});

test("takes the context from each kind of server that tells it", async () => {
  const kinds = [
    ["llama.cpp", llamaCppRoutes({ contextTokens: 2048 })],
    ["vllm", vllmRoutes({ contextTokens: 2048 })],
    ["ollama", ollamaRoutes({ contextTokens: 2048 })],
    ["lm-studio", lmStudioRoutes(2048)],
  ] as const;
  for (const [kind, routes] of kinds) {
    await using server = await start({ routes });
    const resolve = async (contextTokens?: number) => {
      const given = contextTokens === undefined ? {} : { contextTokens };
      const { source, server: found, contextFrom } = await resolveServerModel(at(server, { model: "fake", ...given }));
      return [found, source.contextTokens, contextFrom];
    };
    assert.deepEqual(await resolve(), [kind, 2048, "server"]);
    assert.deepEqual(await resolve(1024), [kind, 1024, "given"]);
    await assert.rejects(resolve(4096), { code: "engine/context-too-large", exitCode: 2, message: /4096.* 2048/ });
  }
});

test("assumes the small context of LM Studio for a model that is not loaded yet", async () => {
  await using server = await start({ routes: lmStudioRoutes(undefined) });
  const { source, contextFrom } = await resolveServerModel(at(server, { model: "fake" }));
  assert.deepEqual([source.contextTokens, contextFrom], [4096, "assumed"]);
});

test("has an Ollama load the model, and names the command for one it does not have", async () => {
  await using server = await start({ routes: ollamaRoutes({ contextTokens: 4096 }) });
  await resolveServerModel(at(server, { model: "fake" }));
  assert.deepEqual(server.requests.find(({ path }) => path === "/api/generate")?.body, {
    model: "fake",
    stream: false,
  });
  await assert.rejects(resolveServerModel(at(server, { model: "other" })), {
    code: "engine/server-model-unknown",
    exitCode: 3,
    message: /ollama pull other/,
  });
});

test("lists models, and says what is wrong where it can't", async () => {
  await using server = await start({ models: ["a", "b"] });
  assert.deepEqual(await listServerModels(server.baseUrl), ["a", "b"]);
  const answers = [
    [{ status: 401, json: { error: `bad key ${KEY}` } }, "engine/server-refused-key"],
    [{ status: 503, json: { error: { message: "Loading model" } } }, "engine/server-busy"],
    [{ status: 404, json: {} }, "engine/server-error"],
    [{ json: { models: [] } }, "engine/bad-server-reply"],
  ] as const;
  for (const [answer, code] of answers) {
    await using odd = await start({ routes: { "/v1/models": () => answer } });
    await assert.rejects(
      listServerModels(odd.baseUrl, { apiKey: KEY }),
      (error) => error instanceof Error && "code" in error && error.code === code && !error.message.includes(KEY),
    );
  }
  const reason = new Error("enough");
  await assert.rejects(listServerModels(server.baseUrl, { signal: AbortSignal.abort(reason) }), reason);
});

test("does with a server that can't list its models, as long as one is named", async () => {
  const answers = [
    [{ status: 404, json: {} }, "engine/server-error"],
    [{ text: "<html>" }, "engine/bad-server-reply"],
  ] as const;
  for (const [answer, code] of answers) {
    await using server = await start({ routes: { "/v1/models": () => answer } });
    const { source } = await resolveServerModel(at(server, { model: "named", contextTokens: 1000 }));
    assert.deepEqual([source.model, source.contextTokens], ["named", 1000]);
    await assert.rejects(resolveServerModel(at(server)), { code });
  }
});
