import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { never } from "../../../test/fixtures/embedded.ts";
import { writeEmbeddingGguf, writeRandomGguf } from "../../../test/fixtures/make-gguf.ts";
import { type EmbeddedEmbedder, loadEmbedder } from "./embedder.ts";
import { unitVector } from "./llama-embedder.ts";
import type { GgufSettings } from "../model.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-embedder-"));
after(() => rmSync(directory, { recursive: true, force: true }));

function load(file: string, settings: GgufSettings = {}): Promise<EmbeddedEmbedder> {
  const source = { kind: "gguf", id: "tiny", path: join(directory, file), ...settings } as const;
  return loadEmbedder(source, { threads: 1, signal: never });
}

const dot = (a: Float32Array | undefined, b: Float32Array | undefined): number =>
  a?.reduce((sum, value, index) => sum + value * (b?.[index] ?? Number.NaN), 0) ?? Number.NaN;

describe("an embedding model", () => {
  let embedder: EmbeddedEmbedder;
  before(async () => {
    writeEmbeddingGguf(join(directory, "words.gguf"), { contextTokens: 1024 });
    embedder = await load("words.gguf");
  });
  after(() => embedder[Symbol.asyncDispose]());

  test("makes vectors of length 1 that are nearer to each other the more words they share", async () => {
    assert.deepEqual([embedder.id, embedder.dimensions, embedder.contextTokens], ["tiny", 64, 1024]);
    const texts = ["read the file", "read a file", "docker network port"];
    const [one, near, far] = await embedder.embed(texts, never);
    assert.ok(one instanceof Float32Array && one.length === 64);
    for (const vector of [one, near, far]) assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-6);
    assert.ok(dot(one, near) > 0.5 && dot(one, far) < 0.3, `${dot(one, near)} and ${dot(one, far)}`);
    assert.deepEqual(await embedder.embed(texts.toReversed(), never), [far, near, one]);
    assert.deepEqual(await embedder.embed([], never), []);
  });

  test("reads a text as long as its context, beyond one usual batch, and no longer one", async () => {
    const [long] = await embedder.embed(["file ".repeat(1022)], never);
    const [short] = await embedder.embed(["file"], never);
    assert.ok(dot(long, short) > 0.999);
    await assert.rejects(embedder.embed(["fine", "file ".repeat(1023)], never), {
      code: "engine/context-overflow",
      message: /a text takes 1025 tokens and the embedding model reads 1024/,
    });
  });

  test("refuses a text without a word", async () => {
    for (const text of ["", " \n ", "\0"])
      await assert.rejects(embedder.embed(["x", text], never), {
        code: "engine/bad-request",
        exitCode: 2,
        message: /has no word that the embedding model reads, so it has no embedding; leave it out/,
      });
  });

  test("refuses a vector without a direction", async () => {
    // Nothing but what carries nothing in this model.
    for (const values of [[], [0, 0], [Number.NaN, 1], [Number.POSITIVE_INFINITY]])
      assert.throws(() => unitVector(values), { code: "engine/bad-embedding" });
    assert.deepEqual(unitVector([3, 4]), Float32Array.of(0.6, 0.8));
  });

  test("ends when its signal aborts, and embeds again", async () => {
    const reason = new Error("no time");
    const controller = new AbortController();
    const pending = assert.rejects(embedder.embed(Array(5000).fill("read the file"), controller.signal), reason);
    controller.abort(reason);
    await pending;
    assert.equal((await embedder.embed(["file"], never)).length, 1);
  });
});

test("rejects what waits when its process is killed, and every later request", async () => {
  writeEmbeddingGguf(join(directory, "doomed.gguf"));
  await using embedder = await load("doomed.gguf");
  const died = { code: "engine/child-died", message: /tiny died \(SIGKILL\)/ };
  const pending = assert.rejects(embedder.embed(Array(5000).fill("read the file"), never), died);
  process.kill(embedder.pid, "SIGKILL");
  await pending;
  await assert.rejects(embedder.embed(["file"], never), died);
});

test("refuses a model that pools nothing, settings of chat models, and a context beyond its training", async () => {
  writeRandomGguf(join(directory, "chat.gguf"));
  writeEmbeddingGguf(join(directory, "unpooled.gguf"), { pooling: null });
  for (const file of ["chat.gguf", "unpooled.gguf"])
    await assert.rejects(load(file), { code: "engine/no-embedder", exitCode: 3, message: /names no pooling/ });
  await assert.rejects(load("unpooled.gguf", { slots: 2, cacheType: "f16" }), {
    code: "engine/bad-setting",
    message: /has no cacheType, slots/,
  });
  writeEmbeddingGguf(join(directory, "small.gguf"), { contextTokens: 128 });
  await assert.rejects(load("small.gguf", { contextTokens: 129 }), { code: "engine/context-too-large" });
});
