import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import { AtosError, messageOf, missingError, usageError } from "../../base/errors.ts";
import { type ChatTemplate, compileChatTemplate } from "./chat-template.ts";
import { contextOverflow } from "../context-overflow.ts";
import { contextSize, DEFAULT_CONTEXT_TOKENS } from "./context-size.ts";
import { readGgufInfo } from "../gguf/gguf-info.ts";
import type { LoadSettings } from "./gguf-settings.ts";
import { checkSystemMemory, type LoadedWeights, loadWeights } from "./llama-load.ts";
import { writeReply } from "./llama-reply.ts";
import { openLlamaShape } from "./llama-shape.ts";
import { LlamaSlot, nearestSlot } from "./llama-slot.ts";
import { LlamaVocabulary, type TokenisedPrompt } from "./llama-vocabulary.ts";
import { checkAdapter, wrongAdapter } from "./lora-adapter.ts";
import { estimateMemory } from "../gguf/memory-estimate.ts";
import {
  type GenerateRequest,
  type ModelPart,
  type Prompt,
  REQUEST_OPTIONS,
  type RequestOption,
  type SavedCache,
} from "../model.ts";
import { cacheKey, checkCache, draftPath, dropDrafts, sealCache, weightsIdentity, wrongCache } from "./saved-cache.ts";
import { SlotQueue } from "./slot-queue.ts";
import { ThinkingBlock, type ThinkingMarks, thinkingMarksOf } from "./thinking-block.ts";

export type SessionOptions = { readonly path: string; readonly threads: number; readonly settings: LoadSettings };

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
  const context = await openContext(weights, { ...options, contextTokens });
  const slots = Array.from({ length: settings.slots }, () => openSlot(context, settings));
  if (settings.promptLookup && !slots.every((slot) => slot.canGoBack))
    throw unsupportedSetting(path, "promptLookup", "this architecture can't take wrong guesses back");
  const cacheIdentity = settings.deterministic ? undefined : await identityOf(model, options);
  return new LlamaSession({ model, template, contextTokens, slots, cacheIdentity });
}

/** All that decides what the numbers in a cache mean, as long as the files are those that were loaded. */
async function identityOf(model: LlamaModel, { path, settings }: SessionOptions): Promise<string> {
  // The number of slots too: llama.cpp writes it into the state and takes no other.
  const { cacheType, flashAttention, slots, adapters } = settings;
  const { repo, release } = model.llama.llamaCppRelease;
  const weightsOfAdapters = adapters.map(async (adapter) => [adapter.scale, await weightsIdentity(adapter.path)]);
  return JSON.stringify({
    llama: `${repo} ${release}`,
    weights: await weightsIdentity(path),
    cacheType,
    flashAttention,
    slots,
    adapters: await Promise.all(weightsOfAdapters),
  });
}

type ContextOptions = SessionOptions & { readonly contextTokens: number };

async function openContext(weights: LoadedWeights, options: ContextOptions): Promise<LlamaContext> {
  const { contextTokens, settings, threads, path } = options;
  const { slots, cacheType, flashAttention, batchTokens, adapters } = settings;
  if (flashAttention === true && !weights.model.flashAttentionSupported)
    throw unsupportedSetting(path, "flash attention", "the architecture does not support it");
  const type = CACHE_TYPES[cacheType];
  const contextOptions = {
    contextSize: contextTokens,
    sequences: slots,
    batchSize: batchTokens,
    threads,
    experimentalKvCacheKeyType: type,
    experimentalKvCacheValueType: type,
    failedCreationRemedy: false,
    lora: { adapters: adapters.map(({ path: filePath, scale }) => ({ filePath, scale })) },
    ...(flashAttention === undefined ? {} : { flashAttention }),
  } as const;
  const asked = `a context of ${contextTokens} tokens in ${cacheType} for each of ${slots} slots`;
  checkSystemMemory(await contextBytes(weights.model, options), asked);
  try {
    return await weights.model.createContext(contextOptions);
  } catch (error) {
    const { reasons, outOfMemory } = await weights.explain(error, asked);
    if (outOfMemory !== undefined) throw outOfMemory;
    if (/lora|adapter/i.test(reasons)) {
      const paths = adapters.map((adapter) => adapter.path);
      throw wrongAdapter(paths, reasons, error);
    }
    throw unsupportedSetting(path, asked, reasons);
  }
}

/** Of system memory, by ATOS's own estimate: the library's tries the allocation out, and takes as long as that. */
async function contextBytes(model: LlamaModel, { path, settings, contextTokens }: ContextOptions): Promise<number> {
  const machine = model.llama.gpu === false ? {} : { gpuBytes: Number.MAX_SAFE_INTEGER };
  const placed = { ...settings, contextTokens, gpuLayers: model.gpuLayers };
  const { cachePerSlot, compute } = estimateMemory(await readGgufInfo(path), placed, machine);
  return cachePerSlot.system * settings.slots + compute.system;
}

const CACHE_TYPES = { f32: "F32", f16: "F16", q8_0: "Q8_0", q4_0: "Q4_0" } as const;

function openSlot(context: LlamaContext, settings: LoadSettings): LlamaSlot {
  const sequence = context.getSequence({ contextShift: { strategy: refuseToForget } });
  return new LlamaSlot(sequence, settings);
}

type SessionParts = {
  readonly model: LlamaModel;
  readonly template: ChatTemplate;
  readonly contextTokens: number;
  readonly slots: readonly LlamaSlot[];
  /** Absent in a deterministic session, which keeps no cache. */
  readonly cacheIdentity: string | undefined;
};

/** A loaded model with one context, which computes a reply in each of its slots. */
export class LlamaSession {
  readonly contextTokens: number;
  readonly options: readonly RequestOption[];
  readonly #parts: SessionParts;
  readonly #vocabulary: LlamaVocabulary;
  readonly #slots: SlotQueue<LlamaSlot>;
  readonly #marks: ThinkingMarks | undefined;

  constructor(parts: SessionParts) {
    const { model, template, slots, contextTokens } = parts;
    this.#parts = parts;
    this.contextTokens = contextTokens;
    this.#vocabulary = new LlamaVocabulary(model, template.source);
    this.#slots = new SlotQueue(slots);
    this.#marks = thinkingMarksOf(template.source);
    const cannot = new Set<RequestOption>();
    if (!template.hasThinking) cannot.add("thinking");
    if (this.#marks === undefined) cannot.add("thinkingBudgetTokens");
    this.options = REQUEST_OPTIONS.filter((option) => !cannot.has(option));
  }

  render(prompt: Prompt): TokenisedPrompt {
    return this.#vocabulary.tokenise(this.#parts.template.render(prompt));
  }

  countText(text: string): number {
    return this.#vocabulary.content(text).length;
  }

  /** Ends without an `end` part when `signal` aborts; the session can be used again afterwards. */
  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    const prompt = this.render(request);
    if (prompt.tokens.length === 0)
      throw usageError(
        "engine/bad-request",
        "the prompt is empty, and a model needs a token to go on from; say something",
      );
    const roomTokens = this.contextTokens - prompt.tokens.length;
    if (roomTokens < 1) throw contextOverflow(prompt.tokens.length, this.contextTokens, "exact");
    const shape = request.shape === undefined ? undefined : await openLlamaShape(this.#parts.model, request.shape);
    using lease = await this.#slots.takeOne((idle) => nearestSlot(idle, prompt.tokens), signal);
    const [slot] = lease.slots;
    const thinking = this.#marks && new ThinkingBlock(this.#marks, prompt.text, request.thinkingBudgetTokens);
    yield* writeReply(
      slot,
      {
        request,
        prompt: prompt.tokens,
        limitTokens: Math.min(request.maxTokens, roomTokens),
        vocabulary: this.#vocabulary,
        thinking,
        shape,
      },
      signal,
    );
  }

  /** Nothing in a deterministic session, which begins every reply anew. */
  async saveCaches(directory: string, signal: AbortSignal): Promise<readonly SavedCache[]> {
    const { cacheIdentity } = this.#parts;
    if (cacheIdentity === undefined) return [];
    using lease = await this.#slots.takeAll(signal);
    try {
      await mkdir(directory, { recursive: true });
      const saved: SavedCache[] = [];
      for (const slot of lease.slots)
        if (slot.tokens.length > 0) saved.push(await saveSlot(slot, directory, cacheIdentity));
      return saved;
    } catch (error) {
      const why = `the caches can't be saved in ${directory}: ${messageOf(error)}; make room there, or go on without`;
      throw new AtosError("engine/cache-not-saved", why, { cause: error });
    }
  }

  async restoreCache(saved: SavedCache, signal: AbortSignal): Promise<void> {
    const { cacheIdentity } = this.#parts;
    if (cacheIdentity === undefined)
      throw wrongCache(saved.path, "this model is deterministic and begins every reply anew");
    await checkCache(saved, cacheIdentity);
    if (saved.tokens > this.contextTokens)
      throw wrongCache(saved.path, `it holds ${saved.tokens} tokens, and the context ${this.contextTokens}`);
    using lease = await this.#slots.takeOne((idle) => nearestSlot(idle, []), signal);
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

function unsupportedSetting(path: string, setting: string, why: string): AtosError {
  return usageError("engine/bad-setting", `llama.cpp can't load ${path} with ${setting}: ${why}; change its settings`);
}

function refuseToForget(): never {
  throw new AtosError("engine/context-overflow", "the reply outgrew the context; this is a fault in ATOS, report it");
}
