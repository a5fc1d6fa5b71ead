import { z } from "zod";
import { missingError, usageError } from "../../base/errors.ts";
import { badReply } from "./chat-stream.ts";
import type { OpenAiSource } from "../model.ts";
import type { ServerModelAddress } from "../model-source.ts";
import { type ServerAddress, ServerConnection } from "./server-connection.ts";
import { chooseContext, type ContextOrigin, discoverServer } from "./server-discovery.ts";
import { demandJson } from "./server-json.ts";
import type { ServerKind } from "./server-kind.ts";

export type ServerModelsOptions = { readonly apiKey?: string | undefined; readonly signal?: AbortSignal };

export type ResolvedServerModel = {
  readonly source: OpenAiSource;
  readonly server: ServerKind;
  /** `assumed` is worth a word to the person: neither they nor the server said how large the context is. */
  readonly contextFrom: ContextOrigin;
};

const modelList = z.object({ data: z.array(z.object({ id: z.string() })) });

/**
 * The names of the models a server offers, in its order.
 *
 * @throws `engine/server-unreachable`, `engine/server-refused-key`, `engine/server-busy`, `engine/server-error`,
 * `engine/bad-server-reply`, `engine/server-timeout` after 10 seconds; the signal's reason.
 */
export async function listServerModels(baseUrl: string, options: ServerModelsOptions = {}): Promise<readonly string[]> {
  await using server = new ServerConnection(addressOf(baseUrl, options.apiKey));
  return await fetchModels(server, options.signal);
}

/**
 * Makes a model on a server ready to be recorded in a roster: its name, which is the only one the server
 * offers where the address has none, and its context, as the server has it or as it was given. An Ollama loads the
 * model for that.
 *
 * @throws `engine/ambiguous-model` with the list when the server offers several, `engine/no-server-model`
 * when none, `engine/context-too-large` when more was given than the server has, `engine/server-model-unknown`
 * from an Ollama, and what `listServerModels` throws.
 */
export async function resolveServerModel(
  address: ServerModelAddress,
  options: ServerModelsOptions = {},
): Promise<ResolvedServerModel> {
  const { baseUrl, contextTokens: given, apiKeyVariable, apiKeyFile } = address;
  const signal = options.signal ?? new AbortController().signal;
  await using server = new ServerConnection(addressOf(baseUrl, options.apiKey));
  const model = address.model ?? onlyModel(baseUrl, await fetchModels(server, signal));
  const identity = await discoverServer(server, model, signal);
  const { contextTokens, contextFrom } = chooseContext(identity, given, `${baseUrl}#${model}`);
  const key = {
    ...(apiKeyVariable === undefined ? {} : { apiKeyVariable }),
    ...(apiKeyFile === undefined ? {} : { apiKeyFile }),
  };
  const source: OpenAiSource = { kind: "openai", id: model, baseUrl, model, contextTokens, ...key };
  return { source, server: identity.kind, contextFrom };
}

/** As `listServerModels`, over a connection that is there already. */
export async function fetchModels(server: ServerConnection, signal?: AbortSignal): Promise<readonly string[]> {
  const answer = await demandJson(server, { path: "/models", what: "list of its models" }, signal);
  const parsed = modelList.safeParse(answer);
  if (!parsed.success) throw badReply(`a list of models that can't be read, at ${server.baseUrl}/models`);
  return parsed.data.data.map(({ id }) => id);
}

function onlyModel(baseUrl: string, models: readonly string[]): string {
  const [only, ...others] = models;
  if (only === undefined)
    throw missingError("engine/no-server-model", `the server at ${baseUrl} offers no model; load one into it`);
  if (others.length === 0) return only;
  const choice = models
    .slice(0, MAX_CHOICES)
    .map((model) => `${baseUrl}#${model}`)
    .join(", ");
  const more = models.length > MAX_CHOICES ? `, and ${models.length - MAX_CHOICES} more` : "";
  const why = `the server at ${baseUrl} offers several models; name one: ${choice}${more}`;
  throw usageError("engine/ambiguous-model", why);
}

/** A router has hundreds. */
const MAX_CHOICES = 30;

function addressOf(baseUrl: string, apiKey: string | undefined): ServerAddress {
  return { baseUrl, ...(apiKey === undefined ? {} : { apiKey }) };
}
