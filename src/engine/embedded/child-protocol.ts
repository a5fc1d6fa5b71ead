import { z } from "zod";
import { AtosError, EXIT, messageOf } from "../../base/errors.ts";
import { REQUEST_OPTIONS } from "../model.ts";

/*
 * What the parent and the process that holds the weights say to each other. `call` numbers the
 * parent's requests; every request but `abort` gets replies under its number, the last of which is of
 * another kind than `part` and `progress`, or a part of kind `end`.
 */

const call = z.int();
const chatMessage = z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() });
const thinking = z.enum(["on", "off"]).optional();
const messages = z.array(chatMessage).readonly();

const generateRequest = z.object({
  messages,
  thinking,
  maxTokens: z.number(),
  temperature: z.number(),
  seed: z.number(),
  stop: z.array(z.string()).readonly().optional(),
  topK: z.number().optional(),
  topP: z.number().optional(),
  minP: z.number().optional(),
  repeatPenalty: z.number().optional(),
  presencePenalty: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  shape: z
    .discriminatedUnion("kind", [
      z.object({ kind: z.literal("json-schema"), schema: z.record(z.string(), z.unknown()) }),
      z.object({ kind: z.literal("gbnf"), grammar: z.string() }),
    ])
    .optional(),
  thinkingBudgetTokens: z.number().optional(),
});

const settings = z.object({
  contextTokens: z.number().optional(),
  gpuLayers: z.number().optional(),
  cacheType: z.enum(["f32", "f16", "q8_0", "q4_0"]),
  flashAttention: z.boolean().optional(),
  batchTokens: z.number(),
  slots: z.number(),
  adapters: z.array(z.object({ path: z.string(), scale: z.number() })).readonly(),
  promptLookup: z.boolean(),
  deterministic: z.boolean(),
});

const contextSize = z.object({ slots: z.number(), contextTokens: z.number() });
const weights = { call, path: z.string(), threads: z.number(), settings };
const savedCache = z.object({ path: z.string(), key: z.string(), tokens: z.number(), bytes: z.number() });

export const childRequest = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("load"), ...weights }),
  z.object({ kind: z.literal("load-embedder"), ...weights }),
  z.object({ kind: z.literal("render"), call, prompt: z.object({ messages, thinking }) }),
  z.object({ kind: z.literal("count-text"), call, text: z.string() }),
  z.object({ kind: z.literal("generate"), call, request: generateRequest }),
  z.object({ kind: z.literal("save-caches"), call, directory: z.string() }),
  z.object({ kind: z.literal("restore-cache"), call, saved: savedCache }),
  z.object({ kind: z.literal("resize"), call, size: contextSize }),
  z.object({ kind: z.literal("embed"), call, texts: z.array(z.string()).readonly() }),
  z.object({ kind: z.literal("abort"), call }),
]);

const part = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("text"), text: z.string() }),
  z.object({ kind: z.literal("reasoning"), text: z.string() }),
  z.object({
    kind: z.literal("end"),
    finish: z.enum(["stop", "length"]),
    usage: z.object({ promptTokens: z.number(), cachedTokens: z.number(), outputTokens: z.number() }),
    usageIsBound: z.literal(true).exactOptional(),
  }),
]);

const requestOption = z.enum(REQUEST_OPTIONS);

const failure = z.object({
  code: z.string(),
  message: z.string(),
  exitCode: z.union([
    z.literal(EXIT.done),
    z.literal(EXIT.failed),
    z.literal(EXIT.usage),
    z.literal(EXIT.missing),
    z.literal(EXIT.interrupted),
  ]),
});

export const childReply = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("loaded"), call, size: contextSize, options: z.array(requestOption).readonly() }),
  z.object({ kind: z.literal("embedder-loaded"), call, contextTokens: z.number(), dimensions: z.number() }),
  z.object({ kind: z.literal("rendered"), call, text: z.string(), tokens: z.number() }),
  z.object({ kind: z.literal("counted"), call, tokens: z.number() }),
  z.object({ kind: z.literal("part"), call, part }),
  // Between two batches of a long prompt: how many of its tokens are evaluated.
  z.object({ kind: z.literal("progress"), call, promptTokens: z.number() }),
  z.object({ kind: z.literal("caches-saved"), call, caches: z.array(savedCache).readonly() }),
  z.object({ kind: z.literal("cache-restored"), call }),
  z.object({ kind: z.literal("resized"), call, size: contextSize }),
  z.object({ kind: z.literal("embedded"), call, vectors: z.array(z.instanceof(Float32Array)).readonly() }),
  z.object({ kind: z.literal("failed"), call, failure }),
]);

export type ChildRequest = z.infer<typeof childRequest>;
export type ChildReply = z.infer<typeof childReply>;
/** What a loaded model is, as its process tells it. */
export type LoadedReply = Extract<ChildReply, { readonly kind: "loaded" }>;
export type ChildFailure = z.infer<typeof failure>;

/** An error as it crosses the process border: what was raised on purpose keeps its code. */
export function failureOf(error: unknown): ChildFailure {
  return error instanceof AtosError
    ? { code: error.code, message: error.message, exitCode: error.exitCode }
    : { code: "engine/generation-failed", message: `the model failed: ${messageOf(error)}`, exitCode: EXIT.failed };
}

export function errorOf({ code, message, exitCode }: ChildFailure): AtosError {
  return new AtosError(code, message, { exitCode });
}
