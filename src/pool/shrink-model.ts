import type { KnownModel } from "./known-models.ts";

/** Shorter contexts are of no use to an agent. */
const LEAST_CONTEXT_TOKENS = 2048;
const CONTEXT_STEP = 256;

/**
 * Asks for less of a model that did not fit with so many slots and so much context: half the slots, or half the
 * context when there is one slot only. Says whether anything could be less.
 */
export function shrinkModel(
  known: KnownModel,
  tried: { readonly slots: number; readonly contextTokens: number },
): boolean {
  known.maxSlots = Math.min(known.maxSlots, Math.max(1, Math.floor(tried.slots / 2)));
  if (tried.slots > 1) return true;
  if (tried.contextTokens <= LEAST_CONTEXT_TOKENS) return false;
  const half = Math.floor(tried.contextTokens / 2 / CONTEXT_STEP) * CONTEXT_STEP;
  known.contextLimit = Math.min(known.contextLimit, Math.max(LEAST_CONTEXT_TOKENS, half));
  return true;
}
