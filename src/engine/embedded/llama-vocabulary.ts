import { type LlamaModel, LlamaVocabularyType, type Token } from "node-llama-cpp";
import type { PromptPiece } from "./chat-template.ts";
import type { TokenTexts } from "./token-text.ts";

/** A prompt as text and as the tokens that are evaluated. */
export type TokenisedPrompt = { readonly text: string; readonly tokens: readonly Token[] };

/** `token_type` of tokens that are added to a vocabulary and are ordinary text to llama.cpp. */
const USER_DEFINED = 4;

/** Texts to tokens and back, by the rules of one model. */
export class LlamaVocabulary implements TokenTexts<Token> {
  readonly #model: LlamaModel;
  /** At most as many as the vocabulary has. */
  readonly #names = new Map<Token, string | undefined>();
  readonly #trim: "trimLeadingSpace" | undefined;
  /** User-defined tokens with a meaning in the chat template, by their first character. */
  readonly #marks: ReadonlyMap<string, readonly string[]>;

  constructor(model: LlamaModel, templateSource: string) {
    this.#model = model;
    // Such vocabularies put a space before every text they tokenise, also in the middle of a prompt.
    this.#trim = model.vocabularyType === LlamaVocabularyType.spm ? "trimLeadingSpace" : undefined;
    this.#marks = Map.groupBy(userDefinedMarks(model, templateSource), (mark) => mark.charAt(0));
  }

  /**
   * Only the template's own text may become control tokens; in all else "<|im_end|>" stays ten
   * characters of text. Content is kept from user-defined marks such as Qwen's "<tool_call>" as well;
   * in an earlier reply they are the tokens that the model wrote.
   */
  tokenise(pieces: readonly PromptPiece[]): TokenisedPrompt {
    const text = pieces.map((piece) => piece.text).join("");
    const tokens = pieces.flatMap((piece) => {
      if (piece.origin === "template") return this.marks(piece.text);
      return piece.origin === "reply" ? this.#plain(piece.text) : this.content(piece.text);
    });
    const { bos, bosString, shouldPrependBosToken } = this.#model.tokens;
    if (!shouldPrependBosToken || bos === null || tokens[0] === bos) return { text, tokens };
    return { text: (bosString ?? "") + text, tokens: [bos, ...tokens] };
  }

  /** Tokens of text that somebody wrote: no marks at all. */
  content(text: string): readonly Token[] {
    return this.#withoutMarks(text).flatMap((part) => this.#plain(part));
  }

  /** Tokens of text in which marks mean what they say. */
  marks(text: string): readonly Token[] {
    return this.#model.tokenize(text, true, this.#trim);
  }

  textOf(tokens: readonly Token[], before: readonly Token[]): string {
    return this.#model.detokenize(tokens, false, before);
  }

  nameOf(token: Token): string | undefined {
    // Asked for every token of every reply, and two native calls each time.
    if (!this.#names.has(token))
      this.#names.set(token, this.#model.isSpecialToken(token) ? this.#model.detokenize([token], true) : undefined);
    return this.#names.get(token);
  }

  isEnd(token: Token): boolean {
    return this.#model.isEogToken(token);
  }

  #plain(text: string): readonly Token[] {
    return this.#model.tokenize(text, false, this.#trim);
  }

  /** llama.cpp takes user-defined tokens for text always; a cut after the first character hides them from it. */
  #withoutMarks(text: string): readonly string[] {
    const parts: string[] = [];
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const marks = this.#marks.get(text.charAt(at));
      if (marks === undefined || !marks.some((mark) => text.startsWith(mark, at))) continue;
      parts.push(text.slice(start, at + 1));
      start = at + 1;
    }
    return [...parts, text.slice(start)];
  }
}

/**
 * User-defined tokens are also ordinary things, such as runs of blanks, which a model was trained to
 * read as one token. Marks are those that the template uses, or that look like a control token.
 */
function userDefinedMarks(model: LlamaModel, templateSource: string): readonly string[] {
  const { tokens, token_type: types } = model.fileInfo.metadata.tokenizer?.ggml ?? { tokens: [], token_type: [] };
  return tokens
    .filter((text, token) => types?.[token] === USER_DEFINED && text.length > 1 && text.trim() !== "")
    .filter((text) => templateSource.includes(text) || /^<\|.*\|>$/.test(text));
}
