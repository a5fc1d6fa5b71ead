import type { ChatMessage } from "./model.ts";

/** Role, separators and control tokens that a chat template writes around one message. */
const MESSAGE_TOKENS = 8;
/** What a template adds once: a start token, the opening of the reply, at worst a short default system prompt. */
const PROMPT_TOKENS = 32;

/**
 * At most how many tokens the messages take in a model whose tokenizer can't be asked. An estimate
 * from above, made for byte-level BPE vocabularies of 100,000 entries and more (Qwen, Llama 3, GPT)
 * and text that is prose or code; about twice the true number. Random letters can take more.
 */
export function promptTokenBound(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { content }) => sum + MESSAGE_TOKENS + textTokenBound(content), PROMPT_TOKENS);
}

/**
 * One token for every two letters of a word and every two blanks, one for each digit (some
 * vocabularies never join them) and each other sign; beyond ASCII two for a character of three bytes
 * and else one for each byte. A single space before a word is part of the word.
 */
export function textTokenBound(text: string): number {
  let bound = 0;
  for (const [piece] of text.matchAll(/ ?[A-Za-z]+|\s+|[^]/gu)) bound += pieceBound(piece);
  return bound;
}

function pieceBound(piece: string): number {
  const word = piece.trim();
  if (word === "") return Math.ceil(piece.length / 2);
  if (/^[A-Za-z]/.test(word)) return Math.ceil(word.length / 2);
  const bytes = Buffer.byteLength(word);
  return bytes === 3 ? 2 : bytes;
}
