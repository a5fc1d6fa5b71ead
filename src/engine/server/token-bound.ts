import type { ChatMessage } from "../model.ts";

/** Role, separators and control tokens that a chat template writes around one message. */
const MESSAGE_TOKENS = 8;
/** What a template adds once: a start token, the opening of the reply, at worst a short default system prompt. */
const PROMPT_TOKENS = 32;

/**
 * At most how many tokens the messages take in a model whose tokenizer can't be asked. An estimate
 * from above, made for byte-level BPE vocabularies of 100,000 entries and more (Qwen, Llama 3, GPT)
 * and text of any kind; for prose and code about twice the true number (`bench/overhead.js`).
 * Only words without vowels or without consonants can still take a little more.
 */
export function promptTokenBound(messages: readonly ChatMessage[], boundOf = contentBound): number {
  return messages.reduce((sum, message) => sum + MESSAGE_TOKENS + boundOf(message), PROMPT_TOKENS);
}

function contentBound({ content }: ChatMessage): number {
  return textTokenBound(content);
}

const [SIGN, BLANK, LETTER] = [0, 1, 2];
/** Added to `LETTER`. */
const [VOWEL, CAPITAL] = [4, 8];
const SPACE = 32;

/** What each ASCII character is. A table, for every prompt is counted, and more than once. */
const KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/\s/.test(character)) return BLANK;
  if (!/[A-Za-z]/.test(character)) return SIGN;
  return LETTER + (/[aeiou]/i.test(character) ? VOWEL : 0) + (/[A-Z]/.test(character) ? CAPITAL : 0);
});

/**
 * One token for every two letters of a word and every two blanks, one for each other ASCII sign, and each character
 * beyond ASCII by its bytes, with one less for the scripts of East Asia and for signs of writing. A single space
 * before a word is part of the word. Letters that hardly belong together count twice: the third consonant in a row and
 * a change between small and capital letters; natural words have few of them, random ones many.
 */
export function textTokenBound(text: string): number {
  let halves = 0;
  let letters = 0;
  let consonants = 0;
  let capital = 0;
  let blanks = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const kind = code < 128 ? (KINDS[code] ?? SIGN) : SIGN;
    if ((kind & LETTER) !== 0) {
      if (blanks !== 0) {
        if (blanks > 1 || text.charCodeAt(i - 1) !== SPACE) halves += blanks + (blanks & 1);
        blanks = 0;
      }
      const before = capital;
      capital = kind & CAPITAL;
      consonants = (kind & VOWEL) !== 0 ? 0 : capital > before ? 1 : consonants + 1;
      halves += consonants > 2 || (capital !== before && letters > 1) ? 2 : 1;
      letters += 1;
      continue;
    }
    halves += letters & 1;
    letters = 0;
    consonants = 0;
    if (kind === BLANK) {
      blanks += 1;
      continue;
    }
    halves += blanks + (blanks & 1);
    blanks = 0;
    if (code < 128) halves += 2;
    else if (code < 2048) halves += 4;
    else if (code >= 0xd800 && code < 0xdc00) {
      halves += 8;
      i += 1;
    } else halves += isJoined(code) ? 4 : 6;
  }
  return Math.ceil((halves + (letters & 1) + blanks + (blanks & 1)) / 2);
}

/** Ideographs, kana, Hangul, punctuation and drawing signs, full-width forms: vocabularies know most of them. */
function isJoined(code: number): boolean {
  return (
    (code >= 0x2000 && code < 0x2800) ||
    (code >= 0x3000 && code < 0x3100) ||
    (code >= 0x4e00 && code < 0xa000) ||
    (code >= 0xac00 && code < 0xd7a4) ||
    code >= 0xff00
  );
}

/** Of ASCII alone. Not a letter: the code that there is none behind the end of a text. */
export function isLetter(code: number): boolean {
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x7a;
}
