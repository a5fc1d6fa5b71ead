import { usageError } from "../../base/errors.ts";

/** How many replies at once, and how long each can be with its prompt. */
export type ContextSize = { readonly slots: number; readonly contextTokens: number };

/** Of a model in a file, unless it was trained for less. */
export const DEFAULT_CONTEXT_TOKENS = 4096;

/**
 * Tokens of context for a model that was trained for `trainedTokens`. Pure.
 *
 * @throws `engine/context-too-large` when more is asked: beyond that length a model writes nonsense.
 */
export function contextSize(askedTokens: number | undefined, trainedTokens: number, path: string): number {
  const tokens = askedTokens ?? Math.min(DEFAULT_CONTEXT_TOKENS, trainedTokens);
  if (tokens <= trainedTokens) return tokens;
  const why = `a context of ${tokens} tokens was asked for, and the model ${path} was trained for ${trainedTokens}`;
  throw usageError("engine/context-too-large", `${why}; ask for at most ${trainedTokens}`);
}
