/** The text of `tokens`, which follow the tokens `before`; bytes that are no UTF-8 come out as U+FFFD. */
export type Detokenize<Token> = (tokens: readonly Token[], before: readonly Token[]) => string;

const REPLACEMENT = "\uFFFD";
/** Bytes that are still no character after this many tokens never become one. */
const MAX_PENDING = 16;
const CONTEXT_TOKENS = 4;

/**
 * Puts the text of a reply together, token by token. A character whose bytes are spread over several
 * tokens appears whole, with its last byte.
 */
export class TokenText<Token> {
  readonly #detokenize: Detokenize<Token>;
  #before: readonly Token[];
  #pending: readonly Token[] = [];

  /** `prompt` is what the reply follows: some vocabularies write a word otherwise at the very start. */
  constructor(detokenize: Detokenize<Token>, prompt: readonly Token[]) {
    this.#detokenize = detokenize;
    this.#before = prompt.slice(-CONTEXT_TOKENS);
  }

  push(token: Token): string {
    this.#pending = [...this.#pending, token];
    const text = this.#detokenize(this.#pending, this.#before);
    if (text.endsWith(REPLACEMENT) && this.#pending.length < MAX_PENDING) return "";
    this.#settle();
    return text;
  }

  /** What is left when the reply ends inside a character. */
  flush(): string {
    if (this.#pending.length === 0) return "";
    const text = this.#detokenize(this.#pending, this.#before);
    this.#settle();
    return text;
  }

  #settle(): void {
    this.#before = [...this.#before, ...this.#pending].slice(-CONTEXT_TOKENS);
    this.#pending = [];
  }
}
