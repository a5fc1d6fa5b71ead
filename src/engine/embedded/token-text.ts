/** How a vocabulary writes its tokens. */
export type TokenTexts<Token> = {
  /** The text of `tokens`, which follow the tokens `before`; bytes that are no UTF-8 come out as U+FFFD. */
  textOf(tokens: readonly Token[], before: readonly Token[]): string;
  /** The name of a control token, which is no text but stands for itself in a reply; else `undefined`. */
  nameOf(token: Token): string | undefined;
};

const REPLACEMENT = "\uFFFD";
/** Bytes that are still no character after this many tokens never become one. */
const MAX_PENDING = 16;
const CONTEXT_TOKENS = 4;

/**
 * Puts the text of a reply together, token by token. A character whose bytes are spread over several
 * tokens appears whole, with its last byte. A control token appears by its name: many models mark
 * their tool calls with such tokens.
 */
export class TokenText<Token> {
  readonly #vocabulary: TokenTexts<Token>;
  #before: readonly Token[];
  #pending: readonly Token[] = [];

  /** `prompt` is what the reply follows: some vocabularies write a word otherwise at the very start. */
  constructor(vocabulary: TokenTexts<Token>, prompt: readonly Token[]) {
    this.#vocabulary = vocabulary;
    this.#before = prompt.slice(-CONTEXT_TOKENS);
  }

  /** Whether the last character is whole. */
  get isWhole(): boolean {
    return this.#pending.length === 0;
  }

  push(token: Token): string {
    const name = this.#vocabulary.nameOf(token);
    if (name !== undefined) return this.flush() + name;
    this.#pending = [...this.#pending, token];
    const text = this.#vocabulary.textOf(this.#pending, this.#before);
    if (text.endsWith(REPLACEMENT) && this.#pending.length < MAX_PENDING) return "";
    this.#settle();
    return text;
  }

  /** What is left when the reply ends inside a character. */
  flush(): string {
    if (this.#pending.length === 0) return "";
    const text = this.#vocabulary.textOf(this.#pending, this.#before);
    this.#settle();
    return text;
  }

  #settle(): void {
    this.#before = [...this.#before, ...this.#pending].slice(-CONTEXT_TOKENS);
    this.#pending = [];
  }
}
