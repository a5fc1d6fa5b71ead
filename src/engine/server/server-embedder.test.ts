import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type FakeAnswer,
  FakeOpenAiServer,
  type FakeServerOptions,
} from "../../../test/fixtures/fake-openai-server.ts";
import { llamaCppRoutes } from "../../../test/fixtures/fake-server-kinds.ts";
import type { Embedder } from "../model.ts";
import { openServerEmbedder, readEmbeddings } from "./server-embedder.ts";

const never = new AbortController().signal;

/** Answers each text with its length and a constant, in the opposite order. */
function embed(body: unknown): FakeAnswer {
  const input: unknown = typeof body === "object" && body !== null && "input" in body ? body.input : [];
  const texts = Array.isArray(input) ? input.map(String) : [];
  const data = texts
    .map((text, index) => ({ object: "embedding", index, embedding: [text.length, 0, 2] }))
    .toReversed();
  return { json: { object: "list", data } };
}

function start(routes: FakeServerOptions["routes"] = {}): Promise<FakeOpenAiServer> {
  return FakeOpenAiServer.start({ reply: () => ({ kind: "hang" }), routes: { "/v1/embeddings": embed, ...routes } });
}

function open({ baseUrl }: FakeOpenAiServer, contextTokens = 512): Promise<Embedder> {
  return openServerEmbedder({ kind: "openai", id: "e", baseUrl, model: "minilm", contextTokens }, {}, never);
}

function unit(length: number): Float32Array {
  return Float32Array.of(length / Math.hypot(length, 2), 0, 2 / Math.hypot(length, 2));
}

test("gives a vector of length 1 for each text, in their order, thirty-two a request", async () => {
  await using server = await start();
  await using embedder = await open(server);
  assert.deepEqual([embedder.id, embedder.dimensions, embedder.contextTokens], ["e", 3, 512]);
  const texts = Array.from({ length: 40 }, (_, index) => "x".repeat(index));
  assert.deepEqual(
    await embedder.embed(texts, never),
    texts.map((text) => unit(text.length)),
  );
  assert.deepEqual(await embedder.embed([], never), []);
  const sent = server.requests.filter(({ path }) => path === "/v1/embeddings").map(({ body }) => body);
  assert.deepEqual(sent, [
    { model: "minilm", input: ["dimensions"], encoding_format: "float" },
    { model: "minilm", input: texts.slice(0, 32), encoding_format: "float" },
    { model: "minilm", input: texts.slice(32), encoding_format: "float" },
  ]);
});

test("refuses a text that is too long, by the server's own count where it has one", async () => {
  await using plain = await start();
  await using bounded = await open(plain, 20);
  await assert.rejects(bounded.embed(["fine", "a bit too long for it 1234567890"], never), {
    code: "engine/context-overflow",
    message: /up to 2\d tokens .* 20/,
  });
  await using exact = await start(llamaCppRoutes({ contextTokens: 20 }));
  await using counted = await open(exact, 20);
  assert.equal((await counted.embed([".".repeat(18)], never)).length, 1);
  await assert.rejects(counted.embed([".".repeat(19)], never), { message: /takes 21 tokens .* 20/ });
});

test("refuses vectors that are missing, doubled, empty, zero, or of another size", async () => {
  const vector = (index: number, embedding: readonly number[]) => ({ index, embedding });
  const answers: readonly [unknown, RegExp][] = [
    [{ data: "none" }, /can't be read/],
    [{ data: [vector(0, [1])] }, /1 embeddings for 2 texts/],
    [{ data: [vector(0, [1]), vector(0, [1])] }, /no embedding for text 1/],
    [{ data: [vector(0, [1]), vector(1, [])] }, /can't be read/],
    [{ data: [vector(0, [1]), vector(1, [0, 0])] }, /zero/],
    [{ data: [{ index: 0, embedding: [[1], [2]] }] }, /each token.*--pooling/],
  ];
  for (const [answer, message] of answers)
    assert.throws(() => readEmbeddings(answer, 2), { code: "engine/bad-server-reply", message });
  let calls = 0;
  await using server = await start({
    "/v1/embeddings": () => ({
      json: {
        data: [
          vector(
            0,
            Array.from({ length: ++calls }, () => 1),
          ),
        ],
      },
    }),
  });
  await using embedder = await open(server);
  await assert.rejects(embedder.embed(["x"], never), { message: /2 numbers after one of 1/ });
});

test("says what is wrong with a server that has no embeddings, or is silent", async () => {
  await using none = await start({ "/v1/embeddings": () => ({ status: 501, json: { error: "not supported" } }) });
  await assert.rejects(open(none), { code: "engine/server-busy", message: /501.*not supported/ });
  await using hangs = await start({ "/v1/embeddings": () => "hang" });
  const source = { kind: "openai", id: "e", baseUrl: hangs.baseUrl, model: "m", contextTokens: 512 } as const;
  await assert.rejects(openServerEmbedder(source, { timeoutMs: 50 }, never), { code: "engine/server-timeout" });
});
