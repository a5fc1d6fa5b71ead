import { resolve } from "node:path";
import { AtosError } from "../../base/errors.ts";
import { checkRequest } from "../check-request.ts";
import type { LoadedReply } from "./child-protocol.ts";
import type { ContextSize } from "./context-size.ts";
import { checkGgufFile } from "../gguf/gguf-file.ts";
import { type LoadSettings, resolveSettings } from "./gguf-settings.ts";
import { LlamaProcess } from "./llama-process.ts";
import type { CachingModel, GenerateRequest, GgufSource, ModelPart, Prompt, SavedCache } from "../model.ts";

export type LoadOptions = {
  readonly threads: number;
  /** Ends the loading; a loaded model does not listen to it. */
  readonly signal: AbortSignal;
  /** Ends a process that has not loaded, or not resized, after so long. Default: none. */
  readonly deadlineMs?: number | undefined;
  /**
   * Ends a process that computes nothing for so long while a reply waits for it, or that has not counted a prompt by
   * then. It has to be longer than the slowest batch of a prompt takes. Default: none.
   */
  readonly stallMs?: number | undefined;
};

/** A model in a process of its own, whose id is `pid`. */
export type EmbeddedModel = CachingModel & {
  readonly pid: number;
  /**
   * Gives the loaded weights another number of slots, another context, or both; `capabilities.slots` and
   * `contextTokens` follow. Replies asked for meanwhile wait. The caches are lost (llama.cpp restores none with
   * another number of slots), unless the size stays as it is. Determinism stays as it was loaded.
   *
   * An abort counts while it waits for its turn in the process. What has begun there is finished, so that size
   * and memory are known when this settles.
   *
   * @throws `engine/model-busy` when replies are under way; `engine/bad-setting`, `engine/context-too-large` and
   * `engine/not-enough-memory`, after which the model has its former size; `engine/child-died` when not even that
   * could be had again; `engine/child-stalled`; the signal's reason.
   */
  resize(size: ContextSize, signal: AbortSignal): Promise<void>;
};

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
 * `engine/adapter-not-found`, `engine/wrong-adapter`, `engine/not-enough-memory`, `engine/child-died` (see
 * `childDied` for its details), `engine/child-stalled`; the signal's reason.
 */
export async function loadEmbeddedModel(source: GgufSource, options: LoadOptions): Promise<EmbeddedModel> {
  const load = await prepareLoad(source, options);
  await using starting = new AsyncDisposableStack();
  const child = starting.use(new LlamaProcess(source.id, source.gpus));
  const waiting = { signal: options.signal, limitMs: options.deadlineMs };
  const loaded = await child.askFor("loaded", { kind: "load", ...load }, waiting);
  starting.move();
  return embeddedModel({ id: source.id, child, settings: load.settings, options }, loaded);
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

type LoadedProcess = {
  readonly id: string;
  readonly child: LlamaProcess;
  readonly settings: LoadSettings;
  readonly options: LoadOptions;
};

// oxlint-disable-next-line max-lines-per-function -- one short method for each question
function embeddedModel({ id, child, settings, options }: LoadedProcess, loaded: LoadedReply): EmbeddedModel {
  const asked = new Set(loaded.options);
  let { size } = loaded;
  let running = 0;
  const beside = (signal: AbortSignal | undefined) => ({ signal, limitMs: options.stallMs });
  return {
    id,
    pid: child.pid,
    get contextTokens() {
      return size.contextTokens;
    },
    get capabilities() {
      return { options: asked, slots: size.slots };
    },
    async render({ messages, thinking }: Prompt, signal?: AbortSignal) {
      const question = { kind: "render", prompt: { messages, thinking } } as const;
      const { text, tokens } = await child.askFor("rendered", question, beside(signal));
      return { text, tokens, exact: true };
    },
    async countText(text: string, signal?: AbortSignal) {
      return (await child.askFor("counted", { kind: "count-text", text }, beside(signal))).tokens;
    },
    async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
      checkRequest(request, asked);
      const waiting = { signal, limitMs: options.stallMs };
      running += 1;
      try {
        for await (const answer of child.ask({ kind: "generate", request }, waiting))
          if (answer.kind === "part") yield answer.part;
      } finally {
        running -= 1;
      }
    },
    async saveCaches(directory: string, signal: AbortSignal) {
      const question = { kind: "save-caches", directory: resolve(directory) } as const;
      return (await child.askFor("caches-saved", question, { signal })).caches;
    },
    async restoreCache(saved: SavedCache, signal: AbortSignal) {
      const question = { kind: "restore-cache", saved: { ...saved, path: resolve(saved.path) } } as const;
      await child.askFor("cache-restored", question, { signal });
    },
    async resize({ slots, contextTokens }: ContextSize, signal: AbortSignal) {
      if (running > 0) throw modelBusy(id, running);
      resolveSettings({ ...settings, slots, contextTokens });
      const question = { kind: "resize", size: { slots, contextTokens } } as const;
      const waiting = { signal, limitMs: options.deadlineMs, untilAnswered: true } as const;
      try {
        ({ size } = await child.askFor("resized", question, waiting));
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function modelBusy(id: string, running: number): AtosError {
  const why = `the model ${id} can't be resized while it writes ${running} replies`;
  return new AtosError("engine/model-busy", `${why}; wait for them, or end them`);
}
