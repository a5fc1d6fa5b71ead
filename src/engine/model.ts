import type { TokenUsage } from "../base/events.ts";

export type ChatMessage = {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
};

/** What a model reads: the messages, and whether its template is told to think. */
export type Prompt = {
  readonly messages: readonly ChatMessage[];
  /** Absent: as the model's template does it. */
  readonly thinking?: "on" | "off" | undefined;
};

/** What forces the shape of a reply: a JSON schema (a subset: `checkJsonSchema` names it) or a GBNF grammar. */
export type ReplyShape =
  | { readonly kind: "json-schema"; readonly schema: JsonSchema }
  | { readonly kind: "gbnf"; readonly grammar: string };

export type JsonSchema = { readonly [key: string]: unknown };

/**
 * Parts of a request that not every model can honour. A model lists those it does; any other one in
 * a request is `engine/unsupported-option`, never dropped.
 */
export type SamplingOptions = {
  readonly stop?: readonly string[] | undefined;
  /** Draw from the likeliest tokens only; 0 is all of them. */
  readonly topK?: number | undefined;
  /** Draw from the likeliest tokens that make up this part, over 0 to 1. */
  readonly topP?: number | undefined;
  /** Leave out tokens less likely than this part of the likeliest one, 0 to 1. */
  readonly minP?: number | undefined;
  /** Divides the logits of tokens among the reply's last 64; 1 is off. */
  readonly repeatPenalty?: number | undefined;
  /** Subtracted once from tokens seen there, -2 to 2. */
  readonly presencePenalty?: number | undefined;
  /** Subtracted from tokens for every time they were seen there, -2 to 2. */
  readonly frequencyPenalty?: number | undefined;
  /** Not together with `stop`. A reply that fails it in the end, or was cut, is `engine/reply-out-of-shape`. */
  readonly shape?: ReplyShape | undefined;
  /** Tokens of reasoning after which the engine closes the reasoning block itself. */
  readonly thinkingBudgetTokens?: number | undefined;
};

/** Everything that decides a reply. What is absent is the engine's documented default, never a hidden one. */
export type GenerateRequest = Prompt &
  SamplingOptions & {
    readonly maxTokens: number;
    /** 0 is greedy. */
    readonly temperature: number;
    readonly seed: number;
  };

export const REQUEST_OPTIONS = [
  "stop",
  "topK",
  "topP",
  "minP",
  "repeatPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "shape",
  "thinkingBudgetTokens",
  "thinking",
] as const satisfies readonly (keyof SamplingOptions | "thinking")[];
export type RequestOption = (typeof REQUEST_OPTIONS)[number];

export type FinishReason = "stop" | "length";

/**
 * A reply as a stream: any number of `reasoning` and `text`, then exactly one `end`.
 *
 * `reasoning` is what a server tells apart; an engine that does not leaves it in the text, between
 * the model's own marks. `outputTokens` are those of the reply, reasoning included, without the token
 * that ends it, which some servers count too. `usageIsBound` marks usage that a server did not tell: then it is an upper bound.
 */
export type ModelPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "reasoning"; readonly text: string }
  | {
      readonly kind: "end";
      readonly finish: FinishReason;
      readonly usage: TokenUsage;
      readonly usageIsBound?: true;
    };

/**
 * A prompt as the model reads it: the text that is tokenised. From a server that does not tell that text,
 * the messages as JSON.
 */
export type RenderedPrompt = {
  readonly text: string;
  readonly tokens: number;
  /** Whether `tokens` is the model's own count; else an upper bound. */
  readonly exact: boolean;
};

export type Capabilities = {
  readonly options: ReadonlySet<RequestOption>;
  /** Replies computed at the same time; further ones wait. */
  readonly slots: number;
};

/**
 * One model, loaded or reachable. Holds a resource: disposing it takes at most half a second, then
 * what still runs is killed.
 *
 * `generate` makes one attempt and never retries; an abort of `signal` ends it with the signal's
 * reason. A prompt that does not fit is refused before it is sent, with the numbers
 * (`engine/context-overflow`), never cut.
 */
export type Model = AsyncDisposable & {
  readonly id: string;
  /** Tokens of prompt and reply together. */
  readonly contextTokens: number;
  readonly capabilities: Capabilities;
  /** The prompt as it will be sent, and its size. */
  render(prompt: Prompt, signal?: AbortSignal): Promise<RenderedPrompt>;
  /** Tokens of a text alone, without what a template adds: exact or a bound, as `render` says. */
  countText(text: string, signal?: AbortSignal): Promise<number>;
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
};

/** What one slot of a model had computed, kept in a file. Fits only the model and settings it came from. */
export type SavedCache = {
  readonly path: string;
  /** SHA-256 over weights, settings and tokens. */
  readonly key: string;
  readonly tokens: number;
  readonly bytes: number;
};

/** A model whose prompt cache can leave memory and come back. */
export type CachingModel = Model & {
  /** Writes each slot that holds something into `directory`. Waits for replies under way. */
  saveCaches(directory: string, signal: AbortSignal): Promise<readonly SavedCache[]>;
  /**
   * Into the idle slot that holds least: several caches, one after the other, go to several slots.
   *
   * @throws `engine/wrong-cache` when it was saved by another model or other settings, or is damaged.
   */
  restoreCache(saved: SavedCache, signal: AbortSignal): Promise<void>;
};

/** Turns texts into vectors of length 1. */
export type Embedder = AsyncDisposable & {
  readonly id: string;
  readonly dimensions: number;
  /** A longer text is `engine/context-overflow`. */
  readonly contextTokens: number;
  embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>;
};

/** Bytes a model takes, by part and place. Estimated before loading; the pool corrects it by what it measures. */
export type MemoryEstimate = {
  readonly weights: PlacedBytes;
  /** Key-value cache of one slot at the whole context. */
  readonly cachePerSlot: PlacedBytes;
  readonly adapters: PlacedBytes;
  /** Scratch buffers of the computation. */
  readonly compute: PlacedBytes;
  /** All of the above for every slot. */
  readonly total: PlacedBytes;
};

/** Bytes in system memory and in the memory of the GPU. */
export type PlacedBytes = { readonly system: number; readonly gpu: number };

/** How an embedded model is loaded. A change of any of them is another load. */
export type GgufSettings = {
  /** Default 4096, or as many as the model was trained for when that is less. More than that is refused. */
  readonly contextTokens?: number | undefined;
  /** Layers on the GPU. Default: as many as fit, which is none without a GPU. */
  readonly gpuLayers?: number | undefined;
  /** The GPUs it may use, by number or UUID as `childEnvironment` reads them. Default: all that this process sees. */
  readonly gpus?: readonly string[] | undefined;
  /** Precision of the key-value cache. Default `f16`. The quantised ones switch flash attention on. */
  readonly cacheType?: "f32" | "f16" | "q8_0" | "q4_0" | undefined;
  readonly flashAttention?: boolean | undefined;
  /** Tokens evaluated at once. Default 512. */
  readonly batchTokens?: number | undefined;
  /** Replies at once, each with a context of its own. Default 1. */
  readonly slots?: number | undefined;
  readonly adapters?: readonly Adapter[] | undefined;
  /** Guess next tokens from the prompt and check several at once. Default: off. */
  readonly promptLookup?: boolean | undefined;
  /**
   * Begin every reply with an empty cache, so that the same request gives the same text, at the price
   * of evaluating the whole prompt each time. Default: true, but with several slots or prompt lookup,
   * which can't be deterministic and are refused together with it.
   */
  readonly deterministic?: boolean | undefined;
};

/** A LoRA adapter in a GGUF file. */
export type Adapter = { readonly path: string; readonly scale: number };

/** Where a model comes from, as the roster or `--model` said it. */
export type ModelSource =
  | ({ readonly kind: "gguf"; readonly id: string; readonly path: string } & GgufSettings & ModelUse)
  | (ModelUse & {
      readonly kind: "openai";
      readonly id: string;
      /** Ends in `/v1` or whatever the server wants before `/chat/completions`. */
      readonly baseUrl: string;
      readonly model: string;
      /** What the server was found or told to hold when the model was chosen. */
      readonly contextTokens: number;
      /** Name of the environment variable that holds the key; the key itself is never stored. */
      readonly apiKeyVariable?: string | undefined;
      /** A file that holds the key, for those who keep it out of the environment. */
      readonly apiKeyFile?: string | undefined;
      /** Requests at once. Default: as many as the server computes together, where it says so. */
      readonly concurrency?: number | undefined;
      readonly requestsPerMinute?: number | undefined;
    });

/** How agents are to ask a model; loading it does not depend on that. */
export type ModelUse = {
  /** Default: off where the model can be told. */
  readonly thinking?: "on" | "off" | undefined;
  /** A wish to keep it loaded, heeded where that costs no time. A server does as it likes. */
  readonly pinned?: boolean | undefined;
};

export type GgufSource = Extract<ModelSource, { readonly kind: "gguf" }>;
export type OpenAiSource = Extract<ModelSource, { readonly kind: "openai" }>;

/** What the receipt says of a model. */
export type ModelIdentity = {
  readonly id: string;
  readonly source: string;
  /** Of the weights file; absent for a server, whose weights ATOS can't see. */
  readonly sha256?: string;
  readonly bytes?: number;
};
