import { setTimeout as delay } from "node:timers/promises";
import {
  getLlama,
  InsufficientMemoryError,
  type LlamaContextSequence,
  LlamaLogLevel,
  type LlamaModel,
  LlamaVocabularyType,
  type Token,
} from "node-llama-cpp";
import { AtosError, messageOf, missingError } from "../base/errors.ts";
import { type ChatTemplate, compileChatTemplate } from "./chat-template.ts";
import type { LoadOptions } from "./child-protocol.ts";
import { contextOverflow } from "./context-overflow.ts";
import { modelBroken } from "./gguf-file.ts";
import { checkGgufStructure } from "./gguf-structure.ts";
import type { ChatMessage, GenerateRequest, ModelPart } from "./model.ts";
import { StopScanner } from "./stop-scanner.ts";
import { TokenText } from "./token-text.ts";

const DEFAULT_CONTEXT_TOKENS = 4096;
/** Fixed, because the size of a batch changes the last digits of what it computes. */
const BATCH_TOKENS = 512;
/** llama.cpp's own defaults for sampling, written down so that none of them is hidden. */
const SAMPLING = { topK: 40, topP: 0.95, minP: 0 } as const;

/**
 * Loads a model into this process. Everything about the file is checked here: a file cut short, a
 * vocabulary without a chat template or a context too large for the memory end as an `AtosError`.
 */
export async function openLlamaSession(options: LoadOptions): Promise<LlamaSession> {
  await checkGgufStructure(options.path);
  const complaints: string[] = [];
  const llama = await getLlama({
    gpu: "auto",
    build: "never",
    skipDownload: true,
    maxThreads: options.threads,
    logLevel: LlamaLogLevel.error,
    logger: (_, text) => void complaints.push(text.trim()),
  });
  const model = await llama.loadModel({ modelPath: options.path }).catch(async (error: unknown) => {
    // The library hands llama.cpp's reasons over a little after the failure itself.
    await delay(50);
    throw loadFailure(options.path, error, complaints);
  });
  const source = model.fileInfo.metadata.tokenizer?.chat_template;
  if (typeof source !== "string") {
    const why = "it has no chat template (tokenizer.chat_template), so it is no chat model";
    throw missingError("engine/no-chat-template", `the model file ${options.path} can't be talked to: ${why}`);
  }
  const tokens = { bos: model.tokens.bosString ?? "", eos: model.tokens.eosString ?? "" };
  const template = compileChatTemplate(source, tokens);
  const contextTokens = Math.min(options.contextTokens ?? DEFAULT_CONTEXT_TOKENS, model.trainContextSize);
  const context = await model
    .createContext({ contextSize: contextTokens, batchSize: BATCH_TOKENS, threads: options.threads })
    .catch((error: unknown) => {
      throw loadFailure(options.path, error, complaints);
    });
  const sequence = context.getSequence({ contextShift: { strategy: refuseToForget } });
  return new LlamaSession({ model, sequence, template, contextTokens, deterministic: options.deterministic });
}

type SessionParts = {
  readonly model: LlamaModel;
  readonly sequence: LlamaContextSequence;
  readonly template: ChatTemplate;
  readonly contextTokens: number;
  readonly deterministic: boolean;
};

/** A loaded model with one context. One `generate` at a time: the caller sees to that. */
export class LlamaSession {
  readonly contextTokens: number;
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.contextTokens = parts.contextTokens;
  }

  count(messages: readonly ChatMessage[]): number {
    return this.#promptTokens(messages).length;
  }

  /** Ends without an `end` part when `signal` aborts; the session can be used again afterwards. */
  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    const { model } = this.#parts;
    const prompt = this.#promptTokens(request.messages);
    const room = this.contextTokens - prompt.length;
    if (room < 1) throw contextOverflow(prompt.length, this.contextTokens, "exact");
    const outputLimit = Math.min(request.maxTokens, room);
    const cachedTokens = await this.#keepPrefix(prompt);
    const text = new TokenText<Token>((tokens, before) => model.detokenize(tokens, false, before), prompt);
    const scanner = new StopScanner(request.stop ?? []);
    let outputTokens = 0;
    let ended: "by-model" | "by-stop" | "by-length" | undefined;
    for await (const token of this.#sample(prompt.slice(cachedTokens), request, signal)) {
      if (signal.aborted) return;
      if (model.isEogToken(token)) {
        ended = "by-model";
        break;
      }
      outputTokens += 1;
      const scanned = scanner.push(text.push(token));
      if (scanned.text !== "") yield { kind: "text", text: scanned.text };
      if (scanned.stopped) ended = "by-stop";
      else if (outputTokens === outputLimit) ended = "by-length";
      if (ended !== undefined) break;
    }
    if (ended === undefined && signal.aborted) return;
    if (ended === undefined) throw new AtosError("engine/generation-failed", "llama.cpp gave no next token; ask again");
    if (ended !== "by-stop") {
      const last = scanner.push(text.flush());
      const rest = last.text + (last.stopped ? "" : scanner.flush());
      if (rest !== "") yield { kind: "text", text: rest };
    }
    const usage = { promptTokens: prompt.length, cachedTokens, outputTokens };
    yield { kind: "end", finish: ended === "by-length" ? "length" : "stop", usage };
  }

  /** Yields sampled tokens, the token that ends a generation among them, for as long as it is asked. */
  async *#sample(fresh: readonly Token[], request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Token> {
    const { sequence } = this.#parts;
    // One batch at a time, so that an abort does not wait for a long prompt.
    let next = 0;
    for (; fresh.length - next > BATCH_TOKENS; next += BATCH_TOKENS) {
      if (signal.aborted) return;
      await sequence.evaluateWithoutGeneratingNewTokens(fresh.slice(next, next + BATCH_TOKENS));
    }
    if (signal.aborted) return;
    const sampling = { ...SAMPLING, temperature: request.temperature, seed: request.seed, yieldEogToken: true };
    yield* sequence.evaluate(fresh.slice(next), sampling);
  }

  /**
   * Forgets what is in the context from the first token on that differs from `prompt`, or all of it
   * in a deterministic session, and returns how many tokens stay. The last one never does: its
   * evaluation is what the first token of the reply is sampled from.
   */
  async #keepPrefix(prompt: readonly Token[]): Promise<number> {
    const { sequence, deterministic } = this.#parts;
    const known = sequence.contextTokens;
    let same = 0;
    const most = deterministic ? 0 : Math.min(known.length, prompt.length - 1);
    while (same < most && known[same] === prompt[same]) same++;
    if (same < known.length) await sequence.eraseContextTokenRanges([{ start: same, end: known.length }]);
    // Some architectures can't go back to every place and keep less.
    return sequence.nextTokenIndex;
  }

  /**
   * Renders and tokenises. Only the template's own text may become control tokens; content is cut
   * into plain text tokens, so "<|im_end|>" in a file stays nine characters of text.
   */
  #promptTokens(messages: readonly ChatMessage[]): Token[] {
    const { model, template } = this.#parts;
    // Such vocabularies put a space before every text they tokenise, also in the middle of a prompt.
    const trim = model.vocabularyType === LlamaVocabularyType.spm ? "trimLeadingSpace" : undefined;
    const tokens = template(messages).flatMap(({ origin, text }) => model.tokenize(text, origin === "template", trim));
    const { bos, shouldPrependBosToken } = model.tokens;
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens;
  }
}

function loadFailure(path: string, error: unknown, complaints: readonly string[]): AtosError {
  if (error instanceof InsufficientMemoryError) {
    const why = `the model ${path} does not fit into the memory: ${error.message}`;
    return missingError("engine/not-enough-memory", `${why}; use a smaller model or a smaller context`, error);
  }
  const reasons = complaints.filter((line) => line !== "").slice(0, 3);
  return modelBroken(path, [messageOf(error), ...reasons].join(": "), error);
}

function refuseToForget(): never {
  throw new AtosError("engine/context-overflow", "the reply outgrew the context; this is a fault in ATOS, report it");
}
