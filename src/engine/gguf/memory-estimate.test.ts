import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { estimateMemory, largestContext, layersThatFit, type ModelShape } from "./memory-estimate.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
/** For every layer and token: heads, numbers in key and value, two bytes each. */
const CACHE_KIB_PER_TOKEN = { qwen7b: 56, qwen1b: 28, qwen3b: 36, llama8b: 128 };

const qwen7b: ModelShape = {
  architecture: "qwen2",
  parameters: 7_615_616_512,
  weightsBytes: 4_683_073_536,
  layers: 28,
  embeddingLength: 3584,
  hiddenLength: 18_944,
  heads: 28,
  keyValueHeads: 4,
  keyLength: 128,
  valueLength: 128,
  vocabulary: 152_064,
  trainedContextTokens: 32_768,
};
const qwen1b: ModelShape = {
  ...qwen7b,
  parameters: 1_543_714_304,
  weightsBytes: 986_048_768,
  embeddingLength: 1536,
  hiddenLength: 8960,
  heads: 12,
  keyValueHeads: 2,
  vocabulary: 151_936,
  outputBytes: 0,
};
const qwen3b: ModelShape = {
  ...qwen1b,
  parameters: 3_085_938_688,
  weightsBytes: 1_929_903_264,
  layers: 36,
  embeddingLength: 2048,
  hiddenLength: 11_008,
  heads: 16,
};
const llama8b: ModelShape = {
  ...qwen7b,
  architecture: "llama",
  parameters: 8_030_261_248,
  weightsBytes: 4_920_734_720,
  layers: 32,
  embeddingLength: 4096,
  hiddenLength: 14_336,
  heads: 32,
  keyValueHeads: 8,
  vocabulary: 128_256,
  trainedContextTokens: 131_072,
};
const gemma2b: ModelShape = {
  ...qwen1b,
  architecture: "gemma2",
  parameters: 2_614_341_888,
  weightsBytes: 1_708_582_752,
  layers: 26,
  embeddingLength: 2304,
  hiddenLength: 9216,
  heads: 8,
  keyValueHeads: 4,
  keyLength: 256,
  valueLength: 256,
  vocabulary: 256_000,
  trainedContextTokens: 8192,
  slidingWindow: { tokens: 4096, fullEvery: 2 },
};

describe("the cache", () => {
  test("takes what is known of common models, for each token", () => {
    const perToken = (shape: ModelShape) =>
      estimateMemory(shape, { contextTokens: 8192 }).cachePerSlot.system / 8192 / KIB;
    const measured = {
      qwen7b: perToken(qwen7b),
      qwen1b: perToken(qwen1b),
      qwen3b: perToken(qwen3b),
      llama8b: perToken(llama8b),
    };
    assert.deepEqual(measured, CACHE_KIB_PER_TOKEN);
  });

  test("shrinks with its precision", () => {
    const of = (cacheType: "f32" | "f16" | "q8_0" | "q4_0") =>
      estimateMemory(qwen7b, { contextTokens: 4096, cacheType }).cachePerSlot.system / MIB;
    assert.deepEqual([of("f32"), of("f16"), of("q8_0"), of("q4_0")], [448, 224, 119, 63]);
  });

  test("holds a window and a batch where a layer sees no more", () => {
    const of = (contextTokens: number) => estimateMemory(gemma2b, { contextTokens }).cachePerSlot.system;
    const layerToken = 4 * (256 + 256) * 2;
    // 4096 + 513 tokens, rounded up to 4864, in every other of the 26 layers.
    assert.equal(of(8192), 13 * layerToken * (8192 + 4864));
    assert.equal(of(2048), 26 * layerToken * 2048);
  });

  test("is rounded up to 256 tokens", () => {
    const of = (contextTokens: number) => estimateMemory(qwen1b, { contextTokens }).cachePerSlot;
    assert.deepEqual(of(257), of(512));
    assert.notDeepEqual(of(256), of(257));
  });

  test("is a state of fixed size in layers that are no attention, and nothing in encoders", () => {
    const hybrid = { ...qwen1b, keyValueHeads: Array.from({ length: 28 }, (_, i) => (i % 4 === 3 ? 2 : 0)) };
    const cache = estimateMemory({ ...hybrid, recurrentBytesPerSlot: 10 * MIB }, { contextTokens: 1024 }).cachePerSlot;
    assert.equal(cache.system, 7 * KIB * 1024 + 10 * MIB);
    const encoder = estimateMemory({ ...qwen1b, causal: false, pooling: "mean" }, {});
    assert.deepEqual(encoder.cachePerSlot, { system: 0, gpu: 0 });
  });
});

describe("the total", () => {
  test("is the sum of the parts, with one cache for each slot", () => {
    const estimate = estimateMemory(qwen1b, { slots: 3, adapterBytes: 20 * MIB });
    const { weights, cachePerSlot, adapters, compute, total } = estimate;
    assert.equal(weights.system, qwen1b.weightsBytes);
    assert.equal(adapters.system, 20 * MIB);
    assert.equal(cachePerSlot.system, 28 * KIB * 4096);
    const sum = weights.system + 3 * cachePerSlot.system + adapters.system + compute.system;
    assert.deepEqual(total, { system: sum, gpu: 0 });
  });

  test("of a 7B model in 4 bits at 4096 tokens is about 5 GiB", () => {
    const { total } = estimateMemory(qwen7b, {});
    assert.ok(total.system > 4.7 * GIB && total.system < 5.2 * GIB, `${total.system / GIB}`);
  });

  test("grows by the scores of all heads without flash attention", () => {
    const of = (flashAttention: boolean) =>
      estimateMemory(qwen7b, { contextTokens: 8192, flashAttention }).compute.system;
    assert.ok(of(false) - of(true) > 28 * 8192 * 512 * 4);
    assert.equal(
      estimateMemory(gemma2b, {}).compute.system,
      estimateMemory(gemma2b, { flashAttention: false }).compute.system,
    );
  });
});

describe("on a GPU", () => {
  test("the output goes first, then the layers from the last one on", () => {
    const shape = {
      ...llama8b,
      inputBytes: 300 * MIB,
      outputBytes: 400 * MIB,
      layerBytes: Array.from({ length: 32 }, () => 100 * MIB),
    };
    const weights = (gpuLayers: number) =>
      estimateMemory({ ...shape, weightsBytes: 3900 * MIB }, { gpuLayers }, { gpuBytes: GIB }).weights;
    assert.deepEqual(weights(0), { system: 3900 * MIB, gpu: 0 });
    assert.deepEqual(weights(1), { system: 3500 * MIB, gpu: 400 * MIB });
    assert.deepEqual(weights(11), { system: 2500 * MIB, gpu: 1400 * MIB });
    assert.deepEqual(weights(33), { system: 300 * MIB, gpu: 3600 * MIB });
    assert.deepEqual(weights(99), weights(33));
  });

  test("a layer's cache lies where the layer lies", () => {
    const of = (gpuLayers: number) => estimateMemory(llama8b, { gpuLayers }, { gpuBytes: GIB }).cachePerSlot;
    assert.deepEqual(of(9), { system: 384 * MIB, gpu: 128 * MIB });
    assert.deepEqual(of(33), { system: 0, gpu: 512 * MIB });
  });

  test("embeddings that serve as output too are there a second time", () => {
    const input = 200 * MIB;
    const shape = { ...qwen1b, inputBytes: input, outputBytes: 0 };
    const { weights } = estimateMemory(shape, { gpuLayers: 29 }, { gpuBytes: 8 * GIB });
    assert.deepEqual(weights, { system: input, gpu: qwen1b.weightsBytes });
  });

  test("room for a whole batch of logits is taken", () => {
    const { compute } = estimateMemory(qwen7b, { gpuLayers: 29 }, { gpuBytes: 16 * GIB });
    assert.equal(compute.gpu, 512 * 4 * (152_064 + 2 * 3584));
  });

  test("as many layers are placed as fit, unless it is said", () => {
    const layers = layersThatFit(qwen7b, {}, 4 * GIB);
    const gpu = (gpuLayers: number) => estimateMemory(qwen7b, { gpuLayers }, { gpuBytes: 4 * GIB }).total.gpu;
    assert.ok(layers > 10 && layers < 29, `${layers}`);
    assert.ok(gpu(layers) <= 4 * GIB && gpu(layers + 1) > 4 * GIB);
    assert.equal(layersThatFit(qwen7b, {}, 80 * GIB), 29);
    assert.equal(layersThatFit(qwen7b, {}, 100 * MIB), 0);
    assert.deepEqual(
      estimateMemory(qwen7b, {}, { gpuBytes: 4 * GIB }),
      estimateMemory(qwen7b, { gpuLayers: layers }, { gpuBytes: 4 * GIB }),
    );
  });

  test("layers that were asked for are ignored where there is none", () => {
    assert.deepEqual(estimateMemory(qwen7b, { gpuLayers: 20 }), estimateMemory(qwen7b, { gpuLayers: 0 }));
  });
});

describe("the largest context", () => {
  test("is what fits, in steps of 256 tokens", () => {
    const system = 6 * GIB;
    const tokens = largestContext(qwen7b, {}, { system, gpu: 0 });
    const total = (contextTokens: number) => estimateMemory(qwen7b, { contextTokens }).total.system;
    assert.equal(tokens % 256, 0);
    assert.ok(total(tokens) <= system && total(tokens + 256) > system, `${tokens}`);
  });

  test("is never more than the model was trained for, and 0 when nothing fits", () => {
    assert.equal(largestContext(qwen7b, {}, { system: 64 * GIB, gpu: 0 }), 32_768);
    assert.equal(largestContext({ ...qwen7b, trainedContextTokens: 1000 }, {}, { system: 64 * GIB, gpu: 0 }), 1000);
    assert.equal(largestContext(qwen7b, {}, { system: 4 * GIB, gpu: 0 }), 0);
  });

  test("is smaller for more slots, larger for a smaller cache and with a GPU beside", () => {
    const of = (settings: object, gpu = 0) => largestContext(qwen7b, settings, { system: 5.5 * GIB, gpu });
    assert.ok(of({ slots: 2 }) < of({}));
    assert.ok(of({ cacheType: "q8_0" }) > of({}));
    assert.ok(of({}, 4 * GIB) > of({}));
  });
});
