import { type AtosError, usageError } from "../../base/errors.ts";
import { loadInto } from "./ollama-control.ts";
import type { ServerConnection } from "./server-connection.ts";
import { identifyServer, type ServerIdentity, type ServerKind } from "./server-kind.ts";

/**
 * What is assumed of a context that nobody told: what Ollama and LM Studio give a model by
 * themselves on a small machine, and for all others a size that most servers have.
 */
const ASSUMED_CONTEXT: Readonly<Record<ServerKind, number>> = {
  "llama.cpp": 8192,
  vllm: 8192,
  ollama: 4096,
  "lm-studio": 4096,
  "hugging-face": 8192,
  openai: 8192,
};

/**
 * As `identifyServer`, and an Ollama is told to load the model: before that it does not know itself what
 * context the model will have.
 */
export async function discoverServer(
  server: ServerConnection,
  model: string,
  signal: AbortSignal,
): Promise<ServerIdentity> {
  const identity = await identifyServer(server, model, signal);
  if (identity.kind !== "ollama") return identity;
  const { details, loaded } = await loadInto(server, model, signal);
  const contextTokens = loaded?.contextTokens ?? (details.remote ? details.trainedTokens : undefined);
  return {
    ...identity,
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(details.thinks ? { thinks: true } : {}),
  };
}

/** Where a model's context comes from: the person, the server, or nobody, and then it is ATOS's assumption. */
export type ContextOrigin = "given" | "server" | "assumed";

/**
 * The context a model is used with. A number that was given holds as long as the server has no smaller one. Pure.
 *
 * @throws `engine/context-too-large` with both numbers.
 */
export function chooseContext(
  identity: ServerIdentity,
  given: number | undefined,
  name: string,
): { readonly contextTokens: number; readonly contextFrom: ContextOrigin } {
  const { kind, contextTokens } = identity;
  if (given !== undefined && contextTokens !== undefined && given > contextTokens)
    throw contextTooLarge(name, given, contextTokens);
  if (given !== undefined) return { contextTokens: given, contextFrom: "given" };
  if (contextTokens !== undefined) return { contextTokens, contextFrom: "server" };
  return { contextTokens: ASSUMED_CONTEXT[kind], contextFrom: "assumed" };
}

function contextTooLarge(name: string, given: number, found: number): AtosError {
  const why = `${name} is to have a context of ${given} tokens, and its server gives it ${found}`;
  const advice = `give ATOS ${found} or fewer (ATOS_CONTEXT_TOKENS, or context_tokens in a roster), or start the server with more`;
  return usageError("engine/context-too-large", `${why}; ${advice}`);
}
