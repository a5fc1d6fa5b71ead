import { createParser } from "eventsource-parser";
import { z } from "zod";
import { AtosError } from "../../base/errors.ts";
import type { TokenUsage } from "../../base/events.ts";

/** One event of a streamed chat completion, as far as ATOS reads it. */
export type ChatChunk = {
  readonly text: string;
  /** What a thinking model thinks, where the server tells it apart. */
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCallPiece[];
  readonly finish?: string;
  readonly usage?: TokenUsage;
};

/** A part of a tool call that a server took out of the text by itself; they are told apart by index, by id, or by neither. */
export type ToolCallPiece = {
  readonly index?: number;
  readonly id?: string;
  readonly name?: string;
  readonly arguments: string;
};

const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024;

const usageSchema = z.object({
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
  prompt_tokens_details: z.object({ cached_tokens: z.int().nonnegative().nullish() }).nullish(),
});

const toolCallSchema = z.object({
  index: z.int().nonnegative().nullish(),
  id: z.string().nullish(),
  function: z
    .object({
      name: z.string().nullish(),
      // OpenAI's is JSON as text; some servers send the object itself.
      arguments: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
    })
    .nullish(),
});

const chunkSchema = z.object({
  error: z.unknown().optional(),
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
            tool_calls: z.array(toolCallSchema).nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: usageSchema.nullish(),
});

/**
 * Reads the chunks of a reply from the bytes of its event stream, as they come, up to the `[DONE]` that
 * ends it or to the end of the bytes.
 *
 * Throws `engine/bad-server-reply` at an event that is no chunk, `engine/server-error` at one that
 * reports a failure; `clean` makes the event's text fit for their messages.
 */
export class ChatStream {
  readonly #clean: (text: string) => string;
  readonly #decoder = new TextDecoder();
  readonly #parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ data }) => void this.#events.push(data),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") throw badReply("an event without an end");
    },
  });
  #events: string[] = [];
  #isDone = false;

  constructor(clean: (text: string) => string) {
    this.#clean = clean;
  }

  /** Whether the `[DONE]` was read. What comes after it is no part of the reply. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** The chunks that these bytes complete: none, or all that one read of the network brought. */
  read(bytes: Uint8Array): readonly ChatChunk[] {
    const chunks: ChatChunk[] = [];
    if (this.#isDone) return chunks;
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
    const arrived = this.#events;
    this.#events = [];
    for (const data of arrived) {
      this.#isDone = data.trim() === "[DONE]";
      if (this.#isDone) break;
      chunks.push(parseChunk(data, this.#clean));
    }
    return chunks;
  }
}

export function badReply(what: string): AtosError {
  const fault = `the model server sent ${what}`;
  return new AtosError(
    "engine/bad-server-reply",
    `${fault}; ATOS needs a server with OpenAI's API, for chat a streaming one`,
  );
}

function parseChunk(data: string, clean: (text: string) => string): ChatChunk {
  const parsed = chunkSchema.safeParse(parseJson(data));
  if (!parsed.success) throw badReply(`an event that is no chat chunk: ${clean(data)}`);
  const { error, choices, usage } = parsed.data;
  if (error !== undefined && error !== null)
    throw new AtosError(
      "engine/server-error",
      `the model server failed in the middle of a reply: ${clean(JSON.stringify(error))}`,
    );
  const choice = choices?.[0];
  const delta = choice?.delta;
  return {
    text: delta?.content ?? "",
    reasoning: delta?.reasoning_content ?? delta?.reasoning ?? "",
    toolCalls: (delta?.tool_calls ?? []).map(pieceOf),
    ...(typeof choice?.finish_reason === "string" ? { finish: choice.finish_reason } : {}),
    ...(usage ? { usage: usageOf(usage) } : {}),
  };
}

function pieceOf({ index, id, function: called }: z.infer<typeof toolCallSchema>): ToolCallPiece {
  const written = called?.arguments ?? "";
  return {
    ...(typeof index === "number" ? { index } : {}),
    ...(typeof id === "string" && id !== "" ? { id } : {}),
    ...(typeof called?.name === "string" && called.name !== "" ? { name: called.name } : {}),
    arguments: typeof written === "string" ? written : JSON.stringify(written),
  };
}

/** Undefined, which is no chunk, for text that is no JSON. */
function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

function usageOf(usage: z.infer<typeof usageSchema>): TokenUsage {
  return {
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage.completion_tokens,
  };
}
