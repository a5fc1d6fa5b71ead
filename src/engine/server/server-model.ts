import { AtosError, missingError } from "../../base/errors.ts";
import { badReply, ChatStream } from "./chat-stream.ts";
import { checkRequest } from "../check-request.ts";
import { contextOverflow } from "../context-overflow.ts";
import type { Capabilities, GenerateRequest, Model, ModelPart, OpenAiSource, RenderedPrompt } from "../model.ts";
import { ServerConnection, type ServerResponse } from "./server-connection.ts";
import { boundCounter, MessageSizes, openExactCounter, type PromptCounter, RenderedPrompts } from "./server-counter.ts";
import { chooseContext, discoverServer } from "./server-discovery.ts";
import { refused, timedOut } from "./server-failure.ts";
import type { ServerIdentity, ServerKind } from "./server-kind.ts";
import { fetchModels } from "./server-models.ts";
import { checkShape, optionFields, serverOptions, serverSlots } from "./server-options.ts";
import { type ReplyEnd, ReplyReader } from "./server-reply.ts";
import { cutReason, leastTokens, tellsWholePrompt, truncated } from "./server-truncation.ts";
import { promptTokenBound, textTokenBound } from "./token-bound.ts";
import { TokenCalibration } from "./token-calibration.ts";
import { Watchdog } from "./watchdog.ts";

export type ServerModelOptions = {
  readonly apiKey?: string | undefined;
  /** From the request to the first token. Default: 60 seconds. */
  readonly firstTokenTimeoutMs?: number;
  /** From one token to the next. Default: 60 seconds. */
  readonly nextTokenTimeoutMs?: number;
};

const TOKEN_TIMEOUT_MS = 60_000;
/** They don't say for how long they keep a connection: Ollama for ever, vLLM for five seconds. */
const KEEP_CONNECTIONS: ReadonlySet<ServerKind> = new Set(["ollama", "vllm"]);

/**
 * Opens a model behind an OpenAI-compatible HTTP server: asks what kind of server it is, what it can
 * honour and how it counts, and has an Ollama load the model. A server that tells a smaller context
 * than the source has is an error (`engine/context-too-large`).
 *
 * Each `generate` is one request for a reply, after those that count the prompt where the server can; the
 * very list of messages that `render` counted last is not counted again. Text that comes together is one
 * part. Stop strings, sampling and the length are the server's work, and so are the values of options that
 * a request leaves out. A reply that ends for another reason than `stop`, `length` or `tool_calls` is an
 * error. Tool calls that the server took out of the text come back as text: see `toolCallText`. Usage is
 * the server's (some count the token that ends a reply); when it tells none, an upper bound marked so.
 *
 * `generate` throws `engine/bad-request`, `engine/unsupported-option`, `engine/context-overflow`,
 * `engine/server-unreachable`, `engine/server-refused-key`, `engine/server-model-unknown`,
 * `engine/server-busy`, `engine/server-error`, `engine/server-timeout`, `engine/server-truncated` (at the
 * end of the reply), `engine/stream-cut`, `engine/bad-server-reply`, `engine/model-closed`, or the signal's
 * reason. None of them holds the key. Opening throws those of them that can happen before a reply.
 */
export async function openServerModel(
  source: OpenAiSource,
  options: ServerModelOptions,
  signal: AbortSignal,
): Promise<ServerModel> {
  const { baseUrl, model, contextTokens } = source;
  const { apiKey } = options;
  await using stack = new AsyncDisposableStack();
  const server = stack.use(new ServerConnection({ baseUrl, ...(apiKey === undefined ? {} : { apiKey }) }));
  const identity = await discoverServer(server, model, signal);
  if (KEEP_CONNECTIONS.has(identity.kind)) server.trustIdle();
  chooseContext(identity, contextTokens, `${baseUrl}#${model}`);
  const exact = await openExactCounter({ server, kind: identity.kind, model }, signal);
  const calibration = new TokenCalibration();
  const sizes = new MessageSizes();
  const opened = new ServerModel(source, options, {
    server,
    identity,
    calibration,
    counter: exact ?? boundCounter(calibration, sizes),
    sizes,
    capabilities: {
      options: serverOptions(identity, identity.thinks === true || exact?.thinks === true),
      slots: serverSlots(identity),
    },
  });
  stack.move();
  return opened;
}

type Parts = {
  readonly server: ServerConnection;
  readonly identity: ServerIdentity;
  readonly counter: PromptCounter;
  readonly calibration: TokenCalibration;
  readonly sizes: MessageSizes;
  readonly capabilities: Capabilities;
};

export class ServerModel implements Model {
  readonly id: string;
  readonly contextTokens: number;
  readonly capabilities: Capabilities;
  /** What the server was found to be. */
  readonly identity: ServerIdentity;
  readonly #model: string;
  readonly #parts: Parts;
  readonly #prompts: RenderedPrompts;
  readonly #timeouts: Timeouts;

  constructor(source: OpenAiSource, options: ServerModelOptions, parts: Parts) {
    this.id = source.id;
    this.contextTokens = source.contextTokens;
    this.capabilities = parts.capabilities;
    this.identity = parts.identity;
    this.#model = source.model;
    this.#parts = parts;
    this.#prompts = new RenderedPrompts(parts.counter);
    this.#timeouts = timeoutsOf(parts.server.baseUrl, options);
  }

  readonly render: Model["render"] = (prompt, signal) => this.#prompts.render(prompt, signal);
  readonly countText: Model["countText"] = (text, signal) => this.#parts.counter.countText(text, signal);

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    checkRequest(request, this.capabilities.options);
    checkShape(request.shape, this.identity.kind);
    signal.throwIfAborted();
    const prompt = await this.#prompts.take(request, signal);
    if (prompt.tokens + 1 > this.contextTokens)
      throw contextOverflow(prompt.tokens, this.contextTokens, prompt.exact ? "exact" : "bound");
    const { server } = this.#parts;
    const clean = (text: string) => server.clean(text);
    using watchdog = new Watchdog(signal);
    const either = watchdog.signal;
    const { firstMs, firstError, nextMs, nextError } = this.#timeouts;
    watchdog.expect(firstMs, firstError);
    try {
      const maxTokens = this.#maxTokens(request, prompt);
      const response = await this.#post(this.#body(request, maxTokens), either);
      const stream = new ChatStream(clean);
      const reply = new ReplyReader(maxTokens, clean);
      try {
        for await (const bytes of response.body.iterator({ destroyOnReturn: false })) {
          const parts = reply.take(stream.read(bytes));
          if (parts !== undefined) {
            // The reader may take its time with a part; that is not the server's silence.
            watchdog.rest();
            yield* parts;
            watchdog.expect(nextMs, nextError);
          }
          if (stream.isDone) break;
        }
      } finally {
        if (stream.isDone) server.dropRest(response);
        else server.breakOff(response);
      }
      watchdog.rest();
      const end = this.#judge(reply.end(), request, prompt);
      yield* reply.toolCalls();
      yield end;
    } catch (error) {
      if (either.aborted) throw either.reason;
      throw server.failure(error, "answer");
    }
  }

  /** Some servers refuse a reply that might not fit; where the prompt is counted exactly it is cut to what does. */
  #maxTokens({ maxTokens }: GenerateRequest, { tokens, exact }: RenderedPrompt): number {
    return exact ? Math.min(maxTokens, this.contextTokens - tokens) : maxTokens;
  }

  #body(request: GenerateRequest, maxTokens: number): unknown {
    return {
      model: this.#model,
      messages: request.messages,
      max_tokens: maxTokens,
      temperature: request.temperature,
      seed: request.seed,
      ...optionFields(request, this.identity.kind),
      stream: true,
      stream_options: { include_usage: true },
    };
  }

  async #post(body: unknown, signal: AbortSignal): Promise<ServerResponse> {
    const { server } = this.#parts;
    const response = await server.send({
      method: "POST",
      path: "/chat/completions",
      accept: "text/event-stream",
      body,
      signal,
    });
    if (response.statusCode !== 200) throw await refusal(server, response, { model: this.#model, signal });
    if (String(response.headers["content-type"]).startsWith("application/json"))
      throw badReply(`no stream but ${await server.excerpt(response)}`);
    return response;
  }

  /** Compares what the server says it read with what it was sent, and learns from it. */
  #judge({ finish, usage, written }: ReplyEnd, request: GenerateRequest, prompt: RenderedPrompt): ModelPart {
    if (usage === undefined) {
      const bound = { promptTokens: prompt.tokens, cachedTokens: 0, outputTokens: textTokenBound(written) };
      return { kind: "end", finish, usage: bound, usageIsBound: true };
    }
    if (tellsWholePrompt(this.identity, usage.promptTokens)) {
      const least = leastTokens(request.messages, prompt, this.#parts.sizes.wordsOf);
      // A plain server may count what it had cached besides the prompt and not within it: it is believed either way.
      const read = prompt.exact ? usage.promptTokens : usage.promptTokens + usage.cachedTokens;
      const reason = cutReason(read, least, this.identity.contextTokens);
      if (reason !== undefined) throw truncated(this.#parts.server.baseUrl, reason);
      if (!prompt.exact)
        this.#parts.calibration.note(promptTokenBound(request.messages, this.#parts.sizes.boundOf), usage.promptTokens);
    }
    return { kind: "end", finish, usage };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.server[Symbol.asyncDispose]();
  }
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

type Timeouts = ReturnType<typeof timeoutsOf>;

function timeoutsOf(baseUrl: string, options: ServerModelOptions) {
  const firstMs = options.firstTokenTimeoutMs ?? TOKEN_TIMEOUT_MS;
  const nextMs = options.nextTokenTimeoutMs ?? TOKEN_TIMEOUT_MS;
  return {
    firstMs,
    nextMs,
    firstError: () => timedOut(baseUrl, "first token", firstMs),
    nextError: () => timedOut(baseUrl, "further token", nextMs),
  };
}
