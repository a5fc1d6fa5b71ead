import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { GgufInsights, getLlama, LlamaLogLevel, readGgufFileInfo } from "node-llama-cpp";
import { writeAdapterGguf, writeRandomGguf } from "../../../test/fixtures/make-gguf.ts";
import { estimateGguf } from "./estimate-gguf.ts";

const directory = mkdtempSync(join(tmpdir(), "atos-estimate-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, "model.gguf");
writeRandomGguf(path);
const source = { kind: "gguf", id: "model", path } as const;

test("counts a model's cache and its adapters", async () => {
  const adapter = join(directory, "adapter.gguf");
  writeAdapterGguf(adapter);
  const adapters = [adapter, adapter].map((file) => ({ path: file, scale: 1 }));
  const estimate = await estimateGguf({ ...source, contextTokens: 1024, slots: 2, adapters });
  // Two layers, two heads, 16 numbers in key and value, two bytes each.
  assert.deepEqual(estimate.cachePerSlot, { system: 2 * 2 * 32 * 2 * 1024, gpu: 0 });
  assert.deepEqual(estimate.adapters, { system: 2 * statSync(adapter).size, gpu: 0 });
});

test("takes what llama.cpp itself foresees, but for the logits of a whole batch", async () => {
  const llama = await getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    maxThreads: 1,
    logLevel: LlamaLogLevel.error,
  });
  try {
    const insights = await GgufInsights.from(await readGgufFileInfo(path, { logWarnings: false }), llama);
    for (const flashAttention of [true, false]) {
      const options = { contextSize: 2048, batchSize: 256, sequences: 1, modelGpuLayers: 0, flashAttention };
      const foreseen = await insights.estimateContextResourceRequirementsV2(options);
      const { cachePerSlot, compute } = await estimateGguf(
        { ...source, contextTokens: 2048, batchTokens: 256, flashAttention, gpuLayers: 3 },
        { gpuBytes: 2 ** 30 },
      );
      const ratio = (cachePerSlot.gpu + compute.gpu) / foreseen.cpuRam;
      assert.ok(ratio > 0.9 && ratio < 1.1, `${ratio} with flash attention ${flashAttention}`);
    }
  } finally {
    await llama.dispose();
  }
});

test("refuses an adapter that is not there", async () => {
  const adapters = [{ path: join(directory, "none.gguf"), scale: 1 }];
  await assert.rejects(estimateGguf({ ...source, adapters }), {
    code: "engine/adapter-not-found",
    message: /none\.gguf/,
  });
});
