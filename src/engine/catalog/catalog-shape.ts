import type { CatalogFile, CatalogModel } from "./catalog.ts";
import type { ModelShape } from "../gguf/memory-estimate.ts";

/** What the memory arithmetic needs of one file. Pure. */
export function shapeOf({ entry, file }: Pick<CatalogFile, "entry" | "file">): ModelShape {
  const { shape, context_tokens: trainedContextTokens } = entry;
  const { layers, attention_every: attentionEvery = 1, sliding_window: window } = shape;
  const embeddings = shape.vocabulary * shape.embedding_length;
  const published = entry.parameters_billions * 1e9;
  return {
    parameters: shape.embeddings === "stored-twice" ? published + embeddings : published,
    weightsBytes: file.bytes,
    layers,
    embeddingLength: shape.embedding_length,
    hiddenLength: shape.hidden_length,
    heads: shape.heads,
    keyValueHeads: Array.from({ length: layers }, (_, layer) =>
      (layer + 1) % attentionEvery === 0 ? shape.key_value_heads : 0,
    ),
    keyLength: shape.head_length,
    valueLength: shape.head_length,
    vocabulary: shape.vocabulary,
    trainedContextTokens,
    recurrentBytesPerSlot: shape.recurrent_bytes_per_slot,
    architecture: shape.architecture,
    ...(shape.embeddings === "tied" ? { outputBytes: 0 } : {}),
    ...(window === undefined ? {} : { slidingWindow: { tokens: window.tokens, fullEvery: window.full_every } }),
    ...(shape.pooling === undefined ? {} : { pooling: shape.pooling, causal: false }),
  };
}

const CACHE_ELEMENT_BYTES = { f16: 2, q8_0: 34 / 32 } as const;

/** Bytes that one more token of context costs, where every layer sees all of it. Pure. */
export function cacheBytesPerToken({ shape }: CatalogModel, cacheType: keyof typeof CACHE_ELEMENT_BYTES): number {
  if (shape.pooling !== undefined) return 0;
  const cached = Math.floor(shape.layers / (shape.attention_every ?? 1));
  return cached * shape.key_value_heads * 2 * shape.head_length * CACHE_ELEMENT_BYTES[cacheType];
}
