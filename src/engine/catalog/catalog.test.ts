import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { catalogFiles, chosenFile, findCatalogFile, loadCatalog } from "./catalog.ts";
import { cacheBytesPerToken, shapeOf } from "./catalog-shape.ts";
import { estimateMemory } from "../gguf/memory-estimate.ts";
import { gpuBytes } from "./roster-budget.ts";

const KIB = 1024;
const catalog = await loadCatalog();

test("the founding documents' models are there", () => {
  const asked =
    "qwen2.5-coder-1.5b qwen2.5-coder-3b qwen2.5-coder-7b qwen2.5-coder-14b qwen2.5-coder-32b qwen2.5-7b " +
    "qwen3-coder-30b-a3b qwen3-coder-480b-a35b devstral-small phi-3.5-mini gemma-2-2b starcoder2-7b all-minilm-l6-v2";
  assert.deepEqual(
    asked.split(" ").filter((name) => catalog.models[name] === undefined),
    [],
  );
});

test("a token of context costs what was published or worked out by hand", () => {
  // Layers × KV heads × length of key and value × 2 bytes, from each model's card.
  const known: Readonly<Record<string, number>> = {
    "qwen2.5-coder-1.5b": 28 * KIB,
    "qwen2.5-coder-3b": 36 * KIB,
    "qwen2.5-7b": 56 * KIB,
    "llama-3.2-3b": 112 * KIB,
    // Of 32 layers 8 have a cache: published as 16384 elements.
    "qwen3.5-9b": 2 * 16_384,
  };
  const computed = Object.keys(known).map((name) => {
    const entry = catalog.models[name];
    assert.ok(entry !== undefined, name);
    return [name, cacheBytesPerToken(entry, "f16")];
  });
  assert.deepEqual(Object.fromEntries(computed), known);
});

test("the memory arithmetic agrees: one more token costs what the catalog shows for it", () => {
  for (const file of catalogFiles(catalog)) {
    if (file.entry.shape.sliding_window !== undefined) continue;
    const cacheAt = (contextTokens: number): number =>
      estimateMemory(shapeOf(file), { contextTokens, cacheType: "q8_0" }).cachePerSlot.system;
    const most = Math.min(8192, file.entry.context_tokens);
    const perToken = (cacheAt(most) - cacheAt(most / 2)) / (most / 2);
    assert.equal(Math.round(perToken), Math.round(cacheBytesPerToken(file.entry, "q8_0")), file.model);
  }
});

test("sizes are plausible for the number of parameters and the bits of each", () => {
  const bits: Readonly<Record<string, readonly [number, number]>> = {
    Q4_K_M: [4.4, 6.3],
    Q6_K: [6.4, 7.3],
    Q8_0: [8.2, 9.3],
    MXFP4: [4.2, 5],
  };
  for (const file of catalogFiles(catalog)) {
    const [low, high] = bits[file.quantisation] ?? [0, 0];
    const each = (file.file.bytes * 8) / shapeOf(file).parameters;
    assert.ok(each >= low && each <= high, `${file.model} ${file.quantisation}: ${each} bits a parameter`);
  }
});

test("what is pinned has a hash to check, and what is not claims none", () => {
  const wrong = catalogFiles(catalog).filter(
    ({ file }) => (file.revision === undefined) !== (file.sha256 === undefined),
  );
  assert.deepEqual(
    wrong.map(({ model }) => model),
    [],
  );
});

test("no 7B fits 4 GB, and a 24B fits neither 4 nor 8, whatever it is called", () => {
  const GIB = 2 ** 30;
  const needs = (text: string): number => {
    const file = findCatalogFile(catalog, text);
    assert.ok(file !== undefined, text);
    return gpuBytes(file, { contextTokens: 4096, cacheType: "q8_0" });
  };
  assert.ok(needs("qwen2.5-coder-7b") > 4 * GIB);
  assert.ok(needs("devstral-small") > 8 * GIB);
  assert.ok(needs("qwen2.5-coder-3b") < 3 * GIB);
});

test("a name means its 4-bit file, or the one that is asked for by llama.cpp's name or by ATOS's", () => {
  const found = (text: string): string | undefined => findCatalogFile(catalog, text)?.quantisation;
  assert.equal(found("qwen2.5-coder-3b"), "Q4_K_M");
  assert.equal(found("Qwen2.5-Coder-3B:q8_0"), "Q8_0");
  assert.equal(found("qwen2.5-coder-3b:8bit"), "Q8_0");
  assert.equal(found("qwen2.5-coder-3b:4bit"), "Q4_K_M");
  assert.equal(found("gpt-oss-20b"), "MXFP4");
  assert.equal(found("constructor"), undefined);
  assert.equal(found("hf:owner/repo/x.gguf"), undefined);
});

test("a quantisation or a file that is not there is refused with what there is", () => {
  assert.throws(() => findCatalogFile(catalog, "qwen2.5-coder-3b:none"), {
    code: "engine/no-such-quantisation",
    exitCode: 2,
    message: "the catalog has no qwen2.5-coder-3b in F16; it has Q4_K_M, Q8_0",
  });
  for (const name of ["qwen2.5-coder-3b:", "qwen2.5-coder-3b:q8_0:more"])
    assert.throws(() => findCatalogFile(catalog, name), { code: "engine/no-such-quantisation" });
  for (const name of ["qwen3-coder-480b-a35b", "qwen3-coder-480b-a35b:Q4_K_M"])
    assert.throws(() => findCatalogFile(catalog, name), {
      code: "engine/server-only-model",
      exitCode: 3,
      message: /vLLM/,
    });
});

test("a roster's choice is refused when the model is unknown or the context longer than it was trained for", () => {
  assert.throws(() => chosenFile(catalog, { name: "qwen9", settings: {} }), {
    code: "engine/unknown-catalog-model",
    exitCode: 2,
  });
  assert.throws(() => chosenFile(catalog, { name: "gemma-2-2b", settings: { contextTokens: 16384 } }), {
    code: "engine/context-too-large",
    message: "gemma-2-2b was trained for 8192 tokens, not 16384",
  });
});

test("a catalog that is no YAML or breaks its rules is refused with the place", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "atos-catalog-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const load = (text: string): Promise<unknown> => {
    const file = join(directory, "catalog.yaml");
    writeFileSync(file, text);
    return loadCatalog(file);
  };
  await assert.rejects(load("models: ["), { code: "engine/bad-catalog", exitCode: 2 });
  await assert.rejects(load("checked: x\nmodels: { a: { title: A } }"), {
    code: "engine/bad-catalog",
    message: /models\.a/,
  });
  await assert.rejects(loadCatalog(join(directory, "none.yaml")), { code: "engine/bad-catalog", message: /ENOENT/ });
});
