import { AtosError } from "../base/errors.ts";

/** A prompt that leaves no room for even one token of reply (`engine/context-overflow`). */
export function contextOverflow(promptTokens: number, contextTokens: number, counted: "exact" | "bound"): AtosError {
  const need = counted === "exact" ? `${promptTokens} tokens` : `up to ${promptTokens} tokens`;
  return new AtosError(
    "engine/context-overflow",
    `the prompt takes ${need} and the model's context holds ${contextTokens}, reply included; ` +
      "shorten the prompt, or give the model a larger context",
  );
}
