import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openServerEmbedder } from "../../src/engine/server/server-embedder.ts";
import { openServerModel, type ServerModel } from "../../src/engine/server/server-model.ts";
import { listServerModels, resolveServerModel } from "../../src/engine/server/server-models.ts";
import { writeRandomGguf, writeScriptedGguf } from "../fixtures/make-gguf.ts";
import { ask, never, request } from "./ask.ts";
import { Peer, scratchFolder } from "./peer.ts";

const folder = scratchFolder();
const SCRIPT = "Hello there, this is the scripted reply END of it.\n";
const scripted = join(folder, "scripted.gguf");
const random = join(folder, "random.gguf");
const thinker = join(folder, "thinker.gguf");
writeScriptedGguf(scripted, { script: SCRIPT });
writeRandomGguf(random, { contextTokens: 65_536 });
/** Opens a block of thought unless it is told not to, as Qwen's newer templates do. */
const THINKING_TEMPLATE =
  "{% for message in messages %}{% if message.role == 'assistant' and '</think>' in message.content %}" +
  "<|im_start|>assistant\n{{ message.content.split('</think>')[1] }}<|im_end|>\n" +
  "{% else %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endif %}{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and enable_thinking is false %}" +
  "<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}";
writeScriptedGguf(thinker, { script: "I wonder\n</think>\n\nForty-two.", template: THINKING_TEMPLATE });

async function open(peer: Peer): Promise<ServerModel> {
  const { source } = await resolveServerModel({ kind: "server", baseUrl: peer.baseUrl });
  return await openServerModel(source, {}, never);
}

test("llama-server: is known, with its model, its slots and the context of one of them", async () => {
  await using peer = await Peer.llamaServer(scripted, ["-c", "2048", "--parallel", "2", "--alias", "tiny"]);
  const { source, ...found } = await resolveServerModel({ kind: "server", baseUrl: peer.baseUrl });
  assert.deepEqual(found, { server: "llama.cpp", contextFrom: "server" });
  assert.deepEqual([source.model, source.contextTokens], ["tiny", 1024]);
  await using model = await openServerModel(source, {}, never);
  assert.equal(model.capabilities.slots, 2);
  await assert.rejects(openServerModel({ ...source, contextTokens: 2048 }, {}, never), {
    code: "engine/context-too-large",
  });
});

test("llama-server: is counted exactly, answers, and stops where it is told to", async () => {
  await using peer = await Peer.llamaServer(scripted, ["-c", "1024"]);
  await using model = await open(peer);
  const { text, tokens, exact } = await model.render(request);
  assert.match(text, /^<\|im_start\|>system\nBe short\.<\|im_end\|>[^]*<\|im_start\|>assistant\n$/);
  assert.equal(exact, true);
  const whole = await ask(model);
  assert.equal(whole.text, SCRIPT);
  assert.deepEqual([whole.end.finish, whole.end.usage.promptTokens], ["stop", tokens]);
  // Cached tokens are a part of the prompt's, not besides them.
  const again = await ask(model);
  assert.equal(again.end.usage.promptTokens, tokens);
  assert.ok(again.end.usage.cachedTokens > 0);
  assert.equal((await ask(model, { stop: ["END"] })).text, "Hello there, this is the scripted reply ");
  const cut = await ask(model, { maxTokens: 3 });
  assert.deepEqual([cut.end.finish, cut.end.usage.outputTokens], ["length", 3]);
  // A token for each byte outside the script.
  assert.equal(await model.countText("zzzz 9"), 6);
});

test("llama-server: takes every option ATOS says it takes, and can be held to a shape", async () => {
  await using peer = await Peer.llamaServer(random, ["-c", "4096"]);
  await using model = await open(peer);
  const sampling = { topK: 5, topP: 0.9, minP: 0.1, repeatPenalty: 1.3, presencePenalty: 1, frequencyPenalty: 1 };
  const plain = await ask(model, { maxTokens: 40, temperature: 0 });
  const penalised = await ask(model, { maxTokens: 40, temperature: 0, repeatPenalty: 1.8, frequencyPenalty: 2 });
  assert.notEqual(penalised.text, plain.text);
  const drawn = await ask(model, { maxTokens: 40, temperature: 1, seed: 5, ...sampling });
  assert.equal((await ask(model, { maxTokens: 40, temperature: 1, seed: 5, ...sampling })).text, drawn.text);
  assert.equal((await ask(model, { maxTokens: 40, temperature: 5, topK: 1 })).text, plain.text);
  const schema = {
    type: "object",
    properties: { kind: { enum: ["a", "b"] }, right: { type: "boolean" } },
    required: ["kind", "right"],
    additionalProperties: false,
  };
  const shaped: unknown = JSON.parse((await ask(model, { shape: { kind: "json-schema", schema } })).text);
  assert.ok(typeof shaped === "object" && shaped !== null && "kind" in shaped && "right" in shaped);
  const grammar = 'root ::= "yes" | "no"';
  assert.match((await ask(model, { shape: { kind: "gbnf", grammar } })).text, /^(yes|no)$/);
});

test("llama-server: tells thinking apart, and thinks or not as it is told", async () => {
  await using peer = await Peer.llamaServer(thinker, ["-c", "1024"]);
  await using model = await open(peer);
  assert.ok(model.capabilities.options.has("thinking"));
  const on = await ask(model, { thinking: "on" });
  assert.deepEqual([on.reasoning.trim(), on.text.trim()], ["I wonder", "Forty-two."]);
  const prompt = await model.render({ ...request, thinking: "off" });
  assert.match(prompt.text, /<think>\n\n<\/think>\n\n$/);
  assert.equal((await ask(model, { thinking: "off" })).end.usage.promptTokens, prompt.tokens);
  await using deafPeer = await Peer.llamaServer(scripted, ["-c", "1024"]);
  await using deaf = await open(deafPeer);
  assert.equal(deaf.capabilities.options.has("thinking"), false);
});

test("llama-server: a prompt that just fits is answered, one token more is refused here and there", async () => {
  await using peer = await Peer.llamaServer(scripted, ["-c", "512"]);
  await using model = await open(peer);
  const { tokens } = await model.render({ messages: [{ role: "user", content: "" }] });
  const messagesOf = (length: number) => [{ role: "user", content: "z".repeat(length) }] as const;
  const room = model.contextTokens - tokens;
  const last = await ask(model, { messages: messagesOf(room - 1) });
  assert.deepEqual([last.end.finish, last.end.usage.promptTokens], ["length", model.contextTokens - 1]);
  await assert.rejects(ask(model, { messages: messagesOf(room) }), { code: "engine/context-overflow" });
  // The server itself: an error, and no prompt cut in silence.
  const body = JSON.stringify({ messages: messagesOf(room + 100) });
  const answer = await fetch(`${peer.baseUrl}/chat/completions`, { method: "POST", body });
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /exceed_context_size_error/);
});

test("llama-server: an aborted reply ends at once, and its slot is free for the next", async () => {
  await using peer = await Peer.llamaServer(random, ["-c", "65536"]);
  await using model = await open(peer);
  const reason = new Error("enough");
  const controller = new AbortController();
  const parts = model.generate({ ...request, maxTokens: 60_000 }, controller.signal);
  await assert.rejects(async () => {
    for await (const part of parts) if (part.kind === "text") controller.abort(reason);
  }, reason);
  assert.equal((await ask(model, { maxTokens: 5 })).end.finish, "length");
});

test("llama-server: refuses a wrong key, which no error shows", async () => {
  await using peer = await Peer.llamaServer(scripted, ["-c", "512", "--api-key", "right-key"]);
  const { source } = await resolveServerModel({ kind: "server", baseUrl: peer.baseUrl }, { apiKey: "right-key" });
  await using model = await openServerModel(source, { apiKey: "right-key" }, never);
  assert.equal((await ask(model)).text, SCRIPT);
  await assert.rejects(
    async () => {
      await using other = await openServerModel(source, { apiKey: "wrong-key" }, never);
      await ask(other);
    },
    (error) => error instanceof Error && /401/.test(error.message) && !error.message.includes("wrong-key"),
  );
});

test("llama-server: embeds texts as vectors of length 1", async () => {
  await using peer = await Peer.llamaServer(random, ["-c", "512", "--embeddings", "--pooling", "mean"]);
  const [name = ""] = await listServerModels(peer.baseUrl);
  const source = { kind: "openai", id: "e", baseUrl: peer.baseUrl, model: name, contextTokens: 512 } as const;
  await using embedder = await openServerEmbedder(source, {}, never);
  assert.equal(embedder.dimensions, 64);
  const texts = ["one thing", "another", "one thing"];
  const vectors = await embedder.embed(texts, never);
  assert.deepEqual(vectors[0], vectors[2]);
  assert.notDeepEqual(vectors[0], vectors[1]);
  for (const vector of vectors) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
  await assert.rejects(embedder.embed(["z".repeat(600)], never), { code: "engine/context-overflow", message: /602/ });
});
