import assert from "node:assert/strict";
import { test } from "node:test";
import { contextSize } from "./context-size.ts";
import { resolveSettings } from "./gguf-settings.ts";
import type { GgufSettings } from "../model.ts";

test("puts defaults in", () => {
  assert.deepEqual(resolveSettings({}), {
    contextTokens: undefined,
    gpuLayers: undefined,
    cacheType: "f16",
    flashAttention: undefined,
    batchTokens: 512,
    slots: 1,
    adapters: [],
    promptLookup: false,
    deterministic: true,
  });
});

test("is deterministic unless something was asked for that can't be", () => {
  const isDeterministic = (settings: GgufSettings) => resolveSettings(settings).deterministic;
  assert.deepEqual(
    [{ slots: 2 }, { promptLookup: true }, { deterministic: false }, { slots: 1 }].map(isDeterministic),
    [false, false, false, true],
  );
});

test("switches flash attention on for a quantised cache", () => {
  assert.equal(resolveSettings({ cacheType: "q8_0" }).flashAttention, true);
});

test("refuses settings that contradict each other or make no sense, with the reason", () => {
  const wrong: readonly (readonly [GgufSettings, RegExp])[] = [
    [{ deterministic: true, slots: 2 }, /2 slots can't be deterministic, because a neighbour/],
    [{ deterministic: true, promptLookup: true }, /promptLookup can't be deterministic/],
    [{ cacheType: "q4_0", flashAttention: false }, /q4_0 cache needs flash attention/],
    [{ contextTokens: 0 }, /contextTokens is 0/],
    [{ gpuLayers: -1 }, /gpuLayers is -1/],
    [{ batchTokens: 1.5 }, /batchTokens is 1.5/],
    [{ slots: 65 }, /at most 64/],
    [{ adapters: [{ path: "a.gguf", scale: Number.NaN }] }, /a\.gguf has the scale NaN/],
  ];
  for (const [settings, message] of wrong)
    assert.throws(() => resolveSettings(settings), { code: "engine/bad-setting", exitCode: 2, message });
});

test("takes a context as long as asked for, up to what the model was trained for", () => {
  assert.deepEqual([contextSize(undefined, 32_768, "m"), contextSize(undefined, 512, "m")], [4096, 512]);
  assert.equal(contextSize(32_768, 32_768, "m"), 32_768);
  assert.throws(() => contextSize(513, 512, "m.gguf"), {
    code: "engine/context-too-large",
    message: /513 tokens was asked for, and the model m\.gguf was trained for 512; ask for at most 512/,
  });
});
