import { AtosError } from "../../base/errors.ts";
import type { ChatMessage, RenderedPrompt } from "../model.ts";
import { isAtLeast } from "./server-options.ts";
import type { ServerIdentity } from "./server-kind.ts";
import { isLetter } from "./token-bound.ts";

/** A token that begins a text and that one of two counts leaves out. */
const SLACK_TOKENS = 2;
/**
 * The part of a prompt's words that must have been read at least. A word is a run of letters, and
 * tokenizers make one token or more of each: they cut text between letters and all else before they
 * join anything. The rest leaves room for marks that are one token, such as `<tool_call>`, and for
 * vocabularies that know a few phrases.
 */
const WORDS_READ = 0.75;

/**
 * The least number of tokens a server must have read of this prompt, if it read all of it. Pure.
 *
 * Of a prompt counted exactly that is the count, but for a start token. Of any other it is three
 * quarters of its words, which is so low that a server should never be accused wrongly, and so only a
 * cut of about half is seen. See `WORDS_READ`.
 */
export function leastTokens(
  messages: readonly ChatMessage[],
  prompt: RenderedPrompt,
  wordsOf = (message: ChatMessage): number => countWords(message.content),
): number {
  if (prompt.exact) return prompt.tokens - SLACK_TOKENS;
  const words = messages.reduce((sum, message) => sum + wordsOf(message), 0);
  return Math.floor(words * WORDS_READ);
}

/**
 * Whether a server's `prompt_tokens` are those of the whole prompt. Ollama before 0.4, and 0.30 when it
 * was new, left out what it had cached; 0 is how some say that they don't know.
 */
export function tellsWholePrompt({ kind, version }: ServerIdentity, reported: number): boolean {
  if (reported === 0) return false;
  if (kind !== "ollama") return true;
  return isAtLeast(version, [0, 4]) && !(isAtLeast(version, [0, 30]) && !isAtLeast(version, [0, 31]));
}

/**
 * Why a server that read `read` tokens must have cut the prompt, or undefined when it may have read all of it. Pure.
 *
 * 1. It read fewer than the prompt has at least.
 * 2. It read as many as its context holds, as Ollama does after a cut; a prompt that fits leaves room for the reply.
 */
export function cutReason(read: number, least: number, contextTokens: number | undefined): string | undefined {
  if (read < least) return `it read only ${read} tokens of a prompt that has at least ${least}`;
  if (contextTokens !== undefined && read >= contextTokens)
    return `it read ${read} tokens, all that its context of ${contextTokens} holds, and a prompt that fits leaves room for the reply`;
  return undefined;
}

export function truncated(server: string, reason: string): AtosError {
  const advice = "shorten the prompt, give the server a larger context, or ATOS the true one";
  return new AtosError("engine/server-truncated", `the model server at ${server} cut the prompt: ${reason}; ${advice}`);
}

/** Runs of letters and their marks. Read by hand where all is ASCII, as most prompts are: that is ten times faster. */
export function countWords(text: string): number {
  let words = 0;
  let isInWord = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f) return text.match(/[\p{L}\p{M}]+/gu)?.length ?? 0;
    const isOfWord = isLetter(code);
    if (isOfWord && !isInWord) words++;
    isInWord = isOfWord;
  }
  return words;
}
