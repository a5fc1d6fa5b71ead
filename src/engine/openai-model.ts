import { AtosError, missingError } from "../base/errors.ts";
import type { TokenUsage } from "../base/events.ts";
import { badReply, type ChatChunk, readChatStream } from "./chat-stream.ts";
import { checkRequest } from "./check-request.ts";
import { contextOverflow } from "./context-overflow.ts";
import type { FinishReason, GenerateRequest, Model, ModelPart, ModelSource } from "./model.ts";
import { ServerConnection, type ServerResponse } from "./server-connection.ts";
import { fetchModels, refused, timedOut } from "./server-models.ts";
import { promptTokenBound, textTokenBound } from "./token-bound.ts";
import { Watchdog } from "./watchdog.ts";

export type OpenAiSource = Extract<ModelSource, { readonly kind: "openai" }>;

export type OpenAiOptions = {
  readonly apiKey?: string;
  /** From the request to the first token. Default: 60 seconds. */
  readonly firstTokenTimeoutMs?: number;
  /** From one token to the next. Default: 60 seconds. */
  readonly nextTokenTimeoutMs?: number;
};

const TOKEN_TIMEOUT_MS = 60_000;
/** No vocabulary has longer tokens; a server that sends more than this for each does not keep to `max_tokens`. */
const MAX_TOKEN_CHARACTERS = 256;

/**
 * A model behind an OpenAI-compatible HTTP server. Opening it sends nothing.
 *
 * Each `generate` is one request. Stop strings, sampling and the length are the server's work; a reply
 * that ends for another reason than `stop` or `length` is an error. Usage is the server's, and when it
 * tells none, an upper bound marked as such. Thinking that the server tells apart is left out of the text.
 *
 * `generate` throws `engine/bad-request`, `engine/context-overflow`, `engine/server-unreachable`,
 * `engine/server-refused-key`, `engine/server-model-unknown`, `engine/server-busy`, `engine/server-error`,
 * `engine/server-timeout`, `engine/stream-cut`, `engine/bad-server-reply`, `engine/model-closed`, or
 * the signal's reason. None of them holds the key.
 */
export function openOpenAiModel(source: OpenAiSource, options: OpenAiOptions = {}): Model {
  const key = options.apiKey === undefined ? {} : { apiKey: options.apiKey };
  const server = new ServerConnection({ baseUrl: source.baseUrl, ...key });
  const clean = (text: string) => server.clean(text);
  return {
    id: source.id,
    contextTokens: source.contextTokens,
    count: (messages) => Promise.resolve(promptTokenBound(messages)),
    async *generate(request, signal) {
      checkRequest(request);
      signal.throwIfAborted();
      const promptTokens = promptTokenBound(request.messages);
      if (promptTokens + 1 > source.contextTokens) throw contextOverflow(promptTokens, source.contextTokens, "bound");
      using watchdog = new Watchdog();
      const either = AbortSignal.any([signal, watchdog.signal]);
      const timeouts = timeoutsOf(server, options);
      watchdog.expect(timeouts.firstMs, timeouts.firstError);
      try {
        const body = requestBody(source.model, request);
        const response = await server.send({ method: "POST", path: "/chat/completions", body, signal: either });
        if (response.statusCode !== 200) throw await refusal(server, response, { model: source.model, signal: either });
        if (String(response.headers["content-type"]).startsWith("application/json"))
          throw badReply(`no stream but ${await server.excerpt(response)}`);
        const reply = new ReplyReader(request, clean);
        for await (const chunk of readChatStream(response.body, clean)) {
          reply.take(chunk);
          if (chunk.text === "" && chunk.reasoning === "" && chunk.finish === undefined) continue;
          // The reader may take its time with a part; that is not the server's silence.
          watchdog.rest();
          if (chunk.text !== "") yield { kind: "text", text: chunk.text };
          watchdog.expect(timeouts.nextMs, timeouts.nextError);
        }
        yield reply.end(promptTokens);
      } catch (error) {
        if (either.aborted) throw either.reason;
        throw server.failure(error, "answer");
      }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Follows one reply to its end, and holds it to what was asked. */
class ReplyReader {
  readonly #maxCharacters: number;
  readonly #clean: (text: string) => string;
  #text = "";
  #finish: FinishReason | undefined;
  #usage: TokenUsage | undefined;

  constructor(request: GenerateRequest, clean: (text: string) => string) {
    this.#clean = clean;
    this.#maxCharacters = (request.maxTokens + 1) * MAX_TOKEN_CHARACTERS;
  }

  take(chunk: ChatChunk): void {
    this.#text += chunk.reasoning + chunk.text;
    if (this.#text.length > this.#maxCharacters) throw badReply("far more text than max_tokens allows");
    if (chunk.finish === "stop" || chunk.finish === "length") this.#finish = chunk.finish;
    else if (chunk.finish !== undefined)
      throw badReply(`a reply that ended for a reason ATOS does not know, "${this.#clean(chunk.finish)}"`);
    this.#usage = chunk.usage ?? this.#usage;
  }

  end(promptTokens: number): ModelPart {
    if (this.#finish === undefined) {
      const why = `the model server ended its stream before the reply was finished`;
      throw new AtosError("engine/stream-cut", `${why}; look at the server's log, and try again`);
    }
    if (this.#usage !== undefined) return { kind: "end", finish: this.#finish, usage: this.#usage };
    const usage = { promptTokens, cachedTokens: 0, outputTokens: textTokenBound(this.#text) };
    return { kind: "end", finish: this.#finish, usage, usageIsBound: true };
  }
}

function requestBody(model: string, request: GenerateRequest): unknown {
  return {
    model,
    messages: request.messages,
    max_tokens: request.maxTokens,
    temperature: request.temperature,
    seed: request.seed,
    ...(request.stop === undefined || request.stop.length === 0 ? {} : { stop: request.stop }),
    stream: true,
    stream_options: { include_usage: true },
  };
}

type Asked = { readonly model: string; readonly signal: AbortSignal };

/** A 404 says either that the model or that the address is wrong; what the server offers tells which. */
async function refusal(server: ServerConnection, response: ServerResponse, asked: Asked): Promise<AtosError> {
  const said = await server.excerpt(response);
  const plain = refused(server, response.statusCode, said);
  if (response.statusCode !== 404) return plain;
  const offered = await fetchModels(server, asked.signal).catch(() => undefined);
  if (offered === undefined || offered.includes(asked.model))
    return new AtosError(plain.code, `${plain.message}; check the address, which often ends in /v1`);
  const list = offered.length === 0 ? "no model at all" : server.hideKey(offered.slice(0, 50).join(", "));
  const why = `the model server at ${server.baseUrl} does not know the model ${asked.model}: ${said}`;
  return missingError("engine/server-model-unknown", `${why}; it offers ${list}`);
}

function timeoutsOf(server: ServerConnection, options: OpenAiOptions) {
  const firstMs = options.firstTokenTimeoutMs ?? TOKEN_TIMEOUT_MS;
  const nextMs = options.nextTokenTimeoutMs ?? TOKEN_TIMEOUT_MS;
  return {
    firstMs,
    nextMs,
    firstError: () => timedOut(server.baseUrl, "first token", firstMs),
    nextError: () => timedOut(server.baseUrl, "further token", nextMs),
  };
}
