import type { GgufSettings, MemoryEstimate, PlacedBytes } from "../model.ts";

/** One number for every layer, or a list with one for each. */
export type PerLayer = number | readonly number[];

/**
 * What the arithmetic needs to know of a model. `readGgufInfo` has it from a file, the catalog from a
 * table; what is optional only sharpens the answer.
 */
export type ModelShape = {
  readonly parameters: number;
  /** Bytes of all tensors as they are stored. */
  readonly weightsBytes: number;
  readonly layers: number;
  readonly embeddingLength: number;
  /** Width of the feed-forward part; with experts that of all those that serve one token. Default: 4 × `embeddingLength`. */
  readonly hiddenLength?: number | undefined;
  readonly heads: PerLayer;
  /** 0 for a layer that caches nothing. */
  readonly keyValueHeads: PerLayer;
  /** Numbers in one key, and in one value, of one head. */
  readonly keyLength: PerLayer;
  readonly valueLength: PerLayer;
  readonly vocabulary: number;
  /** Rules by which the tokenizer joins pieces. Default: as many as `vocabulary`. */
  readonly merges?: number | undefined;
  readonly trainedContextTokens: number;
  /** Absent: every layer sees the whole context. */
  readonly slidingWindow?: SlidingWindow | undefined;
  /** What layers without attention (state space, linear attention) keep for one slot. Default: 0. */
  readonly recurrentBytesPerSlot?: number | undefined;
  /** Default: equal shares of what is not input or output. */
  readonly layerBytes?: readonly number[] | undefined;
  /** The token embeddings, which never go to the GPU. Default: their share of the parameters. */
  readonly inputBytes?: number | undefined;
  /** The output matrix; 0 where the token embeddings serve for it too. Default: as `inputBytes`. */
  readonly outputBytes?: number | undefined;
  /** Set for an embedding model, which reads a text at once and computes no next token. */
  readonly pooling?: Pooling | undefined;
  /** False for encoders such as BERT, which need no cache. Default: true. */
  readonly causal?: boolean | undefined;
  /** As `general.architecture` of a GGUF file names it; some can't use flash attention. */
  readonly architecture?: string | undefined;
};

export type SlidingWindow = {
  readonly tokens: number;
  /** Every n-th layer sees the whole context, the others the window. Default 0: none sees it whole. */
  readonly fullEvery?: number | undefined;
  /** For each layer, whether it sees the window only; goes before `fullEvery`. */
  readonly layers?: readonly boolean[] | undefined;
};

export type Pooling = "none" | "mean" | "cls" | "last" | "rank";

export type MemorySettings = Pick<
  GgufSettings,
  "contextTokens" | "gpuLayers" | "cacheType" | "flashAttention" | "batchTokens" | "slots"
> & {
  /** Size of the adapters' files together. */
  readonly adapterBytes?: number | undefined;
};

/** Memory of the GPU that may be used; absent when there is none. */
export type EstimateMachine = { readonly gpuBytes?: number | undefined };

const DEFAULT_CONTEXT_TOKENS = 4096;
const DEFAULT_BATCH_TOKENS = 512;
/** llama.cpp rounds a cache up to this many tokens. */
const CELL_STEP = 256;
/** Of `ggml.c`: 32 numbers of q8_0 are 34 bytes, 32 of q4_0 are 18. */
const CACHE_ELEMENT_BYTES = { f32: 4, f16: 2, q8_0: 34 / 32, q4_0: 18 / 32 } as const;
const FLOAT_BYTES = 4;
/** From this size on glibc gives memory back at once (`DEFAULT_MMAP_THRESHOLD_MAX`). */
const ALLOCATOR_BYTES = 32 * 2 ** 20;
/** Measured (bench/memory.js): what node-llama-cpp and llama.cpp keep besides, for any model, a token, a merge. */
const ENGINE_BYTES = 8 * 2 ** 20;
const TOKEN_BYTES = 640;
const MERGE_BYTES = 480;
/** node-llama-cpp 3.21 switches it off for these, unless told otherwise (`GgufInsights.flashAttentionSupported`). */
const WITHOUT_FLASH_ATTENTION: ReadonlySet<string> = new Set(["gemma2", "grok"]);

/**
 * Bytes a model takes when it is loaded with llama.cpp as `settings` say, by part and place. Pure.
 *
 * Sources, of llama.cpp as node-llama-cpp 3.21 brings it: placement `llama_model::load_tensors` (the
 * output goes to the GPU first, then the layers from the last one on); cache `llama_kv_cache` and
 * `llama_kv_cache_iswa`; computation `llama_context::graph_reserve`, fitted to the sizes that its own
 * simulation (`noAlloc`) reports for over 20 shapes. Parts in system memory are what a process comes to use:
 * weights count once, although mapped pages of which a rearranged copy exists stay until the system
 * needs them, and the room reserved for a batch of logits is left out, because only those of the last
 * token are written. On a GPU all that is reserved is taken. The GPU's part is arithmetic that no GPU
 * has confirmed. Left out is what a process takes that has loaded no model yet: its own start, and what
 * a GPU's driver keeps for it.
 */
export function estimateMemory(
  shape: ModelShape,
  settings: MemorySettings,
  machine: EstimateMachine = {},
): MemoryEstimate {
  const { gpuBytes } = machine;
  if (gpuBytes === undefined) return estimatePlaced(shape, settings, 0);
  return estimatePlaced(shape, settings, settings.gpuLayers ?? layersThatFit(shape, settings, gpuBytes));
}

/**
 * Layers that fit into `gpuBytes` of the GPU together with their caches and buffers, counted as
 * llama.cpp does: 1 is the output alone, `shape.layers + 1` is everything. Pure.
 */
export function layersThatFit(shape: ModelShape, settings: MemorySettings, gpuBytes: number): number {
  return largest(shape.layers + 1, (layers) => estimatePlaced(shape, settings, layers).total.gpu <= gpuBytes);
}

/**
 * The largest context, up to what the model was trained for, with which it fits into `budget`, or 0. A
 * model without GPU memory in its budget lies in system memory. Pure.
 */
export function largestContext(shape: ModelShape, settings: MemorySettings, budget: PlacedBytes): number {
  const machine = budget.gpu > 0 ? { gpuBytes: budget.gpu } : {};
  const tokens = (steps: number): number => Math.min(steps * CELL_STEP, shape.trainedContextTokens);
  const steps = largest(Math.ceil(shape.trainedContextTokens / CELL_STEP), (count) => {
    const { total } = estimateMemory(shape, { ...settings, contextTokens: tokens(count) }, machine);
    return total.system <= budget.system && total.gpu <= budget.gpu;
  });
  return tokens(steps);
}

/** The largest number from 1 to `most` that fits, if smaller ones do as well; else 0. */
function largest(most: number, fits: (count: number) => boolean): number {
  let [low, high] = [0, most];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function estimatePlaced(shape: ModelShape, settings: MemorySettings, askedGpuLayers: number): MemoryEstimate {
  const gpuLayers = Math.min(askedGpuLayers, shape.layers + 1);
  const run = runOf(shape, settings);
  const split = (bytesOf: (layer: number) => number): PlacedBytes => splitLayers(shape.layers, gpuLayers, bytesOf);
  const weights = whole(placeWeights(shape, gpuLayers));
  const recurrent = (shape.recurrentBytesPerSlot ?? 0) / shape.layers;
  const cachePerSlot = whole(split((layer) => layerCacheBytes(shape, run, layer) + recurrent));
  const adapters = whole(split(() => (settings.adapterBytes ?? 0) / shape.layers));
  const compute = whole(placeCompute(shape, run, gpuLayers));
  const sum = (place: "system" | "gpu"): number =>
    weights[place] + cachePerSlot[place] * run.slots + adapters[place] + compute[place];
  return { weights, cachePerSlot, adapters, compute, total: { system: sum("system"), gpu: sum("gpu") } };
}

/** The settings as llama.cpp sees them. */
type Run = {
  readonly slots: number;
  /** Tokens of one batch. */
  readonly batch: number;
  /** Tokens that one slot's cache has room for, in layers that see everything and in those that do not. */
  readonly cells: number;
  readonly windowCells: number;
  readonly elementBytes: number;
  readonly flash: boolean;
};

function runOf(shape: ModelShape, settings: MemorySettings): Run {
  const { slots = 1, cacheType = "f16", batchTokens = DEFAULT_BATCH_TOKENS } = settings;
  const context = settings.contextTokens ?? Math.min(DEFAULT_CONTEXT_TOKENS, shape.trainedContextTokens);
  const cells = padCells(context);
  const window = shape.slidingWindow;
  // With a window node-llama-cpp makes room for one token more, and a window's cache holds a batch beside it.
  const batch = Math.min(Math.max(batchTokens, slots) + (window === undefined ? 0 : 1), cells * slots);
  const quantised = cacheType === "q8_0" || cacheType === "q4_0";
  return {
    slots,
    batch: shape.pooling === undefined ? batch : cells,
    cells,
    windowCells: window === undefined ? cells : Math.min(cells, padCells(window.tokens + batch)),
    elementBytes: CACHE_ELEMENT_BYTES[cacheType],
    flash: quantised || (settings.flashAttention ?? canFlash(shape)),
  };
}

function canFlash({ architecture, keyLength, valueLength }: ModelShape): boolean {
  if (architecture !== undefined && WITHOUT_FLASH_ATTENTION.has(architecture)) return false;
  return perLayer(keyLength, 0) === perLayer(valueLength, 0);
}

function placeWeights(shape: ModelShape, gpuLayers: number): PlacedBytes {
  const input = inputBytes(shape);
  const output = shape.outputBytes ?? input;
  const layers = splitLayers(shape.layers, gpuLayers, (layer) => layerBytes(shape, layer));
  if (gpuLayers === 0) return { system: shape.weightsBytes, gpu: 0 };
  // Embeddings that serve as output too are on the GPU a second time.
  const outputOnGpu = output === 0 && shape.causal !== false ? input : output;
  return { system: input + layers.system, gpu: layers.gpu + outputOnGpu };
}

function inputBytes(shape: ModelShape): number {
  const share = (shape.vocabulary * shape.embeddingLength) / shape.parameters;
  return shape.inputBytes ?? shape.weightsBytes * Math.min(1, share);
}

function layerBytes(shape: ModelShape, layer: number): number {
  const input = inputBytes(shape);
  const rest = shape.weightsBytes - input - (shape.outputBytes ?? input);
  return shape.layerBytes?.[layer] ?? Math.max(0, rest) / shape.layers;
}

function layerCacheBytes(shape: ModelShape, run: Run, layer: number): number {
  if (shape.causal === false) return 0;
  const numbers = perLayer(shape.keyLength, layer) + perLayer(shape.valueLength, layer);
  return perLayer(shape.keyValueHeads, layer) * numbers * run.elementBytes * layerCells(shape, run, layer);
}

function layerCells(shape: ModelShape, run: Run, layer: number): number {
  return seesWindowOnly(shape.slidingWindow, layer) ? run.windowCells : run.cells;
}

function seesWindowOnly(window: SlidingWindow | undefined, layer: number): boolean {
  if (window === undefined) return false;
  const { layers, fullEvery = 0 } = window;
  return layers?.[layer] ?? (fullEvery === 0 || (layer + 1) % fullEvery !== 0);
}

/**
 * Scratch memory. Of a layer's steps the widest counts: the feed-forward part keeps three of its own
 * vectors and four states for each token, attention three states, two queries, a key and a value twice
 * and, without flash attention, the scores of all heads. Masks live throughout, in half precision for
 * flash attention. The processor's threads hold one more copy of what they multiply, in half precision.
 */
function placeCompute(shape: ModelShape, run: Run, gpuLayers: number): PlacedBytes {
  const { batch, flash, slots } = run;
  const { embeddingLength: state, hiddenLength: hidden = 4 * state, vocabulary } = shape;
  const widest = (numbers: (layer: number) => number): number => maximum(shape.layers, numbers);
  const query = widest((layer) => perLayer(shape.heads, layer) * perLayer(shape.keyLength, layer));
  const key = widest((layer) => perLayer(shape.keyValueHeads, layer) * perLayer(shape.keyLength, layer));
  const scores = flash ? 0 : widest((layer) => perLayer(shape.heads, layer) * layerCells(shape, run, layer));
  const maskCells = run.cells + (shape.slidingWindow === undefined ? 0 : run.windowCells);
  const mask = batch * maskCells * (flash ? 2 : FLOAT_BYTES);
  const attention = 3 * state + 2 * query + 2 * key + scores;
  const layers = mask + batch * FLOAT_BYTES * Math.max(3 * hidden + 4 * state, attention);
  const outputs = shape.pooling === undefined ? vocabulary + 2 * state : 2 * state;
  const copies = batch * 2 * Math.max(hidden, scores);
  // Scores grow with the text, and of room that was given up for larger room the allocator keeps a part.
  const threads = copies + (flash ? 0 : Math.min(copies, ALLOCATOR_BYTES));
  const input = mask + batch * FLOAT_BYTES * state;
  const known = vocabulary * TOKEN_BYTES + (shape.merges ?? vocabulary) * MERGE_BYTES;
  const kept = ENGINE_BYTES + known + slots * vocabulary * FLOAT_BYTES;
  if (gpuLayers === 0) return { system: layers + threads + kept, gpu: 0 };
  const onGpu = Math.max(layers, batch * FLOAT_BYTES * outputs);
  if (gpuLayers > shape.layers) return { system: input + kept, gpu: onGpu };
  // Weights of the other layers visit the GPU for large batches, one matrix at a time: at most a third of a layer.
  const visiting = maximum(shape.layers + 1 - gpuLayers, (layer) => layerBytes(shape, layer)) / 3;
  return { system: layers + threads + kept, gpu: onGpu + visiting };
}

/** llama.cpp takes layers to the GPU from the last one on, after the output. */
function splitLayers(layers: number, gpuLayers: number, bytesOf: (layer: number) => number): PlacedBytes {
  let [system, gpu] = [0, 0];
  for (let layer = 0; layer < layers; layer++) {
    if (layer >= layers + 1 - gpuLayers) gpu += bytesOf(layer);
    else system += bytesOf(layer);
  }
  return { system, gpu };
}

function whole({ system, gpu }: PlacedBytes): PlacedBytes {
  return { system: Math.round(system), gpu: Math.round(gpu) };
}

function perLayer(value: PerLayer, layer: number): number {
  return typeof value === "number" ? value : (value[layer] ?? 0);
}

function maximum(layers: number, numbers: (layer: number) => number): number {
  let most = 0;
  for (let layer = 0; layer < layers; layer++) most = Math.max(most, numbers(layer));
  return most;
}

function padCells(tokens: number): number {
  return Math.ceil(tokens / CELL_STEP) * CELL_STEP;
}
