import { type Llama, LlamaGrammarEvaluationState, type LlamaModel } from "node-llama-cpp";
import { messageOf, usageError } from "../../base/errors.ts";
import { readJsonSchema } from "../json-schema-check.ts";
import type { ReplyShape } from "../model.ts";
import { schemaGrammar } from "./schema-grammar.ts";
import { schemaMismatch } from "../schema-mismatch.ts";

/** The shape of one reply: what the sampler goes by, and what is looked at when the reply is complete. */
export type LlamaShape = {
  readonly state: LlamaGrammarEvaluationState;
  mismatch(answer: string): string | undefined;
};

/**
 * Reads a shape for one reply. In a grammar of the caller's own llama.cpp takes a repetition of more
 * than 2000 times for any number, without a word.
 *
 * @throws `engine/unsupported-schema`, `engine/bad-grammar`
 */
export async function openLlamaShape(model: LlamaModel, shape: ReplyShape): Promise<LlamaShape> {
  if (shape.kind === "gbnf") return { state: await openGrammar(model, shape.grammar), mismatch: () => undefined };
  const schema = readJsonSchema(shape.schema);
  const state = await openGrammar(model, schemaGrammar(schema));
  return { state, mismatch: (answer) => schemaMismatch(answer, schema) };
}

async function openGrammar(model: LlamaModel, grammar: string): Promise<LlamaGrammarEvaluationState> {
  const parsed = await parseGrammar(model.llama, grammar);
  return new LlamaGrammarEvaluationState({ model, grammar: parsed });
}

async function parseGrammar(llama: Llama, grammar: string): ReturnType<Llama["createGrammar"]> {
  try {
    return await llama.createGrammar({ grammar });
  } catch (error) {
    const hint = "GBNF needs a rule root, no rule that begins with itself, and no undefined rule";
    throw usageError("engine/bad-grammar", `the grammar of the reply can't be read (${messageOf(error)}); ${hint}`);
  }
}
