import { createParser } from "eventsource-parser";
import { z } from "zod";
import { AtosError } from "../base/errors.ts";
import type { TokenUsage } from "../base/events.ts";

/** One event of a streamed chat completion, as far as ATOS reads it. */
export type ChatChunk = {
  readonly text: string;
  /** What a thinking model thinks, where the server tells it apart; no part of the reply. */
  readonly reasoning: string;
  readonly finish?: string;
  readonly usage?: TokenUsage;
};

const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024;

const usageSchema = z.object({
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative(),
  prompt_tokens_details: z.object({ cached_tokens: z.int().nonnegative().nullish() }).nullish(),
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
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: usageSchema.nullish(),
});

/**
 * Reads the chunks of a reply from the bytes of its event stream, up to the `[DONE]` that ends it or to
 * the end of the bytes.
 *
 * @throws `engine/bad-server-reply` at an event that is no chunk, `engine/server-error` at one that
 * reports a failure; `clean` makes the event's text fit for their messages.
 */
export async function* readChatStream(
  bytes: AsyncIterable<Uint8Array>,
  clean: (text: string) => string,
): AsyncGenerator<ChatChunk> {
  const decoder = new TextDecoder();
  let events: string[] = [];
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ data }) => void events.push(data),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") throw badReply("an event without an end");
    },
  });
  for await (const part of bytes) {
    parser.feed(decoder.decode(part, { stream: true }));
    const arrived = events;
    events = [];
    for (const data of arrived) {
      if (data.trim() === "[DONE]") return;
      yield parseChunk(data, clean);
    }
  }
}

export function badReply(what: string): AtosError {
  const fault = `the model server sent ${what}`;
  return new AtosError("engine/bad-server-reply", `${fault}; ATOS needs a server with OpenAI's streaming chat API`);
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
    ...(typeof choice?.finish_reason === "string" ? { finish: choice.finish_reason } : {}),
    ...(usage ? { usage: usageOf(usage) } : {}),
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
