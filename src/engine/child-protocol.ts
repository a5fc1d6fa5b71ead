import { z } from "zod";
import { AtosError, EXIT, messageOf } from "../base/errors.ts";

/*
 * What the parent and the process that holds the weights say to each other. `call` numbers the
 * parent's requests; every request but `abort` gets replies under its number, the last of which is
 * `loaded`, `counted`, a part of kind `end`, or `failed`.
 */

const call = z.int();
const chatMessage = z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() });

const generateRequest = z.object({
  messages: z.array(chatMessage).readonly(),
  maxTokens: z.number(),
  temperature: z.number(),
  seed: z.number(),
  stop: z.array(z.string()).readonly().exactOptional(),
});

const loadOptions = z.object({
  path: z.string(),
  contextTokens: z.number().exactOptional(),
  threads: z.number(),
  deterministic: z.boolean(),
});

export const childRequest = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("load"), call, options: loadOptions }),
  z.object({ kind: z.literal("count"), call, messages: z.array(chatMessage).readonly() }),
  z.object({ kind: z.literal("generate"), call, request: generateRequest }),
  z.object({ kind: z.literal("abort"), call }),
]);

const part = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("text"), text: z.string() }),
  z.object({
    kind: z.literal("end"),
    finish: z.enum(["stop", "length"]),
    usage: z.object({ promptTokens: z.number(), cachedTokens: z.number(), outputTokens: z.number() }),
  }),
]);

const failure = z.object({
  code: z.string(),
  message: z.string(),
  exitCode: z.union([
    z.literal(EXIT.done),
    z.literal(EXIT.failed),
    z.literal(EXIT.usage),
    z.literal(EXIT.missing),
    z.literal(EXIT.interrupted),
  ]),
});

export const childReply = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("loaded"), call, contextTokens: z.number() }),
  z.object({ kind: z.literal("counted"), call, tokens: z.number() }),
  z.object({ kind: z.literal("part"), call, part }),
  z.object({ kind: z.literal("failed"), call, failure }),
]);

export type LoadOptions = z.infer<typeof loadOptions>;
export type ChildRequest = z.infer<typeof childRequest>;
export type ChildReply = z.infer<typeof childReply>;
export type ChildFailure = z.infer<typeof failure>;

/** An error as it crosses the process border: what was raised on purpose keeps its code. */
export function failureOf(error: unknown): ChildFailure {
  return error instanceof AtosError
    ? { code: error.code, message: error.message, exitCode: error.exitCode }
    : { code: "engine/generation-failed", message: `the model failed: ${messageOf(error)}`, exitCode: EXIT.failed };
}

export function errorOf({ code, message, exitCode }: ChildFailure): AtosError {
  return new AtosError(code, message, { exitCode });
}
