import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { inspect } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { FakeOpenAiServer, type FakeReply, type FakeServerOptions } from "../../../test/fixtures/fake-openai-server.ts";
import { llamaCppRoutes, ollamaRoutes, vllmRoutes } from "../../../test/fixtures/fake-server-kinds.ts";
import { AtosError } from "../../base/errors.ts";
import type { ChatMessage, GenerateRequest, Model, ModelPart, OpenAiSource } from "../model.ts";
import { openServerModel, type ServerModel, type ServerModelOptions } from "./server-model.ts";
import { promptTokenBound, textTokenBound } from "./token-bound.ts";

const KEY = "sk-very-secret-0123456789";
const never = new AbortController().signal;

const request: GenerateRequest = {
  messages: [{ role: "user", content: "hello" }],
  maxTokens: 100,
  temperature: 0,
  seed: 1,
};

function open(server: FakeOpenAiServer, options: ServerModelOptions = {}, contextTokens = 4096): Promise<ServerModel> {
  return openServerModel({ ...source, baseUrl: server.baseUrl, contextTokens }, { apiKey: KEY, ...options }, never);
}

const source: OpenAiSource = {
  kind: "openai",
  id: "fake",
  baseUrl: "http://127.0.0.1:1/v1",
  model: "fake",
  contextTokens: 4096,
};

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
    text += part.kind === "reasoning" ? `[${part.text}]` : part.text;
  }
  throw new Error("the reply had no end");
}

/** Asks once of a server that misbehaves, and returns the error after a look that it keeps the key to itself. */
async function failureOf(behaviour: FakeReply, options: ServerModelOptions = {}): Promise<AtosError> {
  await using server = await serverOf(behaviour);
  await using model = await open(server, options);
  const error: unknown = await reply(model).then(
    () => assert.fail("the reply succeeded"),
    (thrown: unknown) => thrown,
  );
  assert.equal(server.chats.length, 1);
  assert.equal(inspect(error, { depth: 10, showHidden: true }).includes(KEY), false);
  assert.ok(error instanceof AtosError, String(error));
  return error;
}

test("sends one request with everything that decides the reply, and streams the answer", async () => {
  const text = "Grüße 😀, here is `code`\n";
  await using server = await serverOf({ kind: "text", text, usage: { prompt_tokens: 9, completion_tokens: 7 } });
  await using model = await open(server);
  assert.deepEqual(await reply(model, { stop: ["END"] }), [
    text,
    { kind: "end", finish: "stop", usage: { promptTokens: 9, cachedTokens: 0, outputTokens: 7 } },
  ]);
  assert.equal(server.chats.length, 1);
  assert.ok(server.requests.every(({ authorization }) => authorization === `Bearer ${KEY}`));
  assert.deepEqual(server.chats[0]?.body, {
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
  await using model = await open(server);
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
  await using model = await open(server);
  const usage = { promptTokens: 5, cachedTokens: 4, outputTokens: 3 };
  assert.deepEqual(await reply(model), ["[hm]ja ✓", { kind: "end", finish: "stop", usage }]);
});

test("refuses a prompt over the context before anything is sent", async () => {
  await using server = await serverOf({ kind: "text", text: "x" });
  await using model = await open(server, {}, 30);
  const tokens = promptTokenBound(request.messages);
  assert.deepEqual(await model.render(request), { text: JSON.stringify(request.messages), tokens, exact: false });
  await assert.rejects(reply(model), { code: "engine/context-overflow", message: /takes up to 43 tokens .* holds 30/ });
  assert.equal(server.chats.length, 0);
});

test("says that no server answers, where, and how to start one", async () => {
  const unused = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => unused.once("listening", resolve));
  const address = unused.address();
  assert.ok(address !== null && typeof address === "object");
  await new Promise((resolve) => unused.close(resolve));
  const baseUrl = `http://127.0.0.1:${address.port}/v1`;
  const unreachable = { code: "engine/server-unreachable", exitCode: 3, message: /ECONNREFUSED.*llama-server/ };
  await assert.rejects(openServerModel({ ...source, baseUrl }, {}, never), unreachable);
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
  await assert.rejects(openServerModel(source, { apiKey: "a\nb" }, never), { code: "engine/bad-api-key" });
});

test("lists what the server offers when it does not know the model", async () => {
  const notFound = { kind: "status", status: 404, body: "model not found" } as const;
  await using server = await serverOf(notFound, { models: ["qwen", "llama"] });
  await using model = await open(server);
  await assert.rejects(reply(model), {
    code: "engine/server-model-unknown",
    exitCode: 3,
    message: /does not know the model fake: model not found; it offers qwen, llama/,
  });
  await using other = await serverOf(notFound);
  await using known = await open(other);
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
  await using model = await open(server, { firstTokenTimeoutMs: 200, nextTokenTimeoutMs: 80 });
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
  await using model = await open(server);
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(reply(model, {}, controller.signal), reason);
  await server.chats[0]?.closed;
  for await (const _ of model.generate(request, never)) break;
  await server.chats[1]?.closed;
  await assert.rejects(reply(model, {}, AbortSignal.abort(reason)), reason);
  assert.equal(server.chats.length, 2);
});

test("ends replies under way when it is disposed", async () => {
  await using server = await serverOf({ kind: "hang-after", text: "some" });
  const model = await open(server);
  const pending = assert.rejects(reply(model), { code: "engine/model-closed" });
  await delay(50);
  await model[Symbol.asyncDispose]();
  await pending;
  await assert.rejects(reply(model), { code: "engine/model-closed" });
});

test("puts together the tool calls that a server took out of the text, and calls their end a stop", async () => {
  const usage = { prompt_tokens: 9, completion_tokens: 7 };
  const toolCalls = [{ id: "call_7", name: "read_file", arguments: '{"path":"a\\"b.ts"}' }];
  const written = JSON.stringify({
    tool_calls: [{ id: "call_7", type: "function", function: { name: "read_file", arguments: '{"path":"a\\"b.ts"}' } }],
  });
  await using server = await serverOf({ kind: "text", text: "", reasoning: "so I read", toolCalls, usage });
  await using model = await open(server);
  const parts = await Array.fromAsync(model.generate(request, never));
  // How the network cuts the reasoning is not said.
  const thought = parts.flatMap((part) => (part.kind === "reasoning" ? [part.text] : []));
  const end = { kind: "end", finish: "stop", usage: { promptTokens: 9, cachedTokens: 0, outputTokens: 7 } };
  assert.deepEqual(
    [thought.join(""), ...parts.slice(thought.length)],
    ["so I read", { kind: "text", text: written }, end],
  );
  await using talkative = await serverOf({ kind: "text", text: "I read it.", toolCalls, usage });
  await using second = await open(talkative);
  assert.deepEqual(await reply(second), [`I read it.\n${written}`, end]);
});

test("counts with the server's own tokenizer where there is one, and cuts the length to what fits", async () => {
  const content = "x".repeat(40);
  const messages = [{ role: "user", content }] as const;
  const text = `<user>${content}<assistant>`;
  const kinds = [
    [llamaCppRoutes({ contextTokens: 64, slots: 3 }), 3, text],
    [vllmRoutes({ contextTokens: 64 }), 16, JSON.stringify(messages)],
  ] as const;
  for (const [routes, slots, rendered] of kinds) {
    const usage = { prompt_tokens: text.length, completion_tokens: 1 };
    await using server = await serverOf({ kind: "text", text: "x", usage }, { routes });
    await using model = await open(server, {}, 64);
    assert.equal(model.capabilities.slots, slots);
    assert.deepEqual(await model.render({ messages }), { text: rendered, tokens: 57, exact: true });
    assert.equal(await model.countText("1234567"), 7);
    await reply(model, { messages });
    const body = server.chats[0]?.body;
    assert.ok(typeof body === "object" && body !== null && "max_tokens" in body);
    assert.equal(body.max_tokens, 7);
    const long = [{ role: "user", content: "x".repeat(47) }] as const;
    await assert.rejects(reply(model, { messages: long }), { message: /takes 64 tokens .* holds 64/ });
    assert.equal(server.chats.length, 1);
  }
});

test("does not count again what was rendered for this very reply, and any other prompt it does", async () => {
  const routes = llamaCppRoutes({ contextTokens: 64, thinks: true });
  await using server = await serverOf({ kind: "text", text: "x" }, { routes });
  await using model = await open(server, {}, 64);
  const countsOf = async (asked: Partial<GenerateRequest>): Promise<number> => {
    const before = server.requests.length;
    await reply(model, asked);
    return server.requests.slice(before).filter(({ path }) => path === "/apply-template").length;
  };
  const messages: ChatMessage[] = [{ role: "user", content: "hello" }];
  await model.render({ messages });
  assert.deepEqual([await countsOf({ messages }), await countsOf({ messages })], [0, 1]);
  await model.render({ messages });
  assert.equal(await countsOf({ messages: [...messages] }), 1);
  assert.equal(await countsOf({ messages, thinking: "off" }), 1);
  await model.render({ messages });
  messages.push({ role: "assistant", content: "hi" });
  assert.equal(await countsOf({ messages }), 1);
});

test("bounds the prompt where a server of such a kind has closed the paths that count", async () => {
  const closed = () => ({ status: 404, json: { error: "not found" } });
  const routes = { ...llamaCppRoutes({ contextTokens: 64 }), "/apply-template": closed };
  await using server = await serverOf({ kind: "text", text: "x" }, { routes });
  await using model = await open(server, {}, 64);
  assert.deepEqual((await model.render(request)).exact, false);
});

test("tells a model to think or not only where its template was seen to listen", async () => {
  const reply1 = { kind: "text", text: "x" } as const;
  for (const routes of [
    llamaCppRoutes({ contextTokens: 64, thinks: true }),
    vllmRoutes({ contextTokens: 64, thinks: true }),
  ]) {
    await using server = await serverOf(reply1, { routes });
    await using model = await open(server, {}, 64);
    assert.equal((await model.render({ ...request, thinking: "on" })).tokens, 29);
    assert.equal((await model.render({ ...request, thinking: "off" })).tokens, 22);
    await reply(model, { thinking: "off" });
    const body = server.chats[0]?.body;
    assert.ok(typeof body === "object" && body !== null && "chat_template_kwargs" in body);
    assert.deepEqual(body.chat_template_kwargs, { enable_thinking: false, thinking: false });
  }
  await using deaf = await serverOf(reply1, { routes: llamaCppRoutes({ contextTokens: 64 }) });
  await using model = await open(deaf, {}, 64);
  await assert.rejects(reply(model, { thinking: "off" }), { code: "engine/unsupported-option", message: /thinking/ });
  await using ollama = await serverOf(reply1, {
    routes: ollamaRoutes({ contextTokens: 4096, capabilities: ["completion", "thinking"] }),
  });
  await using thinker = await open(ollama);
  assert.ok(thinker.capabilities.options.has("thinking"));
});

test("refuses an option the server would not honour, and sends nothing", async () => {
  await using server = await serverOf({ kind: "text", text: "x" });
  await using model = await open(server);
  for (const changes of [{ topK: 40 }, { minP: 0.1 }, { shape: { kind: "json-schema", schema: {} } }] as const)
    await assert.rejects(reply(model, changes), { code: "engine/unsupported-option" });
  assert.equal(server.chats.length, 0);
});

test("has an Ollama load the model when it is opened, and sees that its context is smaller than was said", async () => {
  await using server = await serverOf({ kind: "text", text: "x" }, { routes: ollamaRoutes({ contextTokens: 2048 }) });
  await assert.rejects(open(server, {}, 4096), { code: "engine/context-too-large", message: /4096 tokens.* 2048/ });
  await using model = await open(server, {}, 2048);
  assert.deepEqual(model.identity, { kind: "ollama", version: "0.40.12", contextTokens: 2048 });
});

test("catches a server that read less than was sent: by one token where it counts, by half where it does not", async () => {
  const words = "word ".repeat(400);
  const messages = [{ role: "user", content: words }] as const;
  const read = (tokens: number): FakeReply => {
    const usage = { prompt_tokens: tokens, completion_tokens: 1 };
    return { kind: "text", text: "x", usage };
  };
  const counted = 17 + words.length;
  for (const [tokens, whole] of [
    [counted - 2, true],
    [counted - 3, false],
  ] as const) {
    await using server = await serverOf(read(tokens), { routes: llamaCppRoutes({ contextTokens: 4096 }) });
    await using model = await open(server);
    if (whole) await reply(model, { messages });
    else await assert.rejects(reply(model, { messages }), { code: "engine/server-truncated", message: /2014.*2015/ });
  }
  for (const [tokens, whole] of [
    [300, true],
    [299, false],
    [0, true],
  ] as const) {
    await using server = await serverOf(read(tokens), { routes: ollamaRoutes({ contextTokens: 4096 }) });
    await using model = await open(server);
    if (whole) await reply(model, { messages });
    else
      await assert.rejects(reply(model, { messages }), {
        code: "engine/server-truncated",
        message: /only 299 tokens .* at least 300/,
      });
  }
});

test("learns from what a server reports how far its bound is off", async () => {
  const messages = [{ role: "user", content: `${"some words ".repeat(100)}!` }] as const;
  const bound = promptTokenBound(messages);
  const usage = { prompt_tokens: bound / 2, completion_tokens: 1 };
  await using server = await serverOf({ kind: "text", text: "x", usage });
  await using model = await open(server);
  for (let turn = 0; turn < 3; turn++) {
    assert.equal((await model.render({ messages })).tokens, bound);
    await reply(model, { messages });
  }
  assert.equal((await model.render({ messages })).tokens, Math.ceil(bound * 0.625));
  assert.equal(await model.countText("hello world"), Math.ceil(textTokenBound("hello world") * 0.625));
});

test("understands the words servers have for a prompt over their context", async () => {
  const words = [
    { error: { code: 400, type: "exceed_context_size_error", message: "request (90 tokens) exceeds …", n_ctx: 64 } },
    { error: { code: "context_length_exceeded", message: "too long" } },
    { error: { message: "This model's maximum context length is 64 tokens. However, you requested 90 tokens" } },
    { error: { message: "Requested tokens (90) exceed context window of 64" } },
  ];
  for (const said of words) {
    const error = await failureOf({ kind: "status", status: 400, body: JSON.stringify(said) });
    assert.equal(error.code, "engine/context-overflow", error.message);
  }
});
