import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { FakeOpenAiServer, type FakeReply, type FakeServerOptions } from "../../test/fixtures/fake-openai-server.ts";
import { AtosError } from "../base/errors.ts";
import type { GenerateRequest, Model, ModelPart } from "./model.ts";
import { type OpenAiOptions, openOpenAiModel } from "./openai-model.ts";
import { listServerModels, resolveServerModel } from "./server-models.ts";
import { promptTokenBound, textTokenBound } from "./token-bound.ts";

const KEY = "sk-very-secret-0123456789";
const never = new AbortController().signal;

const request: GenerateRequest = {
  messages: [{ role: "user", content: "hello" }],
  maxTokens: 100,
  temperature: 0,
  seed: 1,
};

function open(server: FakeOpenAiServer, options: OpenAiOptions = {}, contextTokens = 4096): Model {
  return openOpenAiModel(
    { kind: "openai", id: "fake", baseUrl: server.baseUrl, model: "fake", contextTokens },
    { apiKey: KEY, ...options },
  );
}

function serverOf(reply: FakeReply, options: Partial<FakeServerOptions> = {}): Promise<FakeOpenAiServer> {
  return FakeOpenAiServer.start({ reply: () => reply, ...options });
}

async function reply(
  model: Model,
  changes: Partial<GenerateRequest> = {},
  signal = never,
): Promise<[string, ModelPart]> {
  let text = "";
  for await (const part of model.generate({ ...request, ...changes }, signal)) {
    if (part.kind === "end") return [text, part];
    text += part.text;
  }
  throw new Error("the reply had no end");
}

/** Asks once of a server that misbehaves, and returns the error after a look that it keeps the key to itself. */
async function failureOf(behaviour: FakeReply, options: OpenAiOptions = {}): Promise<AtosError> {
  await using server = await serverOf(behaviour);
  await using model = open(server, options);
  const error: unknown = await reply(model).then(
    () => assert.fail("the reply succeeded"),
    (thrown: unknown) => thrown,
  );
  assert.equal(server.requests.filter(({ path }) => path.endsWith("/chat/completions")).length, 1);
  assert.equal(inspect(error, { depth: 10, showHidden: true }).includes(KEY), false);
  assert.ok(error instanceof AtosError, String(error));
  return error;
}

test("sends one request with everything that decides the reply, and streams the answer", async () => {
  const text = "Grüße 😀, here is `code`\n";
  await using server = await serverOf({ kind: "text", text, usage: { prompt_tokens: 9, completion_tokens: 7 } });
  await using model = open(server);
  assert.deepEqual(await reply(model, { stop: ["END"] }), [
    text,
    { kind: "end", finish: "stop", usage: { promptTokens: 9, cachedTokens: 0, outputTokens: 7 } },
  ]);
  assert.equal(server.requests.length, 1);
  assert.equal(server.requests[0]?.authorization, `Bearer ${KEY}`);
  assert.deepEqual(server.requests[0]?.body, {
    model: "fake",
    messages: [{ role: "user", content: "hello" }],
    max_tokens: 100,
    temperature: 0,
    seed: 1,
    stop: ["END"],
    stream: true,
    stream_options: { include_usage: true },
  });
});

test("ends as `length` what the server ended so, and marks usage that it had to bound itself", async () => {
  await using server = await serverOf({ kind: "text", text: "cut off he", finish: "length" });
  await using model = open(server);
  const usage = {
    promptTokens: promptTokenBound(request.messages),
    cachedTokens: 0,
    outputTokens: textTokenBound("cut off he"),
  };
  assert.deepEqual(await reply(model), ["cut off he", { kind: "end", finish: "length", usage, usageIsBound: true }]);
});

test("reads events that arrive in pieces of one byte, with thinking apart and cached tokens told", async () => {
  const chunks = [
    { choices: [{ delta: { role: "assistant" } }] },
    { choices: [{ delta: { reasoning_content: "hm" } }] },
    { choices: [{ delta: { content: "ja ✓" }, finish_reason: "stop" }] },
    { choices: [], usage: { prompt_tokens: 5, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 4 } } },
  ];
  const body = `: keep-alive\n\n${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\r\n\r\n`).join("")}data: [DONE]\n\n`;
  await using server = await serverOf({ kind: "raw", body, pieceBytes: 1 });
  await using model = open(server);
  const usage = { promptTokens: 5, cachedTokens: 4, outputTokens: 3 };
  assert.deepEqual(await reply(model), ["ja ✓", { kind: "end", finish: "stop", usage }]);
});

test("refuses a prompt over the context before anything is sent", async () => {
  await using server = await serverOf({ kind: "text", text: "x" });
  await using model = open(server, {}, 30);
  assert.equal(await model.count(request.messages), promptTokenBound(request.messages));
  await assert.rejects(reply(model), { code: "engine/context-overflow", message: /takes up to 43 tokens .* holds 30/ });
  assert.equal(server.requests.length, 0);
});

test("says that no server answers, where, and how to start one", async () => {
  const unused = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => unused.once("listening", resolve));
  const address = unused.address();
  assert.ok(address !== null && typeof address === "object");
  await new Promise((resolve) => unused.close(resolve));
  const baseUrl = `http://127.0.0.1:${address.port}/v1`;
  await using model = openOpenAiModel({ kind: "openai", id: "m", baseUrl, model: "m", contextTokens: 4096 });
  const unreachable = { code: "engine/server-unreachable", exitCode: 3, message: /ECONNREFUSED.*llama-server/ };
  await assert.rejects(reply(model), unreachable);
  await assert.rejects(listServerModels(baseUrl), unreachable);
});

test("reports a failed request once, with its status and a short excerpt without the key", async () => {
  const said = `boom with ${KEY} ${"x".repeat(5000)}`;
  const error = await failureOf({ kind: "status", status: 500, body: said });
  assert.equal(error.code, "engine/server-busy");
  assert.match(error.message, /answered 500: boom with \*\*\* x+…; look/);
  assert.ok(error.message.length < 500);
});

test("says that the key was refused", async () => {
  for (const status of [401, 403]) {
    const error = await failureOf({ kind: "status", status, body: `{"error":"Incorrect API key: ${KEY}"}` });
    assert.match(String(error), /answered 40[13].*\*\*\*.*valid API key/);
    assert.deepEqual([error.code, error.exitCode], ["engine/server-refused-key", 2]);
  }
  assert.throws(
    () =>
      openOpenAiModel(
        { kind: "openai", id: "m", baseUrl: "http://h/v1", model: "m", contextTokens: 1 },
        { apiKey: "a\nb" },
      ),
    {
      code: "engine/bad-api-key",
    },
  );
});

test("lists what the server offers when it does not know the model", async () => {
  const notFound = { kind: "status", status: 404, body: "model not found" } as const;
  await using server = await serverOf(notFound, { models: ["qwen", "llama"] });
  await using model = open(server);
  await assert.rejects(reply(model), {
    code: "engine/server-model-unknown",
    exitCode: 3,
    message: /does not know the model fake: model not found; it offers qwen, llama/,
  });
  await using other = await serverOf(notFound);
  await using known = open(other);
  await assert.rejects(reply(known), { code: "engine/server-error", message: /404.*check the address/ });
});

test("calls a stream that breaks off, or ends without an end of the reply, cut", async () => {
  for (const how of ["reset", "end"] as const)
    assert.equal((await failureOf({ kind: "cut-after", text: "half a", how })).code, "engine/stream-cut");
});

test("refuses what is no stream of chat chunks", async () => {
  const bad = "engine/bad-server-reply";
  const bodies = [
    `data: {"choices": [${KEY}\n\n`,
    `data: {"choices":"${KEY}"}\n\n`,
    'data: {"choices":[{"finish_reason":"mood"}]}\n\n',
  ];
  for (const body of bodies) assert.equal((await failureOf({ kind: "raw", body })).code, bad);
  const whole = await failureOf({ kind: "raw", body: '{"choices":[]}', type: "application/json" });
  assert.equal(whole.code, bad);
  const failed = await failureOf({ kind: "raw", body: `data: {"error":{"message":"no memory for ${KEY}"}}\n\n` });
  assert.equal(failed.code, "engine/server-error");
  assert.match(String(failed), /no memory for \*\*\*/);
});

test("does not swallow more text than the request allows", async () => {
  const error = await failureOf({ kind: "text", text: "x".repeat(101 * 256 + 1) });
  assert.equal(error.code, "engine/bad-server-reply");
});

test("gives up on a server that is silent before the first token, or between two", async () => {
  const options = { firstTokenTimeoutMs: 80, nextTokenTimeoutMs: 60 };
  const first = await failureOf({ kind: "hang" }, options);
  assert.match(String(first), /no first token for 0.08 seconds/);
  assert.equal(first.code, "engine/server-timeout");
  // The empty first chunk, which comes before the prompt is evaluated, is no token.
  assert.match(String(await failureOf({ kind: "hang-after", text: "" }, options)), /no first token/);
  assert.match(String(await failureOf({ kind: "hang-after", text: "some" }, options)), /no further token for 0.06/);
});

test("waits for a slow server as long as tokens come, and lets a slow reader take its time", async () => {
  await using server = await serverOf({ kind: "text", text: "slowly it comes", delayMs: 30 });
  await using model = open(server, { firstTokenTimeoutMs: 200, nextTokenTimeoutMs: 80 });
  assert.equal((await reply(model))[0], "slowly it comes");
  let text = "";
  for await (const part of model.generate(request, never)) {
    await delay(100);
    if (part.kind === "text") text += part.text;
  }
  assert.equal(text, "slowly it comes");
});

test("closes the connection at once when the signal aborts or the reader leaves", async () => {
  await using server = await serverOf({ kind: "hang-after", text: "some text" });
  await using model = open(server);
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(reply(model, {}, controller.signal), reason);
  await server.requests[0]?.closed;
  for await (const _ of model.generate(request, never)) break;
  await server.requests[1]?.closed;
  await assert.rejects(reply(model, {}, AbortSignal.abort(reason)), reason);
  assert.equal(server.requests.length, 2);
});

test("ends replies under way when it is disposed", async () => {
  await using server = await serverOf({ kind: "hang-after", text: "some" });
  const model = open(server);
  const pending = assert.rejects(reply(model), { code: "engine/model-closed" });
  await delay(50);
  await model[Symbol.asyncDispose]();
  await pending;
  await assert.rejects(reply(model), { code: "engine/model-closed" });
});

test("finds the only model of a server, and asks for a choice between several", async () => {
  await using one = await serverOf({ kind: "hang" }, { models: ["only"] });
  const address = { kind: "server", baseUrl: one.baseUrl, contextTokens: 8192, apiKeyVariable: "KEY_OF_IT" } as const;
  assert.deepEqual(await resolveServerModel(address, { apiKey: KEY }), {
    kind: "openai",
    id: "only",
    model: "only",
    baseUrl: one.baseUrl,
    contextTokens: 8192,
    apiKeyVariable: "KEY_OF_IT",
  });
  assert.equal(one.requests[0]?.authorization, `Bearer ${KEY}`);
  await using many = await serverOf({ kind: "hang" }, { models: ["a", "b"] });
  await assert.rejects(resolveServerModel({ ...address, baseUrl: many.baseUrl }), {
    code: "engine/ambiguous-model",
    exitCode: 2,
    message: /\/v1#a, .*\/v1#b/,
  });
  await using none = await serverOf({ kind: "hang" }, { models: [] });
  await assert.rejects(resolveServerModel({ ...address, baseUrl: none.baseUrl }), { code: "engine/no-server-model" });
});
