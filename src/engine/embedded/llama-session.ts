import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AtosError, messageOf, missingError, usageError } from "../../base/errors.ts";
import { type ChatTemplate, compileChatTemplate } from "./chat-template.ts";
import { contextOverflow } from "../context-overflow.ts";
import { type ContextSize, contextSize, DEFAULT_CONTEXT_TOKENS } from "./context-size.ts";
import { readGgufInfo } from "../gguf/gguf-info.ts";
import {
  type ContextHome,
  identityOf,
  type OpenContext,
  openContext,
  replaceContext,
  type SessionOptions,
} from "./llama-context.ts";
import { loadWeights } from "./llama-load.ts";
import { writeReply } from "./llama-reply.ts";
import { openLlamaShape } from "./llama-shape.ts";
import { type LlamaSlot, nearestSlot, type Watch } from "./llama-slot.ts";
import { LlamaVocabulary, type TokenisedPrompt } from "./llama-vocabulary.ts";
import { checkAdapter } from "./lora-adapter.ts";
import {
  type GenerateRequest,
  type ModelPart,
  type Prompt,
  REQUEST_OPTIONS,
  type RequestOption,
  type SavedCache,
} from "../model.ts";
import { cacheKey, checkCache, draftPath, dropDrafts, sealCache, wrongCache } from "./saved-cache.ts";
import { SlotQueue } from "./slot-queue.ts";
import { ThinkingBlock, type ThinkingMarks, thinkingMarksOf } from "./thinking-block.ts";

/**
 * Loads a model into this process. Everything about the file is checked here: a file cut short, a
 * vocabulary without a chat template, a setting that can't be honoured or a context too large for the
 * memory end as an `AtosError`.
 */
export async function openLlamaSession(options: SessionOptions): Promise<LlamaSession> {
  const { path, threads, settings } = options;
  const weights = await loadWeights({
    path,
    threads,
    gpuLayers: settings.gpuLayers,
    contextTokens: (settings.contextTokens ?? DEFAULT_CONTEXT_TOKENS) * settings.slots,
  });
  const { model } = weights;
  const source = model.fileInfo.metadata.tokenizer?.chat_template;
  if (typeof source !== "string") {
    const why = "it has no chat template (tokenizer.chat_template), so it is no chat model";
    throw missingError("engine/no-chat-template", `the model file ${path} can't be talked to: ${why}`);
  }
  const tokens = { bos: model.tokens.bosString ?? "", eos: model.tokens.eosString ?? "" };
  const template = compileChatTemplate(source, tokens);
  const contextTokens = contextSize(settings.contextTokens, model.trainContextSize, path);
  for (const adapter of settings.adapters) await checkAdapter(adapter, model);
  const identity = settings.deterministic ? undefined : await identityOf(model, options);
  const home = { weights, info: await readGgufInfo(path), options, identity };
  const open = await openContext(home, { slots: settings.slots, contextTokens });
  return new LlamaSession({ template, home, open });
}

type SessionParts = { readonly template: ChatTemplate; readonly home: ContextHome; readonly open: OpenContext };

/** A loaded model with one context, which computes a reply in each of its slots. */
export class LlamaSession {
  readonly options: readonly RequestOption[];
  readonly #home: ContextHome;
  readonly #template: ChatTemplate;
  readonly #vocabulary: LlamaVocabulary;
  readonly #slots: SlotQueue<LlamaSlot>;
  readonly #marks: ThinkingMarks | undefined;
  /** Another one after a resize: to be looked at with a slot in hand. */
  #open: OpenContext;

  constructor({ template, home, open }: SessionParts) {
    this.#template = template;
    this.#home = home;
    this.#open = open;
    this.#vocabulary = new LlamaVocabulary(home.weights.model, template.source);
    this.#slots = new SlotQueue(open.slots);
    this.#marks = thinkingMarksOf(template.source);
    const cannot = new Set<RequestOption>();
    if (!template.hasThinking) cannot.add("thinking");
    if (this.#marks === undefined) cannot.add("thinkingBudgetTokens");
    this.options = REQUEST_OPTIONS.filter((option) => !cannot.has(option));
  }

  get size(): ContextSize {
    return this.#open.size;
  }

  render(prompt: Prompt): TokenisedPrompt {
    return this.#vocabulary.tokenise(this.#template.render(prompt));
  }

  countText(text: string): number {
    return this.#vocabulary.content(text).length;
  }

  /** Ends without an `end` part when the watch's signal aborts; the session can be used again afterwards. */
  async *generate(request: GenerateRequest, watch: Watch): AsyncGenerator<ModelPart> {
    const prompt = this.render(request);
    if (prompt.tokens.length === 0)
      throw usageError(
        "engine/bad-request",
        "the prompt is empty, and a model needs a token to go on from; say something",
      );
    this.#roomAfter(prompt);
    const shape =
      request.shape === undefined ? undefined : await openLlamaShape(this.#home.weights.model, request.shape);
    using lease = await this.#slots.takeOne((idle) => nearestSlot(idle, prompt.tokens), watch.signal);
    const [slot] = lease.slots;
    const thinking = this.#marks && new ThinkingBlock(this.#marks, prompt.text, request.thinkingBudgetTokens);
    yield* writeReply(
      slot,
      {
        request,
        prompt: prompt.tokens,
        // Once more: the context may have shrunk while this one waited.
        limitTokens: Math.min(request.maxTokens, this.#roomAfter(prompt)),
        vocabulary: this.#vocabulary,
        thinking,
        shape,
      },
      watch,
    );
  }

  /** @throws `engine/context-overflow` */
  #roomAfter({ tokens }: TokenisedPrompt): number {
    const { contextTokens } = this.size;
    if (tokens.length < contextTokens) return contextTokens - tokens.length;
    throw contextOverflow(tokens.length, contextTokens, "exact");
  }

  /**
   * Waits for all slots and gives the weights another context, whose slots are empty. The same size as before
   * changes nothing. An abort while it waits throws its reason; what has begun is finished.
   *
   * @throws what `openContext` throws, after which the former size is open again; `ContextLost`.
   */
  async resize(asked: ContextSize, signal: AbortSignal): Promise<void> {
    const { weights, options } = this.#home;
    const { slots } = asked;
    const contextTokens = contextSize(asked.contextTokens, weights.model.trainContextSize, options.path);
    using _all = await this.#slots.takeAll(signal);
    if (slots === this.size.slots && contextTokens === this.size.contextTokens) return;
    const { open, failure } = await replaceContext(this.#home, this.#open, { slots, contextTokens });
    this.#open = open;
    this.#slots.replace(open.slots);
    if (failure !== undefined) throw failure;
  }

  /**
   * Nothing in a deterministic session, which begins every reply anew. An abort ends it between two slots, and
   * leaves what was written.
   */
  async saveCaches(directory: string, signal: AbortSignal): Promise<readonly SavedCache[]> {
    const { identity } = this.#home;
    if (identity === undefined) return [];
    using lease = await this.#slots.takeAll(signal);
    const filled = lease.slots.filter((slot) => slot.tokens.length > 0);
    if (filled.length === 0) return [];
    try {
      await mkdir(directory, { recursive: true });
      const saved: SavedCache[] = [];
      for (const slot of filled) {
        signal.throwIfAborted();
        saved.push(await saveSlot(slot, directory, identity(this.size)));
      }
      return saved;
    } catch (error) {
      signal.throwIfAborted();
      const why = `the caches can't be saved in ${directory}: ${messageOf(error)}; make room there, or go on without`;
      throw new AtosError("engine/cache-not-saved", why, { cause: error });
    }
  }

  /** Into the slot that holds least: so several caches go to several slots. */
  async restoreCache(saved: SavedCache, signal: AbortSignal): Promise<void> {
    const { identity } = this.#home;
    if (identity === undefined) throw wrongCache(saved.path, "this model is deterministic and begins every reply anew");
    using lease = await this.#slots.takeOne((idle) => nearestSlot(idle, []), signal);
    const { contextTokens } = this.size;
    await checkCache(saved, identity(this.size));
    if (saved.tokens > contextTokens)
      throw wrongCache(saved.path, `it holds ${saved.tokens} tokens, and the context ${contextTokens}`);
    signal.throwIfAborted();
    const [slot] = lease.slots;
    await slot.load(saved.path).catch(async (error: unknown) => {
      await slot.clear();
      throw wrongCache(saved.path, messageOf(error), error);
    });
  }
}

async function saveSlot(slot: LlamaSlot, directory: string, identity: string): Promise<SavedCache> {
  const key = cacheKey(identity, slot.tokens);
  const draft = draftPath(directory);
  try {
    await slot.save(draft);
    return await sealCache(draft, join(directory, `${key}.kv`), key);
  } finally {
    await dropDrafts(directory);
  }
}
