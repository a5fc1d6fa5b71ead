import { resolve } from "node:path";
import { AtosError } from "../base/errors.ts";
import { checkRequest } from "./check-request.ts";
import { checkGgufFile } from "./gguf-file.ts";
import { LlamaProcess } from "./llama-process.ts";
import type { ChatMessage, GenerateRequest, Model, ModelPart, ModelSource } from "./model.ts";

export type GgufSource = Extract<ModelSource, { readonly kind: "gguf" }>;

export type EmbeddedOptions = {
  readonly threads: number;
  /** Ends the loading; a loaded model does not listen to it. */
  readonly signal: AbortSignal;
  /**
   * Begin every reply with an empty cache, so that the same request gives the same text, at the price
   * of evaluating the whole prompt each time (`cachedTokens` is 0). Default: true.
   */
  readonly deterministic?: boolean;
};

/** A model in a process of its own, whose id is `pid`. */
export type EmbeddedModel = Model & { readonly pid: number };

/**
 * Loads a GGUF file with llama.cpp.
 *
 * The context holds `contextTokens` of the source (default 4096), or as many as the model was trained
 * for when that is less. Replies are computed one at a time, in the order they were asked for; a reply
 * that meets the end of the context ends as `length`. With a temperature above 0 tokens are drawn from
 * the 40 likeliest that make up 95 %.
 *
 * @throws `engine/model-not-found`, `engine/model-broken`, `engine/no-chat-template`,
 * `engine/bad-chat-template`, `engine/not-enough-memory`, `engine/child-died`; the signal's reason.
 */
export async function loadEmbeddedModel(source: GgufSource, options: EmbeddedOptions): Promise<EmbeddedModel> {
  const path = resolve(source.path);
  await checkGgufFile(path);
  options.signal.throwIfAborted();
  await using starting = new AsyncDisposableStack();
  const child = starting.use(new LlamaProcess(source.id));
  const load = {
    path,
    threads: options.threads,
    deterministic: options.deterministic ?? true,
    ...(source.contextTokens === undefined ? {} : { contextTokens: source.contextTokens }),
  };
  for await (const answer of child.ask({ kind: "load", options: load }, options.signal)) {
    if (answer.kind !== "loaded") continue;
    starting.move();
    return embeddedModel(source.id, child, answer.contextTokens);
  }
  throw noAnswer(source.id);
}

function embeddedModel(id: string, child: LlamaProcess, contextTokens: number): EmbeddedModel {
  return {
    id,
    pid: child.pid,
    contextTokens,
    async count(messages: readonly ChatMessage[]): Promise<number> {
      for await (const answer of child.ask({ kind: "count", messages })) {
        if (answer.kind === "counted") return answer.tokens;
      }
      throw noAnswer(id);
    },
    async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
      checkRequest(request);
      for await (const answer of child.ask({ kind: "generate", request }, signal)) {
        if (answer.kind === "part") yield answer.part;
      }
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function noAnswer(id: string): AtosError {
  return new AtosError("engine/child-died", `the process of the model ${id} gave no answer; load the model again`);
}
