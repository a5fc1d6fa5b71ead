import type { Capabilities } from "../engine/model.ts";
import type { TurnOptions } from "./turn.ts";

/** What a model that may think gets on top of a reply's limit, and how much of it may be thoughts where that can be said. */
const THINKING_TOKENS = 2048;

/**
 * The options for a model that is to think, or not to. Pure.
 *
 * Roles limit their replies to what a reply needs, and thoughts would use that up: so a model thinks only
 * where somebody wants it to, and then gets room for it. One that can't be told either way is only given
 * the room.
 */
export function withThinking(
  options: TurnOptions,
  wanted: "on" | "off" | undefined,
  { options: known }: Pick<Capabilities, "options">,
): TurnOptions {
  if (wanted !== "on") return known.has("thinking") ? { ...options, thinking: "off" } : options;
  return {
    ...options,
    maxTokens: options.maxTokens + THINKING_TOKENS,
    ...(known.has("thinking") ? { thinking: "on" } : {}),
    ...(known.has("thinkingBudgetTokens") ? { thinkingBudgetTokens: THINKING_TOKENS } : {}),
  };
}
