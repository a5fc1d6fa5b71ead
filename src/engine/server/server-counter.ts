import { z } from "zod";
import { badReply } from "./chat-stream.ts";
import type { ChatMessage, Prompt, RenderedPrompt } from "../model.ts";
import type { ServerConnection } from "./server-connection.ts";
import { demandJson, tryJson } from "./server-json.ts";
import type { ServerKind } from "./server-kind.ts";
import { thinkingFields } from "./server-options.ts";
import { countWords } from "./server-truncation.ts";
import { promptTokenBound, textTokenBound } from "./token-bound.ts";
import type { TokenCalibration } from "./token-calibration.ts";

/** Counts what a server will read before it is sent. */
export type PromptCounter = {
  render(prompt: Prompt, signal?: AbortSignal): Promise<RenderedPrompt>;
  countText(text: string, signal?: AbortSignal): Promise<number>;
};

export type ExactCounter = PromptCounter & {
  /** Whether the model's template says something else when it is told to think or not. */
  readonly thinks: boolean;
};

type Counted = { readonly server: ServerConnection; readonly kind: ServerKind; readonly model: string };

const PROBE: Prompt = { messages: [{ role: "user", content: "Hi" }] };
/** A long prompt is tokenized in milliseconds, but a busy server may be slow to listen. */
const COUNT_TIMEOUT_MS = 60_000;

const templateSchema = z.object({ prompt: z.string() });
const tokensSchema = z.object({ tokens: z.array(z.unknown()) });
/** The tokens too: they tell whether two prompts of the same length are the same. */
const countSchema = z.object({ count: z.int().nonnegative(), tokens: z.array(z.int()) });

/**
 * Counts by the model's own tokenizer: llama.cpp's `/apply-template` and `/tokenize`, vLLM's `/tokenize`.
 * Undefined for any other kind, and where these paths are closed.
 */
export async function openExactCounter(counted: Counted, signal: AbortSignal): Promise<ExactCounter | undefined> {
  const { kind, server, model } = counted;
  if (kind !== "llama.cpp" && kind !== "vllm") return undefined;
  const ask = kind === "vllm" ? tokenizeCall : templateCall;
  const probe = (prompt: Prompt): Promise<unknown> => tryJson(server, ask(counted, prompt), signal);
  const [plain, on, off] = await Promise.all([
    probe(PROBE),
    probe({ ...PROBE, thinking: "on" }),
    probe({ ...PROBE, thinking: "off" }),
  ]);
  const answers = kind === "vllm" ? countSchema : templateSchema;
  if (!answers.safeParse(plain).success) return undefined;
  const thinks =
    answers.safeParse(on).success && answers.safeParse(off).success && JSON.stringify(on) !== JSON.stringify(off);
  const countText = openTextCounter(counted);
  if (countText === undefined) return undefined;
  if (kind === "vllm") {
    const render: PromptCounter["render"] = async (prompt, stop) => {
      const { count } = read(countSchema, await demandJson(server, tokenizeCall(counted, prompt), stop));
      return { text: JSON.stringify(prompt.messages), tokens: count, exact: true };
    };
    return { thinks, countText, render };
  }
  const render: PromptCounter["render"] = async (prompt, stop) => {
    const { prompt: text } = read(templateSchema, await demandJson(server, templateCall(counted, prompt), stop));
    const body = { model, content: text, add_special: true, parse_special: true };
    return { text, tokens: await countTokens(server, body, stop), exact: true };
  };
  return { thinks, countText, render };
}

/** Counts a text alone, where the server is of a kind that can. */
export function openTextCounter({ server, kind, model }: Counted): PromptCounter["countText"] | undefined {
  if (kind === "llama.cpp")
    return (text, signal) => countTokens(server, { model, content: text, parse_special: true }, signal);
  if (kind === "vllm")
    return (text, signal) => countTokens(server, { model, prompt: text, add_special_tokens: false }, signal);
  return undefined;
}

async function countTokens(server: ServerConnection, body: unknown, signal?: AbortSignal): Promise<number> {
  return read(tokensSchema, await demandJson(server, { ...TOKENIZE, body }, signal)).tokens.length;
}

/** Bounds from above what can't be counted, by what this model's tokenizer was seen to do. */
export function boundCounter(calibration: TokenCalibration, sizes: MessageSizes): PromptCounter {
  return {
    render: ({ messages }) => {
      const tokens = calibration.correct(promptTokenBound(messages, sizes.boundOf));
      return Promise.resolve({ text: JSON.stringify(messages), tokens, exact: false });
    },
    countText: (text) => Promise.resolve(calibration.correct(textTokenBound(text))),
  };
}

/** Sizes of messages, each worked out once: a conversation brings the same ones again with every turn. */
export class MessageSizes {
  readonly #bounds = new WeakMap<ChatMessage, number>();
  readonly #words = new WeakMap<ChatMessage, number>();

  readonly boundOf = (message: ChatMessage): number => remember(this.#bounds, message, textTokenBound);
  readonly wordsOf = (message: ChatMessage): number => remember(this.#words, message, countWords);
}

function remember(
  known: WeakMap<ChatMessage, number>,
  message: ChatMessage,
  sizeOf: (content: string) => number,
): number {
  const before = known.get(message);
  if (before !== undefined) return before;
  const size = sizeOf(message.content);
  known.set(message, size);
  return size;
}

type Counts = {
  readonly messages: readonly ChatMessage[];
  readonly thinking: Prompt["thinking"];
  readonly rendered: RenderedPrompt;
};

/** Remembers what was rendered, so that sending it need not count it again. */
export class RenderedPrompts {
  readonly #counter: PromptCounter;
  readonly #counts = new WeakMap<readonly ChatMessage[], Counts>();

  constructor(counter: PromptCounter) {
    this.#counter = counter;
  }

  async render(prompt: Prompt, signal?: AbortSignal): Promise<RenderedPrompt> {
    const { messages, thinking } = prompt;
    // A copy, since a list that a caller may only read can still be longer the next time.
    const copy = [...messages];
    const rendered = await this.#counter.render(prompt, signal);
    this.#counts.set(messages, { messages: copy, thinking, rendered });
    return rendered;
  }

  /** What the last `render` of this very list came to, given once; it is counted when there was none. */
  async take(prompt: Prompt, signal: AbortSignal): Promise<RenderedPrompt> {
    const { messages, thinking } = prompt;
    const known = this.#counts.get(messages);
    this.#counts.delete(messages);
    const isSame =
      known?.thinking === thinking &&
      known?.messages.length === messages.length &&
      known.messages.every((message, index) => message === messages[index]);
    return isSame ? known.rendered : await this.#counter.render(prompt, signal);
  }
}

const TOKENIZE = { path: "/tokenize", from: "root", what: "count of tokens", timeoutMs: COUNT_TIMEOUT_MS } as const;

function templateCall({ model, kind }: Counted, prompt: Prompt) {
  const body = { model, messages: prompt.messages, ...thinkingFields(prompt, kind) };
  return { ...TOKENIZE, path: "/apply-template", what: "rendered prompt", body } as const;
}

function tokenizeCall({ model, kind }: Counted, prompt: Prompt) {
  return { ...TOKENIZE, body: { model, messages: prompt.messages, ...thinkingFields(prompt, kind) } } as const;
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw badReply("a count of tokens that can't be read");
  return parsed.data;
}
