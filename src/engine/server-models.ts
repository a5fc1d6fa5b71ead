import { z } from "zod";
import { AtosError, missingError, usageError } from "../base/errors.ts";
import { badReply } from "./chat-stream.ts";
import type { ModelSource } from "./model.ts";
import type { UnnamedServer } from "./model-source.ts";
import { type ServerAddress, ServerConnection } from "./server-connection.ts";
import { Watchdog } from "./watchdog.ts";

export type ServerModelsOptions = { readonly apiKey?: string; readonly signal?: AbortSignal };

const LIST_TIMEOUT_MS = 10_000;
const modelList = z.object({ data: z.array(z.object({ id: z.string() })) });

/**
 * The names of the models a server offers, in its order.
 *
 * @throws `engine/server-unreachable`, `engine/server-refused-key`, `engine/server-busy`, `engine/server-error`,
 * `engine/bad-server-reply`, `engine/server-timeout` after 10 seconds; the signal's reason.
 */
export async function listServerModels(baseUrl: string, options: ServerModelsOptions = {}): Promise<readonly string[]> {
  const address: ServerAddress = { baseUrl, ...(options.apiKey === undefined ? {} : { apiKey: options.apiKey }) };
  await using server = new ServerConnection(address);
  return await fetchModels(server, options.signal);
}

/**
 * Finds the model of a server whose address names none: the only one it offers.
 *
 * @throws `engine/ambiguous-model` with the list when it offers several, `engine/no-server-model` when
 * none, and what `listServerModels` throws.
 */
export async function resolveServerModel(
  server: UnnamedServer,
  options: ServerModelsOptions = {},
): Promise<Extract<ModelSource, { readonly kind: "openai" }>> {
  const { baseUrl, contextTokens, apiKeyVariable } = server;
  const models = await listServerModels(baseUrl, options);
  const [only, ...others] = models;
  if (only === undefined)
    throw missingError("engine/no-server-model", `the server at ${baseUrl} offers no model; load one into it`);
  if (others.length > 0) {
    const choice = models.map((model) => `${baseUrl}#${model}`).join(", ");
    throw usageError("engine/ambiguous-model", `the server at ${baseUrl} offers several models; name one: ${choice}`);
  }
  const key = apiKeyVariable === undefined ? {} : { apiKeyVariable };
  return { kind: "openai", id: only, baseUrl, model: only, contextTokens, ...key };
}

/** As `listServerModels`, over a connection that is there already. */
export async function fetchModels(server: ServerConnection, signal?: AbortSignal): Promise<readonly string[]> {
  using watchdog = new Watchdog();
  watchdog.expect(LIST_TIMEOUT_MS, () => timedOut(server.baseUrl, "list of its models", LIST_TIMEOUT_MS));
  const either = signal === undefined ? watchdog.signal : AbortSignal.any([signal, watchdog.signal]);
  const response = await server.send({ method: "GET", path: "/models", signal: either });
  if (response.statusCode !== 200) throw refused(server, response.statusCode, await server.excerpt(response));
  const parsed = modelList.safeParse(
    await response.body.json().catch((error: unknown) => {
      if (either.aborted) throw either.reason;
      if (error instanceof SyntaxError) return undefined;
      throw server.failure(error, "answer");
    }),
  );
  if (!parsed.success) throw badReply(`a list of models that can't be read, at ${server.baseUrl}/models`);
  return parsed.data.data.map(({ id }) => id);
}

/** What an HTTP status other than 200 means, where the model's name plays no part. */
export function refused(server: ServerConnection, status: number, said: string): AtosError {
  const answer = `the model server at ${server.baseUrl} answered ${status}: ${said === "" ? "(nothing)" : said}`;
  if (status === 401 || status === 403)
    return usageError("engine/server-refused-key", `${answer}; give it a valid API key`);
  // Worth another try later, which is for whoever asked to decide; a wrong request is not.
  if (status === 429 || status >= 500) return missingError("engine/server-busy", `${answer}; look at the server's log`);
  return new AtosError("engine/server-error", `${answer}; look at the server's log`);
}

export function timedOut(baseUrl: string, what: string, timeoutMs: number): AtosError {
  const why = `the model server at ${baseUrl} sent no ${what} for ${timeoutMs / 1000} seconds`;
  return new AtosError("engine/server-timeout", `${why}; it may be overloaded, or still loading its model`);
}
