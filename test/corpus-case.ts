import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { messageOf } from "../src/base/errors.ts";
import { readReply } from "../src/engine/dialects/read-reply.ts";
import { type ToolDefinition, toolDefinition } from "../src/engine/dialects/tool-definition.ts";

const corpusCase = z.object({
  id: z.string(),
  family: z.string(),
  shape: z.string(),
  tools: z.array(z.string()),
  text: z.string(),
  finish_reason: z.literal("length").optional(),
  expect: z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("call"),
      name: z.string(),
      arguments: z.record(z.string(), z.unknown()),
      also: z.number().int().positive().optional(),
    }),
    z.object({ kind: z.literal("text") }),
    z.object({ kind: z.literal("invalid"), why: z.string() }),
  ]),
});

/** One output of a model and what it is expected to be read as. */
export type CorpusCase = z.infer<typeof corpusCase>;
export type CaseResult = {
  readonly ok: boolean;
  /** A call where none was expected, or another call. Worse than a call that was missed. */
  readonly wrongExecution: boolean;
  /** Whether the reason of an invalid turn is the expected one. It does not decide. */
  readonly sameWhy: boolean;
  readonly got: unknown;
};

export function parseCases(text: string): readonly CorpusCase[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line, index) => {
    try {
      return corpusCase.parse(JSON.parse(line));
    } catch (error) {
      throw new Error(`case ${index + 1}: ${messageOf(error)}`, { cause: error });
    }
  });
}

export function parseTools(text: string): readonly ToolDefinition[] {
  return z.object({ tools: z.array(toolDefinition) }).parse(JSON.parse(text)).tools;
}

/** Reads a case and compares. A reader that throws has failed the case. */
export function checkCase(
  { text, expect, tools: names, ...rest }: CorpusCase,
  tools: readonly ToolDefinition[],
): CaseResult {
  const offered = tools.filter(({ name }) => names.includes(name));
  try {
    const got = readReply(text, { tools: offered, finish: rest.finish_reason ?? "stop" });
    if (got.kind !== "call") {
      const sameWhy = got.kind !== "invalid" || expect.kind !== "invalid" || got.why === expect.why;
      return { ok: got.kind === expect.kind, wrongExecution: false, sameWhy, got };
    }
    const { name, arguments: args, also } = got;
    const right = expect.kind === "call" && expect.name === name && isDeepStrictEqual(expect.arguments, args);
    return { ok: right && also === (expect.also ?? 0), wrongExecution: !right, sameWhy: true, got };
  } catch (error) {
    return { ok: false, wrongExecution: false, sameWhy: false, got: `threw ${messageOf(error)}` };
  }
}
