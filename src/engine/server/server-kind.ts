import { z } from "zod";
import { AtosError } from "../../base/errors.ts";
import { refused } from "./server-failure.ts";
import type { ServerConnection } from "./server-connection.ts";
import { askJson, tryJson } from "./server-json.ts";

/** What answers: one of those ATOS knows more of than the API they share, or `openai` for any other. */
export type ServerKind = "llama.cpp" | "vllm" | "ollama" | "lm-studio" | "hugging-face" | "openai";

/** What a server answered to one look at each place that tells servers apart; undefined where it had nothing. */
export type ServerAnswers = {
  /** `/models` after the base URL. */
  readonly models: unknown;
  /** `/props`, llama.cpp's. */
  readonly props: unknown;
  /** `/version`, vLLM's. */
  readonly version: unknown;
  /** `/api/version`, Ollama's. */
  readonly ollamaVersion: unknown;
  /** `/api/v0/models`, LM Studio's. */
  readonly studioModels: unknown;
};

/** A kind, and what its own answers tell of the model asked for. */
export type ServerIdentity = {
  readonly kind: ServerKind;
  readonly version?: string;
  /** The context the model has here, where the server says so. */
  readonly contextTokens?: number;
  /** Replies it computes at the same time, where it says so. */
  readonly slots?: number;
  /** It says that the model can be told to think or not. */
  readonly thinks?: true;
};

const PROBE_TIMEOUT_MS = 5_000;
const HUGGING_FACE = "router.huggingface.co";

const count = z.int().positive();
const propsSchema = z.object({
  default_generation_settings: z.object({ n_ctx: z.int().nonnegative() }),
  total_slots: count.nullish(),
  build_info: z.string().nullish(),
});
const versionSchema = z.object({ version: z.string().min(1) });
const studioSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      state: z.string(),
      max_context_length: count.nullish(),
      loaded_context_length: count.nullish(),
    }),
  ),
});
const providerSchema = z.object({
  provider: z.string(),
  status: z.string().nullish(),
  context_length: count.nullish(),
});
/** Names that servers have for a model's context in their list: vLLM and SGLang, OpenRouter, Groq. */
const modelsSchema = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      owned_by: z.string().nullish(),
      max_model_len: count.nullish(),
      context_length: count.nullish(),
      context_window: count.nullish(),
      providers: z.array(providerSchema).nullish(),
    }),
  ),
});
type ListedModel = z.infer<typeof modelsSchema>["data"][number];

/**
 * Which kind of server gave these answers, and what they say of `model`. Pure.
 *
 * 1. The router of Hugging Face is known by its host.
 * 2. `/props` with a context is llama.cpp's.
 * 3. `/api/version` is Ollama's.
 * 4. `/api/v0/models` with states is LM Studio's.
 * 5. `/version` beside models owned by `vllm` is vLLM's.
 * 6. All else is `openai`.
 */
export function serverIdentity(answers: ServerAnswers, host: string, model: string): ServerIdentity {
  const listed = read(modelsSchema, answers.models)?.data ?? [];
  if (host === HUGGING_FACE) return { kind: "hugging-face", ...contextOf(routedContext(listed, model)) };
  const props = read(propsSchema, answers.props);
  if (props !== undefined) {
    const { build_info: build, total_slots: slots, default_generation_settings: settings } = props;
    return {
      kind: "llama.cpp",
      ...versionOf(build),
      ...contextOf(settings.n_ctx),
      ...(typeof slots === "number" ? { slots } : {}),
    };
  }
  const ollama = read(versionSchema, answers.ollamaVersion);
  if (ollama !== undefined) return { kind: "ollama", version: ollama.version };
  const studio = read(studioSchema, answers.studioModels);
  if (studio !== undefined) {
    const loaded = studio.data.find(({ id, state }) => id === model && state === "loaded");
    return { kind: "lm-studio", ...contextOf(loaded?.loaded_context_length) };
  }
  const entry = listed.find(({ id }) => id === model);
  const context = contextOf(entry?.max_model_len ?? entry?.context_length ?? entry?.context_window);
  const vllm = read(versionSchema, answers.version);
  if (vllm !== undefined && listed.some((one) => one.owned_by === "vllm"))
    return { kind: "vllm", version: vllm.version, ...context };
  return { kind: "openai", ...context };
}

/**
 * Looks at a server and tells what it is. All questions are asked at once, and one it does not know
 * costs nothing.
 *
 * @throws `engine/server-unreachable`, `engine/server-refused-key`, `engine/server-busy` (which llama.cpp says
 * while it loads its model), `engine/server-timeout`; the signal's reason.
 */
export async function identifyServer(
  server: ServerConnection,
  model: string,
  signal: AbortSignal,
): Promise<ServerIdentity> {
  const { host } = new URL(server.baseUrl);
  const probe = (path: string): Promise<unknown> =>
    host === HUGGING_FACE
      ? Promise.resolve(undefined)
      : tryJson(server, { path, from: "root", what: `answer to ${path}`, timeoutMs: PROBE_TIMEOUT_MS }, signal);
  const [models, props, version, ollamaVersion, studioModels] = await Promise.all([
    listModels(server, signal),
    // A llama.cpp router loads the model that is named here, as it would for the first prompt.
    probe(`/props?model=${encodeURIComponent(model)}`),
    probe("/version"),
    probe("/api/version"),
    probe("/api/v0/models"),
  ]);
  return serverIdentity({ models, props, version, ollamaVersion, studioModels }, host, model);
}

/** Whether there is a server at all is seen here; one that can't list its models is fine. */
async function listModels(server: ServerConnection, signal: AbortSignal): Promise<unknown> {
  const call = { path: "/models", what: "list of its models" };
  const answer = await askJson(server, call, signal).catch((error: unknown) => {
    if (error instanceof AtosError && error.code === "engine/bad-server-reply") return undefined;
    throw error;
  });
  if (answer === undefined) return undefined;
  if (answer.kind === "json") return answer.value;
  const { status, said } = answer;
  if (status === 404 || status === 405 || status === 501) return undefined;
  throw refused(server, status, said);
}

/** The router's models are spelled `OWNER/NAME` or `OWNER/NAME:PROVIDER`; without one any live provider may serve. */
function routedContext(listed: readonly ListedModel[], model: string): number | undefined {
  const exact = listed.find(({ id }) => id === model);
  const colon = model.lastIndexOf(":");
  const entry = exact ?? listed.find(({ id }) => colon > 0 && id === model.slice(0, colon));
  const named = exact === undefined ? model.slice(colon + 1) : undefined;
  const live = (entry?.providers ?? []).filter(({ status }) => (status ?? "live") === "live");
  const chosen = live.some(({ provider }) => provider === named)
    ? live.filter(({ provider }) => provider === named)
    : live;
  const contexts = chosen.flatMap(({ context_length: tokens }) => tokens ?? []);
  return contexts.length === 0 ? undefined : Math.min(...contexts);
}

function contextOf(tokens: number | null | undefined): { readonly contextTokens?: number } {
  return typeof tokens === "number" && tokens > 0 ? { contextTokens: tokens } : {};
}

function versionOf(version: string | null | undefined): { readonly version?: string } {
  return typeof version === "string" ? { version } : {};
}

function read<T>(schema: z.ZodType<T>, value: unknown): T | undefined {
  return schema.safeParse(value).data;
}
