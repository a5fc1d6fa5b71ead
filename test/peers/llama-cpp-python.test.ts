import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { OpenAiSource } from "../../src/engine/model.ts";
import { openServerEmbedder } from "../../src/engine/server/server-embedder.ts";
import { openServerModel } from "../../src/engine/server/server-model.ts";
import { resolveServerModel } from "../../src/engine/server/server-models.ts";
import { promptTokenBound } from "../../src/engine/server/token-bound.ts";
import { writeRandomGguf, writeScriptedGguf } from "../fixtures/make-gguf.ts";
import { ask, never, request } from "./ask.ts";
import { Peer, scratchFolder } from "./peer.ts";

/* A plain OpenAI-compatible server by other people, with no ways of its own that ATOS knows. */

const folder = scratchFolder();
const SCRIPT = "Hello there, this is the scripted reply END of it.\n";
const scripted = join(folder, "scripted.gguf");
const random = join(folder, "random.gguf");
writeScriptedGguf(scripted, { script: SCRIPT });
writeRandomGguf(random);

async function resolve(peer: Peer, contextTokens: number): Promise<OpenAiSource> {
  const { source, server } = await resolveServerModel({ kind: "server", baseUrl: peer.baseUrl, contextTokens });
  assert.equal(server, "openai");
  return source;
}

test("llama-cpp-python: answers, stops where it is told to, and is bounded where it tells no usage", async () => {
  await using peer = await Peer.llamaCppPython(scripted, ["--n_ctx", "1024", "--model_alias", "tiny"]);
  const source = await resolve(peer, 1024);
  assert.equal(source.model, "tiny");
  await using model = await openServerModel(source, {}, never);
  const whole = await ask(model);
  assert.deepEqual([whole.text, whole.end.finish], [SCRIPT, "stop"]);
  // It has no usage in streams.
  assert.equal(whole.end.usageIsBound, true);
  assert.equal(whole.end.usage.promptTokens, promptTokenBound(request.messages));
  assert.equal((await ask(model, { stop: ["END"] })).text, "Hello there, this is the scripted reply ");
  assert.equal((await ask(model, { maxTokens: 3 })).end.finish, "length");
  await assert.rejects(ask(model, { minP: 0.1 }), { code: "engine/unsupported-option" });
});

test("llama-cpp-python: a prompt over its context ends in an error, and is not cut in silence", async () => {
  await using peer = await Peer.llamaCppPython(scripted, ["--n_ctx", "256"]);
  await using model = await openServerModel(await resolve(peer, 8192), {}, never);
  const messages = [{ role: "user", content: "z".repeat(300) }] as const;
  // In a stream it says nothing at all; only the same question without a stream is told why.
  await assert.rejects(ask(model, { messages }), { code: "engine/stream-cut", message: /without a word.*context/ });
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ messages });
  const answer = await fetch(`${peer.baseUrl}/chat/completions`, { method: "POST", headers, body });
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /context_length_exceeded/);
});

test("llama-cpp-python: an aborted reply ends at once, and the next is answered", async () => {
  await using peer = await Peer.llamaCppPython(random, ["--n_ctx", "4096"]);
  await using model = await openServerModel(await resolve(peer, 4096), {}, never);
  const reason = new Error("enough");
  const controller = new AbortController();
  await assert.rejects(async () => {
    for await (const part of model.generate({ ...request, maxTokens: 3000 }, controller.signal))
      if (part.kind === "text") controller.abort(reason);
  }, reason);
  assert.equal((await ask(model, { maxTokens: 5 })).end.finish, "length");
});

test("llama-cpp-python: vectors for single tokens are refused, with the way to get one for the text", async () => {
  await using peer = await Peer.llamaCppPython(random, ["--n_ctx", "512", "--embedding", "true"]);
  const source = await resolve(peer, 512);
  await assert.rejects(openServerEmbedder(source, {}, never), {
    code: "engine/bad-server-reply",
    message: /each token.*pooling/,
  });
});
