import type { TokenUsage } from "../base/events.ts";

export type ChatMessage = {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
};

/** Everything that decides a reply. What is absent is the engine's documented default, never a hidden one. */
export type GenerateRequest = {
  readonly messages: readonly ChatMessage[];
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly seed: number;
  readonly stop?: readonly string[];
};

export type FinishReason = "stop" | "length";

/**
 * A reply as a stream: any number of `text`, then exactly one `end`.
 *
 * `outputTokens` are those of the reply, without the token that ends it. `usageIsBound` marks usage
 * that a server did not tell: then it is an upper bound from the text.
 */
export type ModelPart =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "end";
      readonly finish: FinishReason;
      readonly usage: TokenUsage;
      readonly usageIsBound?: true;
    };

/**
 * One model, loaded or reachable. Holds a resource: dispose it.
 *
 * `generate` makes one attempt and never retries; an abort of `signal` ends it with the signal's
 * reason. A prompt that does not fit is refused before it is sent, with the numbers
 * (`engine/context-overflow`), never cut.
 */
export type Model = AsyncDisposable & {
  readonly id: string;
  /** Tokens of prompt and reply together. */
  readonly contextTokens: number;
  /** Tokens the rendered prompt takes: exact for embedded models, an upper bound for servers. */
  count(messages: readonly ChatMessage[]): Promise<number>;
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
};

/** Where a model comes from, as the roster or `--model` said it. */
export type ModelSource =
  | { readonly kind: "gguf"; readonly id: string; readonly path: string; readonly contextTokens?: number | undefined }
  | {
      readonly kind: "openai";
      readonly id: string;
      /** Ends in `/v1` or whatever the server wants before `/chat/completions`. */
      readonly baseUrl: string;
      readonly model: string;
      readonly contextTokens: number;
      /** Name of the environment variable that holds the key; the key itself is never stored. */
      readonly apiKeyVariable?: string | undefined;
    };

/** What the receipt says of a model. */
export type ModelIdentity = {
  readonly id: string;
  readonly source: string;
  /** Of the weights file; absent for a server, whose weights ATOS can't see. */
  readonly sha256?: string;
  readonly bytes?: number;
};
