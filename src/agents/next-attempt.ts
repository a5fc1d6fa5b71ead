import type { TurnOptions } from "./turn.ts";

const RESAMPLE_TEMPERATURE = 0.7;
/** Replies to one question, whatever becomes of them. */
const MAX_REPLIES = 4;

export type NextAttempt =
  /** Append the reply and say exactly what is wrong with it. */
  | "tell"
  /** Ask the same again, with another seed and a livelier temperature. */
  | "resample"
  | "give-up";

/**
 * What to do after the reply number `attempt` (from 1) could not be read: the model is told once, where
 * there are words to tell it with; then the same question is only drawn again. Pure.
 */
export function nextAttempt(attempt: number, wasTold: boolean, canTell: boolean): NextAttempt {
  if (attempt >= MAX_REPLIES) return "give-up";
  return canTell && !wasTold ? "tell" : "resample";
}

/** What a question is drawn with for the `sample`th time: as it was given first, then with other seeds and livelier. */
export function resampled(options: TurnOptions, sample: number): TurnOptions {
  if (sample === 0) return options;
  const { seed, temperature } = options;
  // Engines take 32 bits: what follows the last seed is the first one.
  return { ...options, seed: (seed + sample) % 2 ** 32, temperature: Math.max(temperature, RESAMPLE_TEMPERATURE) };
}
