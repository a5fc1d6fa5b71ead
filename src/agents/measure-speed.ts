import type { ChatMessage, Model } from "../engine/model.ts";

/** What one request took. Tokens a second are 0 where there was too little to tell. */
export type Speed = {
  readonly promptTokens: number;
  /** Of them known already, and so not part of the rate. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly firstTokenMs: number;
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
};

/** A prompt of about so many short words. With another `label` it begins otherwise, so that no cache knows it. */
export function speedPrompt(promptWords: number, label: number): readonly ChatMessage[] {
  const words = Array.from({ length: promptWords }, (_, index) => `item${index}`).join(" ");
  return [{ role: "user", content: `${label}: count on, one item a line: ${words}` }];
}

/**
 * Times one greedy reply of at most `outputTokens` to a prompt of about `promptWords` short words. The prompt
 * is a new one each time: many servers keep earlier ones in a cache and don't say so. A model that ends its
 * reply at once has no output rate.
 */
export async function measureSpeed(
  { model, nowMs }: { readonly model: Model; readonly nowMs: () => number },
  { promptWords, outputTokens }: { readonly promptWords: number; readonly outputTokens: number },
  signal: AbortSignal,
): Promise<Speed> {
  const startedAt = nowMs();
  const messages = speedPrompt(promptWords, Math.round(startedAt * 1000));
  let firstAt: number | undefined;
  for await (const part of model.generate({ messages, maxTokens: outputTokens, temperature: 0, seed: 0 }, signal)) {
    firstAt ??= nowMs();
    if (part.kind !== "end") continue;
    const { promptTokens, cachedTokens, outputTokens: written } = part.usage;
    return {
      promptTokens,
      cachedTokens,
      outputTokens: written,
      firstTokenMs: Math.round(firstAt - startedAt),
      promptTokensPerSecond: perSecond(promptTokens - cachedTokens, firstAt - startedAt),
      // The first token came with the prompt.
      outputTokensPerSecond: perSecond(written - 1, nowMs() - firstAt),
    };
  }
  throw new Error(`the reply of ${model.id} had no end`);
}

function perSecond(tokens: number, ms: number): number {
  return ms <= 0 || tokens <= 0 ? 0 : Math.round((10_000 * tokens) / ms) / 10;
}
