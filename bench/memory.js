// What models take in memory beside what ATOS estimates: node bench/memory.js [NAME...]
// Each is generated, loaded in a process of its own and given prompts that fill all of its context.
// "taken" is what the process grew by when the file is read and not mapped. When it is mapped, "own" is
// what grew but for the file, and "mapped" the file's pages, which the system takes back when it needs
// them: processors that rearrange weights hold a copy of most. "reserved" is what llama.cpp announces.
// Linux only. No GPU is used.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getLlama, GgufInsights, LlamaLogLevel, readGgufFileInfo } from "node-llama-cpp";
import { estimateGguf } from "../src/engine/gguf/estimate-gguf.ts";
import { writeGguf } from "../test/fixtures/gguf-writer.ts";

const MIB = 2 ** 20;
const base = { layers: 12, width: 768, hidden: 2048, heads: 12, keyValueHeads: 4, vocabulary: 512 };
const cases = {
  plain: [base, { contextTokens: 2048 }],
  "8192 tokens": [base, { contextTokens: 8192 }],
  "q8_0 cache": [base, { contextTokens: 2048, cacheType: "q8_0" }],
  "q4_0 cache": [base, { contextTokens: 2048, cacheType: "q4_0" }],
  "3 slots": [base, { contextTokens: 2048, slots: 3 }],
  "no flash attention": [base, { contextTokens: 2048, flashAttention: false }],
  "12 KV heads": [{ ...base, keyValueHeads: 12 }, { contextTokens: 2048 }],
  "24 layers, 1 KV head": [{ ...base, layers: 24, width: 512, heads: 8, keyValueHeads: 1 }, { contextTokens: 2048 }],
  "batches of 128": [
    { ...base, hidden: 4096 },
    { contextTokens: 2048, batchTokens: 128 },
  ],
  "64k vocabulary": [{ ...base, layers: 8, width: 1024, heads: 16, vocabulary: 65_536 }, { contextTokens: 2048 }],
  "152k vocabulary": [{ ...base, vocabulary: 151_936 }, { contextTokens: 2048 }],
  "window of 512": [
    { ...base, architecture: "gemma3", heads: 6, keyValueHeads: 2, window: 512 },
    { contextTokens: 4096 },
  ],
};

if (process.argv[2] === "--child") await child(...process.argv.slice(3));
else await compare(process.argv.slice(2));

async function compare(names) {
  const directory = mkdtempSync(join(tmpdir(), "atos-memory-"));
  const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error });
  console.log(
    `${"".padEnd(22)}${["weights", "estimated", "taken", "ratio", "own", "mapped", "reserved"].map(cell).join("")}`,
  );
  try {
    for (const [name, [shape, settings]] of Object.entries(cases)) {
      if (names.length > 0 && !names.includes(name)) continue;
      const path = join(directory, "model.gguf");
      generate(path, shape);
      const { weights, total } = await estimateGguf({ kind: "gguf", id: name, path, ...settings });
      const reserved = await announced(llama, path, settings);
      const { own: taken } = measure(name, path, { ...settings, useMmap: false });
      const { own, mapped } = measure(name, path, settings);
      const sizes = [weights.system, total.system, taken, own, mapped, reserved];
      const cells = sizes.map((bytes) => cell((bytes / MIB).toFixed(1)));
      cells.splice(3, 0, cell((total.system / taken).toFixed(2)));
      console.log(`${name.padEnd(22)}${cells.join("")}`);
    }
  } finally {
    rmSync(directory, { recursive: true });
    await llama.dispose();
  }
}

function measure(name, path, settings) {
  const args = ["--expose-gc", fileURLToPath(import.meta.url), "--child", path, JSON.stringify(settings)];
  const run = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${name}: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

function cell(text) {
  return text.padStart(11);
}

async function announced(llama, path, settings) {
  const insights = await GgufInsights.from(await readGgufFileInfo(path, { logWarnings: false }), llama);
  const type = settings.cacheType?.toUpperCase();
  const quantised = { F16: 1, Q8_0: 8, Q4_0: 2 }[type ?? "F16"];
  const model = await insights.estimateModelResourceRequirementsV2({ gpuLayers: 0 });
  const context = await insights.estimateContextResourceRequirementsV2({
    contextSize: settings.contextTokens ?? 4096,
    modelGpuLayers: 0,
    batchSize: settings.batchTokens ?? 512,
    sequences: settings.slots ?? 1,
    flashAttention: settings.flashAttention ?? "auto",
    kvCacheKeyType: quantised,
    kvCacheValueType: quantised,
  });
  return model.cpuRam + context.cpuRam;
}

async function child(path, json) {
  const {
    contextTokens = 4096,
    slots = 1,
    batchTokens = 512,
    cacheType,
    flashAttention,
    useMmap = true,
  } = JSON.parse(json);
  const llama = await getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    maxThreads: 1,
    logLevel: LlamaLogLevel.error,
  });
  const before = memory(path);
  const model = await llama.loadModel({ modelPath: path, useMmap });
  const type = cacheType?.toUpperCase();
  const context = await model.createContext({
    contextSize: contextTokens,
    batchSize: batchTokens,
    sequences: slots,
    threads: 1,
    ...(flashAttention === undefined ? {} : { flashAttention }),
    ...(type === undefined ? {} : { experimentalKvCacheKeyType: type, experimentalKvCacheValueType: type }),
  });
  const sequences = Array.from({ length: slots }, () => context.getSequence());
  const prompt = Array.from({ length: contextTokens - 16 }, (_, index) => index % 500);
  await Promise.all(sequences.map((sequence) => sequence.evaluateWithoutGeneratingNewTokens(prompt)));
  await reply(sequences);
  const after = memory(path);
  console.log(JSON.stringify({ own: after.own - before.own, mapped: after.mapped }));
  process.exit(0);
}

async function reply(sequences) {
  await Promise.all(
    sequences.map(async (sequence) => {
      let left = 3;
      for await (const _ of sequence.evaluate([7], { temperature: 0, yieldEogToken: true })) if (--left === 0) break;
    }),
  );
}

/** Bytes this process has for itself, and what is mapped of `path`. */
function memory(path) {
  globalThis.gc();
  const sum = { own: 0, mapped: 0 };
  let isModel = false;
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) isModel = line.endsWith(path);
    const [, key, kib] = /^(Anonymous|Rss):\s+(\d+) kB/.exec(line) ?? [];
    if (key === "Anonymous") sum.own += Number(kib) * 1024;
    if (isModel && key === "Rss") sum.mapped += Number(kib) * 1024;
  }
  return sum;
}

/** Writes a model without sense. Its weights are no zeros, because Linux gives pages of zeros back. */
function generate(path, { architecture = "qwen2", window, ...shape }) {
  const { layers, width, hidden, heads, keyValueHeads, vocabulary } = shape;
  const key = (width / heads) * keyValueHeads;
  const isGemma = architecture === "gemma3";
  const tensor = (name, ...dimensions) => {
    const values = new Float32Array(dimensions.reduce((product, dimension) => product * dimension, 1));
    return { name, dimensions, values: values.map((_, index) => ((index % 251) - 125) / 4000) };
  };
  const tensors = [tensor("token_embd.weight", width, vocabulary), tensor("output_norm.weight", width)];
  if (!isGemma) tensors.push(tensor("output.weight", width, vocabulary));
  for (let layer = 0; layer < layers; layer++) {
    const add = (name, ...dimensions) => tensors.push(tensor(`blk.${layer}.${name}`, ...dimensions));
    for (const norm of ["attn_norm", "ffn_norm"]) add(`${norm}.weight`, width);
    add("attn_q.weight", width, width);
    add("attn_k.weight", width, key);
    add("attn_v.weight", width, key);
    add("attn_output.weight", width, width);
    add("ffn_gate.weight", width, hidden);
    add("ffn_up.weight", width, hidden);
    add("ffn_down.weight", hidden, width);
    if (isGemma) {
      for (const norm of ["post_attention_norm", "post_ffw_norm"]) add(`${norm}.weight`, width);
      for (const norm of ["attn_q_norm", "attn_k_norm"]) add(`${norm}.weight`, width / heads);
    } else {
      add("attn_q.bias", width);
      add("attn_k.bias", key);
      add("attn_v.bias", key);
    }
  }
  writeGguf(path, metadata(architecture, shape, window), tensors);
}

function metadata(architecture, { layers, width, hidden, heads, keyValueHeads, vocabulary }, window) {
  const number = (value) => ({ type: "u32", value });
  const text = (value) => ({ type: "string", value });
  const tokens = Array.from({ length: vocabulary }, (_, i) => (i < 256 ? String.fromCodePoint(256 + i) : `t${i}`));
  const merges = tokens.slice(512).map((token) => `t0 ${token}`);
  const own = {
    context_length: number(32_768),
    embedding_length: number(width),
    block_count: number(layers),
    feed_forward_length: number(hidden),
    "attention.head_count": number(heads),
    "attention.head_count_kv": number(keyValueHeads),
    "attention.key_length": number(width / heads),
    "attention.value_length": number(width / heads),
    "attention.layer_norm_rms_epsilon": { type: "f32", value: 1e-6 },
    "rope.dimension_count": number(width / heads),
    ...(window === undefined ? {} : { "attention.sliding_window": number(window) }),
  };
  return {
    "general.architecture": text(architecture),
    "general.file_type": number(1),
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value])),
    "tokenizer.ggml.model": text("gpt2"),
    "tokenizer.ggml.pre": text("qwen2"),
    "tokenizer.ggml.tokens": { type: "strings", value: tokens },
    "tokenizer.ggml.token_type": { type: "i32s", value: tokens.map(() => 1) },
    "tokenizer.ggml.merges": { type: "strings", value: merges },
    "tokenizer.ggml.eos_token_id": number(2),
    "tokenizer.ggml.bos_token_id": number(1),
  };
}
