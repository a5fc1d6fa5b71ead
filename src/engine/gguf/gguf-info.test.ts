import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { type GgufTensor, type GgufValue, writeGguf } from "../../../test/fixtures/gguf-writer.ts";
import { writeEmbeddingGguf, writeRandomGguf } from "../../../test/fixtures/make-gguf.ts";
import { readGgufInfo } from "./gguf-info.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-gguf-info-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const u32 = (value: number): GgufValue => ({ type: "u32", value });
const text = (value: string): GgufValue => ({ type: "string", value });
const tensor = (name: string, ...dimensions: number[]): GgufTensor => ({
  name,
  dimensions,
  values: new Float32Array(dimensions.reduce((product, size) => product * size, 1)),
});

/** A header with the given keys under its architecture, and hardly a tensor. */
function writeHeader(name: string, architecture: string, keys: Record<string, GgufValue>): string {
  const path = join(directory, `${name}.gguf`);
  const shape = { block_count: u32(6), embedding_length: u32(64), context_length: u32(8192), ...keys };
  const own = Object.entries(shape).map(([key, value]) => [`${architecture}.${key}`, value] as const);
  const metadata = { "general.architecture": text(architecture), ...Object.fromEntries(own) };
  writeGguf(path, metadata, [tensor("token_embd.weight", 64, 10)]);
  return path;
}

test("tells what a model is", async () => {
  const path = join(directory, "random.gguf");
  writeRandomGguf(path, { template: "<|im_start|>{% if enable_thinking %}{% endif %}" });
  // Two norms of f32, the rest is f16.
  const layer = 2 * 64 * 4 + (4 * 64 * 64 - 2 * 64 * 32 + 3 * 64 * 128) * 2;
  const matrix = 259 * 64 * 2;
  assert.deepEqual(await readGgufInfo(path), {
    architecture: "llama",
    name: "atos-test",
    licence: undefined,
    quantisation: "F16",
    quantisationAsNamed: true,
    parameters: 2 * 259 * 64 + 64 + 2 * (2 * 64 + 4 * 64 * 64 - 2 * 64 * 32 + 3 * 64 * 128),
    weightsBytes: 2 * matrix + 64 * 4 + 2 * layer,
    inputBytes: matrix,
    outputBytes: matrix + 64 * 4,
    layerBytes: [layer, layer],
    layers: 2,
    embeddingLength: 64,
    hiddenLength: 128,
    heads: 4,
    keyValueHeads: 2,
    keyLength: 16,
    valueLength: 16,
    vocabulary: 259,
    merges: 0,
    tokenizer: "bpe",
    trainedContextTokens: 4096,
    slidingWindow: undefined,
    recurrentBytesPerSlot: 0,
    experts: undefined,
    pooling: undefined,
    causal: true,
    template: { family: "chatml", hasThinking: true },
    parts: { count: 1, read: 1 },
  });
});

test("knows an embedding model by its pooling, and that it has no chat template", async () => {
  const path = join(directory, "embedder.gguf");
  writeEmbeddingGguf(path);
  const { architecture, pooling, causal, template, tokenizer, outputBytes } = await readGgufInfo(path);
  assert.deepEqual(
    { architecture, pooling, causal, template, tokenizer, outputBytes },
    { architecture: "bert", pooling: "mean", causal: false, template: undefined, tokenizer: "wpm", outputBytes: 0 },
  );
});

describe("layers", () => {
  test("that see a window only are told by the architecture's pattern", async () => {
    const path = writeHeader("gemma2", "gemma2", {
      "attention.head_count": u32(4),
      "attention.sliding_window": u32(512),
    });
    const { slidingWindow } = await readGgufInfo(path);
    assert.deepEqual(slidingWindow, { tokens: 512, layers: [true, false, true, false, true, false] });
  });

  test("of an architecture that ignores its window see everything", async () => {
    const path = writeHeader("mistral", "llama", {
      "attention.head_count": u32(4),
      "attention.sliding_window": u32(512),
    });
    assert.equal((await readGgufInfo(path)).slidingWindow, undefined);
  });

  test("without attention keep a state instead of a cache", async () => {
    const path = writeHeader("hybrid", "qwen3next", {
      "attention.head_count": u32(4),
      "attention.head_count_kv": u32(2),
      full_attention_interval: u32(3),
      "ssm.conv_kernel": u32(4),
      "ssm.inner_size": u32(128),
      "ssm.state_size": u32(16),
      "ssm.group_count": u32(2),
    });
    const { keyValueHeads, recurrentBytesPerSlot } = await readGgufInfo(path);
    assert.deepEqual(keyValueHeads, [0, 0, 2, 0, 0, 2]);
    assert.equal(recurrentBytesPerSlot, 4 * 4 * (3 * (128 + 2 * 2 * 16) + 16 * 128));
  });

  test("may differ in their heads, and the last may share the cache of others", async () => {
    const path = writeHeader("varied", "gemma3n", {
      "attention.head_count": u32(8),
      "attention.head_count_kv": { type: "i32s", value: [1, 2, 1, 2, 1, 2] },
      "attention.key_length": u32(32),
      "attention.value_length": u32(32),
      "attention.shared_kv_layers": u32(2),
    });
    const { keyValueHeads, keyLength } = await readGgufInfo(path);
    assert.deepEqual({ keyValueHeads, keyLength }, { keyValueHeads: [1, 2, 1, 2, 0, 0], keyLength: 32 });
  });
});

test("counts experts, how many serve a token, and their part of the weights", async () => {
  const path = join(directory, "experts.gguf");
  const metadata = {
    "general.architecture": text("qwen3moe"),
    "qwen3moe.block_count": u32(1),
    "qwen3moe.embedding_length": u32(64),
    "qwen3moe.context_length": u32(4096),
    "qwen3moe.feed_forward_length": u32(96),
    "qwen3moe.expert_count": u32(8),
    "qwen3moe.expert_used_count": u32(2),
    "qwen3moe.expert_feed_forward_length": u32(64),
    "qwen3moe.attention.head_count": u32(4),
  };
  writeGguf(path, metadata, [
    tensor("token_embd.weight", 64, 10),
    tensor("blk.0.ffn_gate_inp.weight", 64, 8),
    tensor("blk.0.ffn_down_exps.weight", 64, 64, 8),
  ]);
  const { experts, hiddenLength } = await readGgufInfo(path);
  assert.deepEqual({ experts, hiddenLength }, { experts: { count: 8, used: 2, bytes: 65_536 }, hiddenLength: 128 });
});

describe("the quantisation", () => {
  const write = (name: string, fileType: number): string => {
    const path = join(directory, `${name}.gguf`);
    const metadata = {
      "general.architecture": text("llama"),
      "general.file_type": u32(fileType),
      "llama.block_count": u32(1),
      "llama.embedding_length": u32(64),
    };
    writeGguf(path, metadata, [tensor("token_embd.weight", 64, 10), tensor("output_norm.weight", 64)]);
    return path;
  };

  test("is what the file calls itself when there is a tensor of that precision", async () => {
    const { quantisation, quantisationAsNamed } = await readGgufInfo(write("honest", 1));
    assert.deepEqual({ quantisation, quantisationAsNamed }, { quantisation: "F16", quantisationAsNamed: true });
  });

  test("is that of most weights when the name is wrong", async () => {
    const { quantisation, quantisationAsNamed } = await readGgufInfo(write("liar", 15));
    assert.deepEqual({ quantisation, quantisationAsNamed }, { quantisation: "F16", quantisationAsNamed: false });
  });
});

describe("a split model", () => {
  const metadata = {
    "general.architecture": text("llama"),
    "llama.block_count": u32(2),
    "llama.embedding_length": u32(64),
  };
  const part = (stem: string, index: number): string => join(directory, `${stem}-0000${index}-of-00002.gguf`);

  test("is read whole when all parts lie beside each other, whichever is named", async () => {
    writeGguf(part("split", 1), metadata, [tensor("blk.0.attn_q.weight", 64, 64)]);
    writeGguf(part("split", 2), { "general.architecture": text("llama") }, [tensor("blk.1.attn_q.weight", 64, 32)]);
    const [one, two] = await Promise.all([readGgufInfo(part("split", 1)), readGgufInfo(part("split", 2))]);
    assert.deepEqual(one.parts, { count: 2, read: 2 });
    assert.deepEqual(one.layerBytes, [8192, 4096]);
    assert.deepEqual(two, one);
  });

  test("is read as far as the named part goes when another is missing", async () => {
    writeGguf(part("torn", 1), metadata, [tensor("blk.0.attn_q.weight", 64, 64)]);
    const { parts, weightsBytes } = await readGgufInfo(part("torn", 1));
    assert.deepEqual({ parts, weightsBytes }, { parts: { count: 2, read: 1 }, weightsBytes: 8192 });
    writeGguf(part("headless", 2), { "general.architecture": text("llama") }, [tensor("a.weight", 64, 32)]);
    const told = /its header lacks block_count/;
    await assert.rejects(readGgufInfo(part("headless", 2)), { code: "engine/model-broken", message: told });
  });
});

describe("what is no model", () => {
  test("is refused: no file, another kind of file, half a header", async () => {
    await assert.rejects(readGgufInfo(join(directory, "none.gguf")), { code: "engine/model-not-found" });
    const other = join(directory, "other.gguf");
    writeFileSync(other, "not a model");
    await assert.rejects(readGgufInfo(other), { code: "engine/model-broken" });
    const half = join(directory, "half.gguf");
    writeRandomGguf(half);
    truncateSync(half, 1000);
    await assert.rejects(readGgufInfo(half), { code: "engine/model-broken", message: /it is cut short/ });
  });

  test("is refused when a tensor is of a type nobody knows", async () => {
    const path = writeHeader("future", "llama", {});
    const bytes = readFileSync(path);
    const name = Buffer.from("token_embd.weight");
    // Behind the name: the number of dimensions, two of them, the type.
    bytes.writeUInt32LE(99, bytes.indexOf(name) + name.length + 4 + 2 * 8);
    writeFileSync(path, bytes);
    await assert.rejects(readGgufInfo(path), {
      code: "engine/model-broken",
      message: /token_embd.weight is of type 99/,
    });
  });
});
