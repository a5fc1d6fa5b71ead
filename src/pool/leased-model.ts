import type { GenerateRequest, Model, ModelPart } from "../engine/model.ts";

/** What is seen of a reply while it is made. */
export type ReplyWatch = {
  /** A piece of text came. */
  readonly onPart: () => void;
  /** The reply is whole. */
  readonly onReply: (reply: WatchedReply) => void;
  /** The model failed to answer, be it a reply or a count. */
  readonly onFailure: (error: unknown) => void;
  readonly nowMs: () => number;
};

/** Tokens of the prompt that were evaluated and of the reply, and the milliseconds until its first part and after it. */
export type WatchedReply = {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly firstPartMs: number;
  readonly restMs: number;
};

/**
 * A model as one turn sees it: with the turn's own context size, which may be smaller than what the pool
 * opened. What it answers is watched; disposing it does nothing, since it is the pool's.
 */
export function leasedModel(
  model: Model,
  { id, contextTokens }: { readonly id: string; readonly contextTokens: number },
  watch: ReplyWatch,
): Model {
  const noted = (error: unknown): never => {
    watch.onFailure(error);
    throw error;
  };
  return {
    id,
    contextTokens: Math.min(contextTokens, model.contextTokens),
    capabilities: model.capabilities,
    // Before each reply its prompt is counted, so that this is where a process is missed that died while it was idle.
    render: (prompt, signal) => model.render(prompt, signal).catch(noted),
    countText: (text, signal) => model.countText(text, signal).catch(noted),
    generate: (request, signal) => watched(model, { request, signal }, watch),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function* watched(
  model: Model,
  { request, signal }: { request: GenerateRequest; signal: AbortSignal },
  { onPart, onReply, onFailure, nowMs }: ReplyWatch,
): AsyncGenerator<ModelPart> {
  const startedAt = nowMs();
  let firstAt: number | undefined;
  try {
    for await (const part of model.generate(request, signal)) {
      firstAt ??= nowMs();
      if (part.kind === "end") {
        const { promptTokens, cachedTokens, outputTokens } = part.usage;
        onReply({
          promptTokens: Math.max(0, promptTokens - cachedTokens),
          outputTokens,
          firstPartMs: firstAt - startedAt,
          restMs: nowMs() - firstAt,
        });
      } else onPart();
      yield part;
    }
  } catch (error) {
    onFailure(error);
    throw error;
  }
}
