import type { LlamaContext, LlamaModel } from "node-llama-cpp";
import { AtosError, messageOf, usageError } from "../../base/errors.ts";
import type { ContextSize } from "./context-size.ts";
import type { GgufInfo } from "../gguf/gguf-info.ts";
import type { LoadSettings } from "./gguf-settings.ts";
import { checkSystemMemory, type LoadedWeights } from "./llama-load.ts";
import { LlamaSlot } from "./llama-slot.ts";
import { wrongAdapter } from "./lora-adapter.ts";
import { estimateMemory } from "../gguf/memory-estimate.ts";
import { weightsIdentity } from "./saved-cache.ts";

export type SessionOptions = { readonly path: string; readonly threads: number; readonly settings: LoadSettings };

/** What contexts of any size are opened in. */
export type ContextHome = {
  readonly weights: LoadedWeights;
  readonly info: GgufInfo;
  readonly options: SessionOptions;
  /** Absent in a deterministic session, which keeps no cache. */
  readonly identity: Identity | undefined;
};

/** All that decides what the numbers in a cache mean, as long as the files are those that were loaded. */
export type Identity = (size: ContextSize) => string;

export type OpenContext = {
  readonly size: ContextSize;
  readonly context: LlamaContext;
  readonly slots: readonly LlamaSlot[];
};

/** Neither the new context could be opened nor the former one again: this process can't go on. */
export class ContextLost extends Error {
  override readonly name = "ContextLost";
}

/** Of the files as they are now, which is to say at once when they have been loaded. */
export async function identityOf(model: LlamaModel, { path, settings }: SessionOptions): Promise<Identity> {
  const { cacheType, flashAttention } = settings;
  const { repo, release } = model.llama.llamaCppRelease;
  const weights = await weightsIdentity(path);
  const adapters = await Promise.all(
    settings.adapters.map(async (adapter) => [adapter.scale, await weightsIdentity(adapter.path)]),
  );
  const llama = `${repo} ${release}`;
  // The number of slots too: llama.cpp writes it into the state and takes no other.
  return ({ slots }) => JSON.stringify({ llama, weights, cacheType, flashAttention, slots, adapters });
}

/** @throws `engine/not-enough-memory`, `engine/bad-setting`, `engine/wrong-adapter` */
export async function openContext(home: ContextHome, size: ContextSize): Promise<OpenContext> {
  const { settings, path } = home.options;
  const context = await createContext(home, size);
  const slots = Array.from({ length: size.slots }, () => {
    return new LlamaSlot(context.getSequence({ contextShift: { strategy: refuseToForget } }), settings);
  });
  if (settings.promptLookup && !slots.every((slot) => slot.canGoBack))
    throw unsupportedSetting(path, "promptLookup", "this architecture can't take wrong guesses back");
  return { size, context, slots };
}

/** The context that is open now, and why it is not the one that was asked for. */
export type Replaced = { readonly open: OpenContext; readonly failure?: unknown };

/**
 * Opens a context of another size in place of one that nobody uses, and that one again when it fails.
 * What clearly does not fit is refused before anything is given up; what fails later costs the caches.
 *
 * @throws `ContextLost`; `engine/not-enough-memory` when everything is still as it was.
 */
export async function replaceContext(home: ContextHome, former: OpenContext, size: ContextSize): Promise<Replaced> {
  const gained = contextBytes(home, size) - contextBytes(home, former.size);
  checkSystemMemory(gained, `${describe(home, size)} in place of ${describe(home, former.size)}`);
  await former.context.dispose();
  try {
    return { open: await openContext(home, size) };
  } catch (failure) {
    const again = await openContext(home, former.size).catch((error: unknown) => {
      const asked = `${messageOf(failure)}; and the former context can't be opened again: ${messageOf(error)}`;
      throw new ContextLost(asked, { cause: error });
    });
    return { open: again, failure };
  }
}

async function createContext(home: ContextHome, size: ContextSize): Promise<LlamaContext> {
  const { weights, options } = home;
  const { settings, threads, path } = options;
  const { cacheType, flashAttention, batchTokens, adapters } = settings;
  if (flashAttention === true && !weights.model.flashAttentionSupported)
    throw unsupportedSetting(path, "flash attention", "the architecture does not support it");
  const type = CACHE_TYPES[cacheType];
  const contextOptions = {
    contextSize: size.contextTokens,
    sequences: size.slots,
    batchSize: batchTokens,
    threads,
    experimentalKvCacheKeyType: type,
    experimentalKvCacheValueType: type,
    failedCreationRemedy: false,
    lora: { adapters: adapters.map(({ path: filePath, scale }) => ({ filePath, scale })) },
    ...(flashAttention === undefined ? {} : { flashAttention }),
  } as const;
  const asked = describe(home, size);
  checkSystemMemory(contextBytes(home, size), asked);
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

function describe({ options }: ContextHome, { contextTokens, slots }: ContextSize): string {
  return `a context of ${contextTokens} tokens in ${options.settings.cacheType} for each of ${slots} slots`;
}

/** Of system memory, by ATOS's own estimate: the library's tries the allocation out, and takes as long as that. */
function contextBytes({ weights, info, options }: ContextHome, size: ContextSize): number {
  const { model } = weights;
  const machine = model.llama.gpu === false ? {} : { gpuBytes: Number.MAX_SAFE_INTEGER };
  const placed = { ...options.settings, ...size, gpuLayers: model.gpuLayers };
  const { cachePerSlot, compute } = estimateMemory(info, placed, machine);
  return cachePerSlot.system * size.slots + compute.system;
}

const CACHE_TYPES = { f32: "F32", f16: "F16", q8_0: "Q8_0", q4_0: "Q4_0" } as const;

function unsupportedSetting(path: string, setting: string, why: string): AtosError {
  return usageError("engine/bad-setting", `llama.cpp can't load ${path} with ${setting}: ${why}; change its settings`);
}

function refuseToForget(): never {
  throw new AtosError("engine/context-overflow", "the reply outgrew the context; this is a fault in ATOS, report it");
}
