/** How a family of models marks its reasoning. */
export type ThinkingMarks = {
  readonly open: string;
  /** What the model writes at the end of its reasoning. */
  readonly close: string;
  /** What an engine writes in its place, up to where the answer begins. */
  readonly forcedClose: string;
  readonly onNewLine: boolean;
  /** Texts that only templates of this family hold; by default its two marks. */
  readonly shownBy?: readonly string[];
};

const FAMILIES: readonly ThinkingMarks[] = [
  { open: "<think>", close: "</think>", forcedClose: "</think>\n\n", onNewLine: true },
  { open: "[THINK]", close: "[/THINK]", forcedClose: "[/THINK]", onNewLine: true },
  { open: "<seed:think>", close: "</seed:think>", forcedClose: "</seed:think>\n", onNewLine: true },
  { open: "<|START_THINKING|>", close: "<|END_THINKING|>", forcedClose: "<|END_THINKING|>", onNewLine: false },
  {
    open: "<|channel|>analysis<|message|>",
    close: "<|end|>",
    forcedClose: "<|end|><|start|>assistant<|channel|>final<|message|>",
    onNewLine: false,
    // Its closing mark ends every turn of other families.
    shownBy: ["<|channel|>analysis<|message|>"],
  },
];

/** The marks that a chat template, as its source, shows or removes; none for a model that does not reason. */
export function thinkingMarksOf(template: string): ThinkingMarks | undefined {
  return FAMILIES.find(({ open, close, shownBy = [open, close] }) => shownBy.some((sign) => template.includes(sign)));
}

/**
 * Follows a reply's reasoning, token by token. Only a block at the very beginning counts, opened by
 * the reply or by the end of the prompt: later on the mark is a word like any other, in a program
 * about such marks for instance.
 */
export class ThinkingBlock {
  readonly #marks: ThinkingMarks;
  readonly #budgetTokens: number;
  #state: "before" | "open" | "over";
  #tokens = 0;
  /** What a mark could still be part of. */
  #seen: string;

  /** `prompt` is the text that the reply follows. */
  constructor(marks: ThinkingMarks, prompt: string, budgetTokens = Number.POSITIVE_INFINITY) {
    this.#marks = marks;
    this.#budgetTokens = budgetTokens;
    const isOpened = prompt.trimEnd().endsWith(marks.open);
    this.#state = isOpened ? "open" : "before";
    this.#seen = isOpened ? prompt.slice(-1) : "";
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Whether the block has to be closed now, by `closing`. */
  get isSpent(): boolean {
    return this.isOpen && this.#tokens >= this.#budgetTokens;
  }

  /** The text that closes the block. */
  get closing(): string {
    const { forcedClose, onNewLine } = this.#marks;
    return onNewLine && !this.#seen.endsWith("\n") ? `\n${forcedClose}` : forcedClose;
  }

  /** Ends the block; what closed it was not part of the answer. */
  close(): void {
    this.#state = "over";
  }

  /** Takes the text of one more token and returns what of it belongs to the answer. */
  push(text: string): string {
    if (this.#state === "over") return text;
    if (this.#state === "open") this.#tokens += 1;
    this.#seen += text;
    return this.#state === "before" ? this.#readBeginning() : this.#readReasoning();
  }

  #readBeginning(): string {
    const { open } = this.#marks;
    const begin = this.#seen.trimStart();
    if (begin.startsWith(open)) {
      this.#state = "open";
      this.#seen = begin.slice(open.length);
      return this.#readReasoning();
    }
    if (open.startsWith(begin)) return "";
    this.#state = "over";
    return this.#seen;
  }

  #readReasoning(): string {
    const { close } = this.#marks;
    const end = this.#seen.indexOf(close);
    if (end < 0) {
      this.#seen = this.#seen.slice(-close.length);
      return "";
    }
    this.#state = "over";
    return this.#seen.slice(end + close.length);
  }
}
