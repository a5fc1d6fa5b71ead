import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { messageOf } from "../../src/base/errors.ts";
import { readReply } from "../../src/engine/dialects/read-reply.ts";
import type { Reading } from "../../src/engine/dialects/reading.ts";
import { type ToolDefinition, toolDefinition } from "../../src/engine/dialects/tool-definition.ts";

const expectation = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("call"),
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()),
    also: z.number().int().positive().optional(),
  }),
  z.object({ kind: z.literal("text") }),
  z.object({ kind: z.literal("invalid"), why: z.string() }),
]);
const corpusCase = z.object({
  id: z.string(),
  family: z.string(),
  tools: z.array(z.string()),
  text: z.string(),
  finish_reason: z.literal("length").optional(),
  expect: expectation,
});
const toolFile = z.object({ tools: z.array(toolDefinition) });

export type CorpusCase = z.infer<typeof corpusCase>;
export type Outcome = {
  readonly got: Reading | { readonly kind: "threw"; readonly error: string };
  readonly passed: boolean;
  /** A call where none was expected, or another one. */
  readonly wrong: boolean;
  readonly sameWhy: boolean;
};

/** The cases of a JSON Lines file. */
export function readCases(content: string): readonly CorpusCase[] {
  return content.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [corpusCase.parse(JSON.parse(line))];
    } catch (error) {
      throw new Error(`line ${index + 1} is no case: ${messageOf(error)}`, { cause: error });
    }
  });
}

export function readTools(content: string): readonly ToolDefinition[] {
  return toolFile.parse(JSON.parse(content)).tools;
}

/** Reads one case and holds the result against what is expected of it. */
export function checkCase(one: CorpusCase, tools: readonly ToolDefinition[]): Outcome {
  const { expect } = one;
  const offered = tools.filter(({ name }) => one.tools.includes(name));
  let got: Outcome["got"];
  try {
    got = readReply(one.text, { tools: offered, finish: one.finish_reason ?? "stop" });
  } catch (error) {
    return { got: { kind: "threw", error: String(error) }, passed: false, wrong: false, sameWhy: false };
  }
  if (got.kind === "call") {
    const same =
      expect.kind === "call" && got.name === expect.name && isDeepStrictEqual(got.arguments, expect.arguments);
    return { got, passed: same && got.also === (expect.also ?? 0), wrong: !same, sameWhy: true };
  }
  const sameWhy = got.kind !== "invalid" || expect.kind !== "invalid" || got.why === expect.why;
  return { got, passed: got.kind === expect.kind, wrong: false, sameWhy };
}
