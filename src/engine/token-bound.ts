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

const SPACE = 0x20;
/** White space beyond ASCII, as JavaScript's own `\s` has it. */
const WIDE_BLANKS = new Set([
  0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029,
  0x202f, 0x205f, 0x3000, 0xfeff,
]);

/**
 * One token for every two letters of a word and every two blanks, one for each digit (some
 * vocabularies never join them) and each other sign; beyond ASCII two for a character of three bytes
 * and else one for each byte. A single space before a word is part of the word.
 */
export function textTokenBound(text: string): number {
  let bound = 0;
  // By hand: the whole prompt is read here for every turn, and patterns take ten times as long.
  for (let at = 0; at < text.length; ) {
    const start = at;
    while (isLetter(text.charCodeAt(at))) at++;
    if (at > start) {
      bound += half(at - start);
      continue;
    }
    while (isBlank(text.charCodeAt(at))) at++;
    if (at > start) {
      const isOfWord = at - start === 1 && text.charCodeAt(start) === SPACE && isLetter(text.charCodeAt(at));
      if (!isOfWord) bound += half(at - start);
      continue;
    }
    const sign = text.codePointAt(at) ?? 0;
    bound += signBound(sign);
    at += sign > 0xffff ? 2 : 1;
  }
  return bound;
}

/** Of ASCII alone. Not a letter: the code that there is none behind the end of a text. */
export function isLetter(code: number): boolean {
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x7a;
}

function isBlank(code: number): boolean {
  return code < 0x80 ? code === SPACE || (code >= 0x09 && code <= 0x0d) : WIDE_BLANKS.has(code);
}

/** A half of a surrogate pair alone is sent as the three bytes of the character that stands for a broken one. */
function signBound(sign: number): number {
  if (sign < 0x80) return 1;
  return sign > 0xffff ? 4 : 2;
}

function half(count: number): number {
  return (count + 1) >> 1;
}
