/** A value that is assigned without quotes, and what stands around it. */
export type BareValue = {
  readonly value: string;
  /** Between name and value, such as ` = ` or `: `. */
  readonly separator: string;
  /** What follows, from the first character on. */
  readonly next: string;
};

const CHAIN = /^[!~+-]?[A-Za-z_$][\w$]*(?:(?:\??\.|::|->)#?[A-Za-z_$][\w$]*)*[!?]?$/;
/** Letters of one word: of a name in any usual form. */
const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g;
/** A name has longer words, a token changes its mind sooner. */
const MIN_WORD_CHARS = 3;
const MAX_DIGITS = 0.45;

/**
 * Whether what is assigned is an expression of a program and no value: a call, a field, a name in the middle of a
 * statement. A name alone on its line may be a password in a settings file, and is none. Pure, linear.
 */
export function isCodeValue({ value, separator, next }: BareValue): boolean {
  if (/^\??[([]/.test(next) || (next.startsWith("{") && value.endsWith("$"))) return true;
  if (/\?\.|\.#|^(?:this|self)\./.test(value)) return true;
  if (!CHAIN.test(value) || !isOfWords(value)) return false;
  if (/\.|::|->/.test(value)) return true;
  // Without a blank before it, what ends with `;` may be a password of a connection string.
  return /[\s:]/.test(separator) && /^\s{0,4}[;,)\]}?+\-*=!<>&|]/.test(next);
}

function isOfWords(value: string): boolean {
  const words = value.match(WORD) ?? [];
  const letters = words.reduce((sum, word) => sum + word.length, 0);
  const digits = value.replaceAll(/\D/g, "").length;
  return words.length > 0 && letters / words.length > MIN_WORD_CHARS && digits / value.length <= MAX_DIGITS;
}
