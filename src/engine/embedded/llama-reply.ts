import type { Token } from "node-llama-cpp";
import { AtosError } from "../../base/errors.ts";
import type { LlamaShape } from "./llama-shape.ts";
import type { LlamaSlot, Sampling, Watch } from "./llama-slot.ts";
import type { LlamaVocabulary } from "./llama-vocabulary.ts";
import type { GenerateRequest, ModelPart } from "../model.ts";
import { StopScanner } from "./stop-scanner.ts";
import type { ThinkingBlock } from "./thinking-block.ts";
import { TokenText } from "./token-text.ts";

export type ReplyJob = {
  readonly request: GenerateRequest;
  readonly prompt: readonly Token[];
  /** Tokens that the reply may have, its end not counted. */
  readonly limitTokens: number;
  readonly vocabulary: LlamaVocabulary;
  readonly thinking?: ThinkingBlock | undefined;
  readonly shape?: LlamaShape | undefined;
};

type Ending = "by-model" | "by-stop" | "by-length";

/** llama.cpp's own defaults for sampling, written down so that none of them is hidden. */
const SAMPLING = { topK: 40, topP: 0.95, minP: 0 } as const;
const PENALTY_TOKENS = 64;

/**
 * Writes one reply in a slot. Ends without an `end` part when `signal` aborts; the slot can be used
 * again afterwards.
 *
 * Sampling stops and begins anew where its rules change: where reasoning ends that came before a
 * shaped answer, and where the engine closes a reasoning block itself.
 */
export async function* writeReply(slot: LlamaSlot, job: ReplyJob, watch: Watch): AsyncGenerator<ModelPart> {
  const { signal } = watch;
  const { prompt, vocabulary, shape } = job;
  const draft = new Draft(job);
  const cachedTokens = await slot.keepPrefix(prompt);
  let feed = prompt.slice(cachedTokens);
  while (draft.ending === undefined) {
    const closing = draft.closing();
    for (const token of closing) yield* textPart(draft.takeForced(token));
    if (draft.ending !== undefined) break;
    const isThinking = draft.isThinking;
    let sampled = 0;
    for await (const token of slot.sample([...feed, ...closing], samplingOf(job, draft), watch)) {
      if (signal.aborted) return;
      sampled += 1;
      feed = [token];
      yield* textPart(vocabulary.isEnd(token) ? draft.end() : draft.take(token));
      if (draft.ending !== undefined || draft.hasToClose) break;
      if (shape !== undefined && draft.isThinking !== isThinking) break;
    }
    if (signal.aborted) return;
    if (sampled === 0) throw new AtosError("engine/generation-failed", "llama.cpp gave no next token; ask again");
  }
  yield* textPart(draft.flush());
  const misshapen = shapeFailure(draft, shape);
  if (misshapen !== undefined) throw misshapen;
  const finish = draft.ending === "by-length" ? "length" : "stop";
  const usage = { promptTokens: prompt.length, cachedTokens, outputTokens: draft.tokens.length };
  yield { kind: "end", finish, usage };
}

/** The reply as far as it is written. */
class Draft {
  readonly tokens: Token[] = [];
  readonly #job: ReplyJob;
  readonly #text: TokenText<Token>;
  readonly #stops: StopScanner;
  #ending: Ending | undefined;
  #answer = "";

  constructor(job: ReplyJob) {
    this.#job = job;
    this.#text = new TokenText<Token>(job.vocabulary, job.prompt);
    this.#stops = new StopScanner(job.request.stop ?? []);
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** The reply without its reasoning. */
  get answer(): string {
    return this.#answer;
  }

  get isThinking(): boolean {
    return this.#job.thinking?.isOpen === true;
  }

  get hasToClose(): boolean {
    return this.#job.thinking?.isSpent === true && this.#text.isWhole;
  }

  /** The tokens that close the reasoning when its budget is spent; with that it is closed. */
  closing(): readonly Token[] {
    const { thinking, vocabulary, limitTokens } = this.#job;
    if (thinking === undefined || !this.hasToClose) return [];
    const tokens = vocabulary.marks(thinking.closing).slice(0, limitTokens - this.tokens.length);
    thinking.close();
    return tokens;
  }

  /** Takes one more token and returns what can be shown now. */
  take(token: Token): string {
    const text = this.#push(token);
    this.#answer += this.#job.thinking?.push(text) ?? text;
    return this.#show(text);
  }

  /** The same with a token of the engine's own, which counts like any other but answers nothing and stops nothing. */
  takeForced(token: Token): string {
    const text = this.#stops.flush() + this.#push(token);
    this.#endAtLimit();
    return text;
  }

  #push(token: Token): string {
    this.tokens.push(token);
    return this.#text.push(token);
  }

  #show(text: string): string {
    const scanned = this.#stops.push(text);
    if (scanned.stopped) this.#ending = "by-stop";
    else this.#endAtLimit();
    return scanned.text;
  }

  #endAtLimit(): void {
    if (this.tokens.length >= this.#job.limitTokens) this.#ending = "by-length";
  }

  end(): string {
    this.#ending = "by-model";
    return "";
  }

  /** What is still held back when the reply is over. */
  flush(): string {
    if (this.#ending === "by-stop") return "";
    const text = this.#text.flush();
    this.#answer += this.#job.thinking?.push(text) ?? text;
    const last = this.#stops.push(text);
    return last.text + (last.stopped ? "" : this.#stops.flush());
  }
}

function samplingOf({ request, shape }: ReplyJob, draft: Draft): Sampling {
  const { temperature, seed, topK = SAMPLING.topK, topP = SAMPLING.topP, minP = SAMPLING.minP } = request;
  const { repeatPenalty: penalty = 1, presencePenalty = 0, frequencyPenalty = 0 } = request;
  const punishTokens = () => draft.tokens.slice(-PENALTY_TOKENS);
  const isPenalised = penalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
  return {
    temperature,
    seed,
    topK,
    topP,
    minP,
    ...(isPenalised ? { repeatPenalty: { punishTokens, penalty, presencePenalty, frequencyPenalty } } : {}),
    ...(shape === undefined || draft.isThinking ? {} : { grammarEvaluationState: shape.state }),
  };
}

function shapeFailure(draft: Draft, shape: LlamaShape | undefined): AtosError | undefined {
  if (shape === undefined) return undefined;
  const cut = draft.ending === "by-length" ? `it was cut after ${draft.tokens.length} tokens` : undefined;
  const why = cut ?? shape.mismatch(draft.answer);
  if (why === undefined) return undefined;
  const advice = "ask again, with more tokens or a tighter schema";
  return new AtosError("engine/reply-out-of-shape", `the reply does not have the shape asked for: ${why}; ${advice}`);
}

function* textPart(text: string): Generator<ModelPart> {
  if (text !== "") yield { kind: "text", text };
}
