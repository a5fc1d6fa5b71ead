import type { LlamaEmbeddingContext } from "node-llama-cpp";
import { AtosError, missingError, usageError } from "../../base/errors.ts";
import { contextSize, DEFAULT_CONTEXT_TOKENS } from "./context-size.ts";
import type { SessionOptions } from "./llama-context.ts";
import { loadWeights } from "./llama-load.ts";

/** Ways of making one vector of all tokens, as GGUF numbers them: mean, first token, last token. */
const POOLINGS = [1, 2, 3];

/**
 * Loads an embedding model into this process. Which model is one is told by the pooling in its file:
 * llama.cpp would make vectors of any model's last state, and they would mean little.
 *
 * @throws `engine/no-embedder`, and what `loadWeights` throws.
 */
export async function openLlamaEmbedder({ path, threads, settings }: SessionOptions): Promise<LlamaEmbedder> {
  const asked = settings.contextTokens ?? DEFAULT_CONTEXT_TOKENS;
  const weights = await loadWeights({ path, threads, gpuLayers: settings.gpuLayers, contextTokens: asked });
  const { model } = weights;
  const { pooling_type: pooling } = model.fileInfo.architectureMetadata;
  if (typeof pooling !== "number" || !POOLINGS.includes(pooling)) {
    const why = `the model ${path} is no embedding model: its file names no pooling of tokens to one vector`;
    throw missingError("engine/no-embedder", `${why}; choose a model made for embeddings`);
  }
  const contextTokens = contextSize(settings.contextTokens, model.trainContextSize, path);
  // One token more than is ever used: the library wants one free. The batch holds all, since an encoder
  // looks at the whole text at once.
  const size = { contextSize: contextTokens + 1, batchSize: contextTokens + 1 };
  const context = await model.createEmbeddingContext({ ...size, threads }).catch(async (error: unknown) => {
    const { reasons, outOfMemory } = await weights.explain(error, `a context of ${contextTokens} tokens`);
    throw outOfMemory ?? missingError("engine/no-embedder", `the model ${path} can't embed: ${reasons}`, error);
  });
  return new LlamaEmbedder(context, { contextTokens, dimensions: model.embeddingVectorSize });
}

type EmbedderSize = { readonly contextTokens: number; readonly dimensions: number };

export class LlamaEmbedder {
  readonly size: EmbedderSize;
  readonly #context: LlamaEmbeddingContext;

  constructor(context: LlamaEmbeddingContext, size: EmbedderSize) {
    this.#context = context;
    this.size = size;
  }

  /** All texts are measured before the first is computed. Stops between two texts when `signal` aborts. */
  async embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array<ArrayBuffer>[]> {
    for (const text of texts) this.#check(text);
    const vectors: Float32Array<ArrayBuffer>[] = [];
    for (const text of texts) {
      if (signal.aborted) return vectors;
      const { vector } = await this.#context.getEmbeddingFor(text);
      vectors.push(unitVector(vector));
    }
    return vectors;
  }

  #check(text: string): void {
    const tokens = this.#context.calculateInputLength(text);
    if (tokens === this.#context.calculateInputLength("")) {
      const why = `the text ${JSON.stringify(text.slice(0, 40))} has no word that the embedding model reads`;
      throw usageError("engine/bad-request", `${why}, so it has no embedding; leave it out`);
    }
    const { contextTokens } = this.size;
    if (tokens <= contextTokens) return;
    const why = `a text takes ${tokens} tokens and the embedding model reads ${contextTokens}`;
    throw new AtosError("engine/context-overflow", `${why}; cut the text into parts`);
  }
}

/** @throws `engine/bad-embedding` for a vector without a direction. */
export function unitVector(values: readonly number[]): Float32Array<ArrayBuffer> {
  const length = Math.hypot(...values);
  if (Number.isFinite(length) && length > 0) return Float32Array.from(values, (value) => value / length);
  const why = `the model gave a vector of ${values.length} numbers with the length ${length}`;
  throw new AtosError("engine/bad-embedding", `${why}, which points nowhere; use another embedding model`);
}
