import { usageError } from "../../base/errors.ts";
import { type LoadOptions, prepareLoad } from "./embedded-model.ts";
import { LlamaProcess } from "./llama-process.ts";
import type { Embedder, GgufSource } from "../model.ts";

/** An embedder in a process of its own, whose id is `pid`. */
export type EmbeddedEmbedder = Embedder & { readonly pid: number };

/**
 * Loads an embedding model, a GGUF file that names a pooling, with llama.cpp. Of the settings
 * `contextTokens`, `gpuLayers` and `gpus` mean something here; the others are refused. The same text gives the
 * same vector, whatever else was asked.
 *
 * @throws what `loadEmbeddedModel` throws of a file and its settings; `engine/no-embedder`.
 */
export async function loadEmbedder(source: GgufSource, options: LoadOptions): Promise<EmbeddedEmbedder> {
  const foreign = CHAT_SETTINGS.filter((name) => source[name] !== undefined);
  if (foreign.length > 0)
    throw usageError("engine/bad-setting", `an embedding model has no ${foreign.join(", ")}; leave that out`);
  const load = await prepareLoad(source, options);
  await using starting = new AsyncDisposableStack();
  const child = starting.use(new LlamaProcess(source.id, source.gpus));
  const waiting = { signal: options.signal, limitMs: options.deadlineMs };
  const loaded = await child.askFor("embedder-loaded", { kind: "load-embedder", ...load }, waiting);
  starting.move();
  const { contextTokens, dimensions } = loaded;
  return {
    id: source.id,
    pid: child.pid,
    contextTokens,
    dimensions,
    embed: async (texts, signal) => (await child.askFor("embedded", { kind: "embed", texts }, { signal })).vectors,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

const CHAT_SETTINGS = [
  "cacheType",
  "flashAttention",
  "batchTokens",
  "slots",
  "adapters",
  "promptLookup",
  "deterministic",
] as const;
