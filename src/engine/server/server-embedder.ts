import { z } from "zod";
import { badReply } from "./chat-stream.ts";
import { contextOverflow } from "../context-overflow.ts";
import type { Embedder, OpenAiSource } from "../model.ts";
import { ServerConnection } from "./server-connection.ts";
import { openTextCounter } from "./server-counter.ts";
import { demandJson } from "./server-json.ts";
import { identifyServer } from "./server-kind.ts";
import { textTokenBound } from "./token-bound.ts";

export type ServerEmbedderOptions = {
  readonly apiKey?: string | undefined;
  /** For one request of up to 32 texts. Default: 60 seconds. */
  readonly timeoutMs?: number;
};

const TEXTS_PER_REQUEST = 32;
const TIMEOUT_MS = 60_000;
/** Before and after a text, as BERT's vocabulary has them. */
const FRAME_TOKENS = 2;
/** Under this a vector has no direction. */
const MIN_LENGTH = 1e-12;

const embeddingsSchema = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), embedding: z.array(z.number()).min(1) })),
});
/** What llama.cpp answers for a model without pooling. */
const perTokenSchema = z.object({ data: z.array(z.object({ embedding: z.array(z.array(z.number())) })).min(1) });

/**
 * An embedding model behind `/embeddings` of an OpenAI-compatible server. Opening it embeds one word, to
 * learn the dimensions; every later vector must have as many.
 *
 * Vectors come back in the order of their texts, whatever order the server has, with length 1. A text
 * that is longer than the context is refused and never cut; llama.cpp and vLLM are asked how long it is, for
 * all others an upper bound decides.
 *
 * @throws `engine/context-overflow`, `engine/bad-server-reply`, and what `openServerModel` throws for a
 * server that is not there, refuses or is silent.
 */
export async function openServerEmbedder(
  source: OpenAiSource,
  options: ServerEmbedderOptions,
  signal: AbortSignal,
): Promise<Embedder> {
  const { baseUrl, model, contextTokens, id } = source;
  const { apiKey, timeoutMs = TIMEOUT_MS } = options;
  await using stack = new AsyncDisposableStack();
  const server = stack.use(new ServerConnection({ baseUrl, ...(apiKey === undefined ? {} : { apiKey }) }));
  const ask = async (input: readonly string[], stop: AbortSignal): Promise<readonly Float32Array[]> => {
    const body = { model, input, encoding_format: "float" };
    const answer = await demandJson(server, { path: "/embeddings", body, what: "embeddings", timeoutMs }, stop);
    return readEmbeddings(answer, input.length);
  };
  const dimensions = (await ask(["dimensions"], signal))[0]?.length ?? 0;
  const { kind } = await identifyServer(server, model, signal);
  const count = openTextCounter({ server, kind, model });
  const refuseLong = async (text: string, stop: AbortSignal): Promise<void> => {
    // No vocabulary has more tokens than bytes for a text.
    if (Buffer.byteLength(text) + FRAME_TOKENS <= contextTokens) return;
    const tokens = (count === undefined ? textTokenBound(text) : await count(text, stop)) + FRAME_TOKENS;
    if (tokens > contextTokens) throw contextOverflow(tokens, contextTokens, count === undefined ? "bound" : "exact");
  };
  const embed: Embedder["embed"] = async (texts, stop) => {
    for (const text of texts) await refuseLong(text, stop);
    const vectors: Float32Array[] = [];
    for (let start = 0; start < texts.length; start += TEXTS_PER_REQUEST)
      vectors.push(...(await ask(texts.slice(start, start + TEXTS_PER_REQUEST), stop)));
    const odd = vectors.find(({ length }) => length !== dimensions);
    if (odd !== undefined) throw badReply(`a vector of ${odd.length} numbers after one of ${dimensions}`);
    return vectors;
  };
  const owned = stack.move();
  return { id, dimensions, contextTokens, embed, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * The vectors of one answer by the index of their text, each of length 1. Pure.
 *
 * @throws `engine/bad-server-reply` unless there is exactly one for each text, and each has a direction.
 */
export function readEmbeddings(answer: unknown, texts: number): readonly Float32Array[] {
  const parsed = embeddingsSchema.safeParse(answer);
  if (perTokenSchema.safeParse(answer).success)
    throw badReply("a vector for each token; start it with pooling, for llama-server: --pooling mean");
  if (!parsed.success) throw badReply("embeddings that can't be read");
  const { data } = parsed.data;
  if (data.length !== texts) throw badReply(`${data.length} embeddings for ${texts} texts`);
  const byIndex = new Map(data.map(({ index, embedding }) => [index, embedding]));
  return Array.from({ length: texts }, (_, index) => {
    const embedding = byIndex.get(index);
    if (embedding === undefined) throw badReply(`no embedding for text ${index}`);
    return normalise(embedding);
  });
}

function normalise(vector: readonly number[]): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  if (!(length > MIN_LENGTH)) throw badReply("an embedding that is zero");
  return Float32Array.from(vector, (value) => value / length);
}
