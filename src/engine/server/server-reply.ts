import { AtosError } from "../../base/errors.ts";
import type { TokenUsage } from "../../base/events.ts";
import { badReply, type ChatChunk, type ToolCallPiece } from "./chat-stream.ts";
import type { FinishReason, ModelPart } from "../model.ts";
import { toolCallText } from "./tool-call-text.ts";

/** No vocabulary has longer tokens; a server that sends more than this for each does not keep to `max_tokens`. */
const MAX_TOKEN_CHARACTERS = 256;

export type ReplyEnd = {
  readonly finish: FinishReason;
  /** Undefined when the server told none. */
  readonly usage: TokenUsage | undefined;
  /** All that the reply is made of, to be counted where the server told no usage. */
  readonly written: string;
};

/** Follows one streamed reply to its end, and holds it to what was asked. */
export class ReplyReader {
  readonly #maxCharacters: number;
  readonly #clean: (text: string) => string;
  readonly #toolCalls: ToolCallPiece[] = [];
  /** All that was written, for counting: reasoning and calls too. */
  #written = "";
  #endsLine = true;
  #finish: FinishReason | undefined;
  #usage: TokenUsage | undefined;

  constructor(maxTokens: number, clean: (text: string) => string) {
    this.#clean = clean;
    this.#maxCharacters = (maxTokens + 1) * MAX_TOKEN_CHARACTERS;
  }

  /**
   * What chunks that came together add to the reply, with what is of one kind in one part. Undefined when
   * they say nothing, as the one that opens a stream before the prompt is evaluated.
   */
  take(chunks: readonly ChatChunk[]): readonly ModelPart[] | undefined {
    const parts: ReplyPart[] = [];
    let isSilent = true;
    for (const chunk of chunks) {
      this.#note(chunk);
      add(parts, "reasoning", chunk.reasoning);
      add(parts, "text", chunk.text);
      if (chunk.toolCalls.length > 0 || chunk.finish !== undefined) isSilent = false;
    }
    return isSilent && parts.length === 0 ? undefined : parts;
  }

  #note({ reasoning, text, toolCalls, finish, usage }: ChatChunk): void {
    this.#written += reasoning + text + toolCalls.map((call) => (call.name ?? "") + call.arguments).join("");
    if (this.#written.length > this.#maxCharacters) throw badReply("far more text than max_tokens allows");
    this.#toolCalls.push(...toolCalls);
    if (finish === "stop" || finish === "length") this.#finish = finish;
    else if (finish === "tool_calls") this.#finish = "stop";
    else if (finish !== undefined)
      throw badReply(`a reply that ended for a reason ATOS does not know, "${this.#clean(finish)}"`);
    this.#usage = usage ?? this.#usage;
    if (text !== "") this.#endsLine = text.endsWith("\n");
  }

  /** The tool calls that the server took out of the text, as one part of their own on a line of their own. */
  toolCalls(): readonly ModelPart[] {
    const text = toolCallText(this.#toolCalls);
    if (text === "") return [];
    return [...(this.#endsLine ? [] : [{ kind: "text", text: "\n" } as const]), { kind: "text", text }];
  }

  end(): ReplyEnd {
    if (this.#finish === undefined) {
      const silent = "without a word, as some do for a prompt over their context";
      const why = `the model server ended its stream ${this.#written === "" ? silent : "before the reply was finished"}`;
      throw new AtosError("engine/stream-cut", `${why}; look at the server's log, and try again`);
    }
    return { finish: this.#finish, usage: this.#usage, written: this.#written };
  }
}

type ReplyPart = { readonly kind: "reasoning" | "text"; text: string };

function add(parts: ReplyPart[], kind: ReplyPart["kind"], text: string): void {
  const last = parts.at(-1);
  if (text === "") return;
  if (last?.kind === kind) last.text += text;
  else parts.push({ kind, text });
}
