import { resolve } from "node:path";
import { checkRequest } from "../check-request.ts";
import type { LoadedReply } from "./child-protocol.ts";
import { checkGgufFile } from "../gguf/gguf-file.ts";
import { type LoadSettings, resolveSettings } from "./gguf-settings.ts";
import { LlamaProcess } from "./llama-process.ts";
import type { CachingModel, GenerateRequest, GgufSource, ModelPart, Prompt, SavedCache } from "../model.ts";

export type LoadOptions = {
  readonly threads: number;
  /** Ends the loading; a loaded model does not listen to it. */
  readonly signal: AbortSignal;
};

/** A model in a process of its own, whose id is `pid`. */
export type EmbeddedModel = CachingModel & { readonly pid: number };

/**
 * Loads a GGUF file with llama.cpp, with the settings of the source.
 *
 * A request goes to the idle slot where its prompt costs least (see `nearestSlot`); when none is idle, it waits
 * its turn. A reply that meets the end of the context ends as `length`. Sampling that a request leaves
 * open draws from the 40 likeliest tokens that make up 95 %, without penalties. A shaped reply that
 * does not fit its shape in the end, or was cut, throws `engine/reply-out-of-shape` after its last
 * part; where the prompt opens a reasoning block, the shape holds from the end of that block on.
 *
 * Caches are only worth saving when the model is not deterministic: else `saveCaches` writes nothing
 * and `restoreCache` refuses.
 *
 * @throws `engine/bad-setting`, `engine/model-not-found`, `engine/model-broken`, `engine/no-gpu`,
 * `engine/context-too-large`, `engine/no-chat-template`, `engine/bad-chat-template`,
 * `engine/adapter-not-found`, `engine/wrong-adapter`, `engine/not-enough-memory`, `engine/child-died`;
 * the signal's reason.
 */
export async function loadEmbeddedModel(source: GgufSource, options: LoadOptions): Promise<EmbeddedModel> {
  const load = await prepareLoad(source, options);
  await using starting = new AsyncDisposableStack();
  const child = starting.use(new LlamaProcess(source.id));
  const loaded = await child.askFor("loaded", { kind: "load", ...load }, options.signal);
  starting.move();
  return embeddedModel(source.id, child, loaded);
}

/** What to load, after all that can be said of it without starting a process. */
export async function prepareLoad(source: GgufSource, { threads, signal }: LoadOptions): Promise<PreparedLoad> {
  const resolved = resolveSettings(source);
  const adapters = resolved.adapters.map(({ path, scale }) => ({ path: resolve(path), scale }));
  const path = resolve(source.path);
  await checkGgufFile(path);
  signal.throwIfAborted();
  return { path, threads, settings: { ...resolved, adapters } };
}

type PreparedLoad = { readonly path: string; readonly threads: number; readonly settings: LoadSettings };

function embeddedModel(id: string, child: LlamaProcess, loaded: LoadedReply): EmbeddedModel {
  const { contextTokens, slots } = loaded;
  const options = new Set(loaded.options);
  return {
    id,
    pid: child.pid,
    contextTokens,
    capabilities: { options, slots },
    async render({ messages, thinking }: Prompt, signal?: AbortSignal) {
      const question = { kind: "render", prompt: { messages, thinking } } as const;
      const { text, tokens } = await child.askFor("rendered", question, signal);
      return { text, tokens, exact: true };
    },
    async countText(text: string, signal?: AbortSignal) {
      return (await child.askFor("counted", { kind: "count-text", text }, signal)).tokens;
    },
    async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
      checkRequest(request, options);
      for await (const answer of child.ask({ kind: "generate", request }, signal)) {
        if (answer.kind === "part") yield answer.part;
      }
    },
    async saveCaches(directory: string) {
      const question = { kind: "save-caches", directory: resolve(directory) } as const;
      return (await child.askFor("caches-saved", question)).caches;
    },
    async restoreCache(saved: SavedCache) {
      await child.askFor("cache-restored", { kind: "restore-cache", saved: { ...saved, path: resolve(saved.path) } });
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
