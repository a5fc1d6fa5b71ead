import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { AtosError, missingError } from "../../base/errors.ts";
import { badReply } from "./chat-stream.ts";
import type { PlacedBytes } from "../model.ts";
import { type ServerAddress, ServerConnection } from "./server-connection.ts";
import { askJson, demandJson, type JsonCall } from "./server-json.ts";
import { refused } from "./server-failure.ts";

/** A model that Ollama holds in memory. */
export type OllamaModel = {
  readonly name: string;
  readonly bytes: PlacedBytes;
  /** The context it was loaded with; older versions don't say. */
  readonly contextTokens?: number;
};

/** What Ollama tells of a model, loaded or not. */
export type OllamaDetails = {
  /** Whether its template knows to think. */
  readonly thinks: boolean;
  /** Makes embeddings and no replies. */
  readonly embeds: boolean;
  /** Served by ollama.com: nothing is loaded here. */
  readonly remote: boolean;
  /** What it was trained for. */
  readonly trainedTokens?: number;
};

/** Tens of gigabytes from a slow disk. */
const LOAD_TIMEOUT_MS = 10 * 60_000;
const LOAD = { from: "root", what: "answer to the loading of a model", timeoutMs: LOAD_TIMEOUT_MS } as const;
const UNLOAD_POLLS = 100;
const UNLOAD_POLL_MS = 100;

const psSchema = z.object({
  models: z
    .array(
      z.object({
        name: z.string(),
        size: z.int().nonnegative(),
        size_vram: z.int().nonnegative().nullish(),
        context_length: z.int().nonnegative().nullish(),
      }),
    )
    .nullable(),
});
const showSchema = z.object({
  capabilities: z.array(z.string()).nullish(),
  remote_host: z.string().nullish(),
  model_info: z.record(z.string(), z.unknown()).nullish(),
});

/**
 * Loads a model with the settings Ollama itself has for it, which are those of the chat API too, and
 * tells what it takes. One that is loaded so already stays as it is. Undefined for a model that is
 * served by ollama.com, which takes nothing here.
 *
 * @throws `engine/server-model-unknown`, `engine/server-unreachable`, `engine/server-busy`, `engine/server-timeout`
 * after ten minutes; the signal's reason.
 */
export async function loadOllama(
  address: ServerAddress,
  model: string,
  signal: AbortSignal,
): Promise<OllamaModel | undefined> {
  await using server = new ServerConnection(address);
  return (await loadInto(server, model, signal)).loaded;
}

/** Frees what a model takes, and waits until Ollama no longer lists it. */
export async function unloadOllama(address: ServerAddress, model: string, signal: AbortSignal): Promise<void> {
  await using server = new ServerConnection(address);
  const unload = { path: "/api/generate", body: { model, keep_alive: 0, stream: false } };
  await ask(server, { ...LOAD, ...unload }, signal);
  for (let poll = 0; poll < UNLOAD_POLLS; poll++) {
    const loaded = await loadedModels(server, signal);
    if (!loaded.some(({ name }) => sameModel(name, model))) return;
    await setTimeout(UNLOAD_POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
  const why = `Ollama at ${server.rootUrl} still holds ${model}, ${(UNLOAD_POLLS * UNLOAD_POLL_MS) / 1000} seconds after it was told to unload it`;
  throw new AtosError("engine/server-busy", `${why}; something else may be using it: ollama ps, ollama stop ${model}`);
}

/** What Ollama holds in memory, and where. */
export async function ollamaMemory(address: ServerAddress, signal: AbortSignal): Promise<readonly OllamaModel[]> {
  await using server = new ServerConnection(address);
  return await loadedModels(server, signal);
}

/** As `loadOllama`, over a connection that is there already. */
export async function loadInto(
  server: ServerConnection,
  model: string,
  signal: AbortSignal,
): Promise<{ readonly details: OllamaDetails; readonly loaded: OllamaModel | undefined }> {
  const details = await showOllama(server, model, signal);
  if (details.remote) return { details, loaded: undefined };
  // Without a prompt both load the model and say nothing.
  const call = details.embeds
    ? { path: "/api/embed", body: { model, input: [] } }
    : { path: "/api/generate", body: { model, stream: false } };
  await ask(server, { ...LOAD, ...call }, signal);
  return { details, loaded: (await loadedModels(server, signal)).find(({ name }) => sameModel(name, model)) };
}

async function showOllama(server: ServerConnection, model: string, signal: AbortSignal): Promise<OllamaDetails> {
  const call = { path: "/api/show", from: "root", body: { model }, what: "description of the model" } as const;
  const parsed = showSchema.safeParse(await ask(server, call, signal));
  if (!parsed.success) throw badReply(`a description of ${model} that can't be read, at ${server.rootUrl}/api/show`);
  const { capabilities, remote_host: host, model_info: info } = parsed.data;
  const trained = Object.entries(info ?? {}).find(([key]) => key.endsWith(".context_length"))?.[1];
  return {
    thinks: capabilities?.includes("thinking") === true,
    embeds: capabilities?.includes("embedding") === true && !capabilities.includes("completion"),
    remote: typeof host === "string" && host !== "",
    ...(typeof trained === "number" ? { trainedTokens: trained } : {}),
  };
}

async function loadedModels(server: ServerConnection, signal: AbortSignal): Promise<readonly OllamaModel[]> {
  const what = "list of loaded models";
  const parsed = psSchema.safeParse(await demandJson(server, { path: "/api/ps", from: "root", what }, signal));
  if (!parsed.success) throw badReply(`a ${what} that can't be read, at ${server.rootUrl}/api/ps`);
  return (parsed.data.models ?? []).map(({ name, size, size_vram: gpu, context_length: context }) => ({
    name,
    bytes: { system: Math.max(0, size - (gpu ?? 0)), gpu: gpu ?? 0 },
    ...(typeof context === "number" && context > 0 ? { contextTokens: context } : {}),
  }));
}

async function ask(
  server: ServerConnection,
  call: JsonCall & { readonly body: { readonly model: string } },
  signal: AbortSignal,
): Promise<unknown> {
  const answer = await askJson(server, call, signal);
  if (answer.kind === "json") return answer.value;
  const { model } = call.body;
  if (answer.status !== 404) throw refused(server, answer.status, answer.said);
  const why = `Ollama at ${server.rootUrl} does not have the model ${model}: ${answer.said}`;
  throw missingError("engine/server-model-unknown", `${why}; fetch it: ollama pull ${model}`);
}

/** Ollama adds the tag `latest` to a name without one. */
function sameModel(listed: string, asked: string): boolean {
  return listed === asked || listed === `${asked}:latest`;
}
