import type { ControlledEvaluateInputItem, LlamaContextSequence, SequenceEvaluateOptions, Token } from "node-llama-cpp";
import type { LoadSettings } from "./gguf-settings.ts";
import { lookUp } from "./token-lookup.ts";

/** How tokens are drawn; `punishTokens` are those of the reply that penalties apply to. */
export type Sampling = Omit<SequenceEvaluateOptions, "grammarEvaluationState" | "repeatPenalty" | "seed"> & {
  readonly seed: number;
  readonly grammarEvaluationState?: LlamaGrammarState;
  readonly repeatPenalty?: Penalties;
};

/** Who looks on while a prompt is evaluated. */
export type Watch = { readonly signal: AbortSignal; readonly onProgress: (tokens: number) => void };

type LlamaGrammarState = Exclude<SequenceEvaluateOptions["grammarEvaluationState"], undefined | (() => unknown)>;
type Penalties = Omit<NonNullable<SequenceEvaluateOptions["repeatPenalty"]>, "punishTokens"> & {
  readonly punishTokens: () => Token[];
};

const FEWEST_GUESSES = 2;
const MOST_GUESSES = 16;

/** One sequence of a context with what it has evaluated. One reply at a time: the caller sees to that. */
export class LlamaSlot {
  readonly #sequence: LlamaContextSequence;
  readonly #settings: LoadSettings;

  constructor(sequence: LlamaContextSequence, settings: LoadSettings) {
    this.#sequence = sequence;
    this.#settings = settings;
  }

  /** What a next prompt could go on from. */
  get tokens(): readonly Token[] {
    return this.#sequence.contextTokens;
  }

  /** Whether the slot can go back to any place in what it has evaluated, which some architectures can't. */
  get canGoBack(): boolean {
    return !this.#sequence.needsCheckpoints;
  }

  /**
   * Forgets what is in the slot from the first token on that differs from `prompt`, or all of it when
   * replies have to repeat exactly, and returns how many tokens stay. The last one never does: its
   * evaluation is what the first token of the reply is sampled from.
   */
  async keepPrefix(prompt: readonly Token[]): Promise<number> {
    const { deterministic } = this.#settings;
    await this.#forgetFrom(deterministic ? 0 : Math.min(commonPrefix(this.tokens, prompt), prompt.length - 1));
    // Some architectures can't go back to every place and keep less.
    return this.#sequence.nextTokenIndex;
  }

  /**
   * Evaluates `feed` and yields sampled tokens, the token that ends a generation among them, for as long
   * as it is asked. The last token that was taken is not evaluated yet: it begins the next `feed`. Between two
   * batches of `feed` `onProgress` is told how many tokens the slot holds.
   */
  async *sample(feed: readonly Token[], sampling: Sampling, watch: Watch): AsyncGenerator<Token, void, void> {
    const { signal, onProgress } = watch;
    const { batchTokens, promptLookup } = this.#settings;
    // One batch at a time, so that an abort does not wait for a long prompt.
    let next = 0;
    for (; feed.length - next > batchTokens; next += batchTokens) {
      if (signal.aborted) return;
      await this.#sequence.evaluateWithoutGeneratingNewTokens(feed.slice(next, next + batchTokens));
      onProgress(this.#sequence.nextTokenIndex);
    }
    if (signal.aborted) return;
    const rest = feed.slice(next);
    // A guess can't be checked against a grammar.
    if (promptLookup && sampling.grammarEvaluationState === undefined) yield* this.#guessAndCheck(rest, sampling);
    else yield* this.#sequence.evaluate(rest, { ...sampling, yieldEogToken: true });
  }

  async save(path: string): Promise<void> {
    await this.#sequence.saveStateToFile(path);
  }

  /** The file has to be known to come from the same model and settings: llama.cpp believes what it reads. */
  async load(path: string): Promise<void> {
    await this.#sequence.loadStateFromFile(path, { acceptRisk: true });
  }

  async clear(): Promise<void> {
    await this.#sequence.clearHistory();
  }

  /**
   * Samples after several guessed tokens at once and keeps what was guessed right, as if the tokens had
   * been sampled one by one. The more guesses came true, the more are made.
   *
   * Not the library's own prediction: in 3.21 that one keeps a single guess of each round.
   */
  async *#guessAndCheck(start: readonly Token[], sampling: Sampling): AsyncGenerator<Token, void, void> {
    let feed = start;
    let guesses = FEWEST_GUESSES;
    let taken = this.#sequence.nextTokenIndex + feed.length;
    try {
      while (feed.length > 0) {
        const guess = this.#guess(feed, guesses);
        const sampled = await this.#evaluate(feed, guess, sampling);
        const wrong = guess.findIndex((token, index) => token !== sampled[index]);
        const right = sampled.slice(0, wrong < 0 ? guess.length + 1 : wrong + 1);
        await this.#forgetFrom(taken + right.length - 1);
        guesses = wrong < 0 ? Math.min(2 * guesses, MOST_GUESSES) : FEWEST_GUESSES;
        for (const token of right) {
          yield token;
          taken += 1;
        }
        feed = right.slice(-1);
      }
    } finally {
      // The reader may have left between two tokens of a round; the last one it took is not evaluated.
      await this.#forgetFrom(taken);
    }
  }

  #guess(feed: readonly Token[], count: number): readonly Token[] {
    const roomTokens = this.#sequence.contextSize - 1 - this.#sequence.nextTokenIndex - feed.length;
    return lookUp([...this.tokens, ...feed], Math.max(0, Math.min(count, roomTokens)));
  }

  /** What is sampled after `feed`, and after each guess. */
  async #evaluate(feed: readonly Token[], guess: readonly Token[], sampling: Sampling): Promise<readonly Token[]> {
    const first = this.#sequence.nextTokenIndex;
    const items = [...feed, ...guess].map((token, index): ControlledEvaluateInputItem => {
      if (index < feed.length - 1) return token;
      const guessed = guess.slice(0, index - feed.length + 1);
      return [token, { generateNext: { token: true, options: optionsAt(sampling, guessed, first + index) } }];
    });
    const outputs = await this.#sequence.controlledEvaluate(items);
    return outputs.slice(feed.length - 1).flatMap((output) => output?.next.token ?? []);
  }

  async #forgetFrom(index: number): Promise<void> {
    const end = this.#sequence.nextTokenIndex;
    if (index < end) await this.#sequence.eraseContextTokenRanges([{ start: index, end }]);
  }
}

/** A draw for each position: so the same seed draws the same, however many tokens are checked at once. */
function optionsAt({ repeatPenalty, seed, ...sampling }: Sampling, guessed: readonly Token[], position: number) {
  const { temperature = 0, minP = 0, topK = 0, topP = 1 } = sampling;
  const drawn = { temperature, minP, topK, topP, seed: (seed + position) % 2 ** 32 };
  if (repeatPenalty === undefined) return drawn;
  return { ...drawn, repeatPenalty: { ...repeatPenalty, punishTokens: [...repeatPenalty.punishTokens(), ...guessed] } };
}

/**
 * Of the idle slots the one where the fewest tokens have to be evaluated now or, because they are
 * forgotten, another time: so a few words in common do not cost another conversation its cache.
 */
export function nearestSlot(idle: readonly [LlamaSlot, ...LlamaSlot[]], prompt: readonly Token[]): LlamaSlot {
  const rate = (slot: LlamaSlot) => {
    const same = commonPrefix(slot.tokens, prompt);
    return { slot, cost: prompt.length - same + (slot.tokens.length - same) };
  };
  const [first, ...rest] = idle;
  return rest.map(rate).reduce((best, other) => (other.cost < best.cost ? other : best), rate(first)).slot;
}

function commonPrefix(known: readonly Token[], prompt: readonly Token[]): number {
  const most = Math.min(known.length, prompt.length);
  let same = 0;
  while (same < most && known[same] === prompt[same]) same++;
  return same;
}
