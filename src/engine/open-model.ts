import { loadEmbeddedModel } from "./embedded/embedded-model.ts";
import type { Model, ModelSource } from "./model.ts";
import { readApiKey } from "./server/server-key.ts";
import { openServerModel } from "./server/server-model.ts";
import { threadCount } from "./embedded/thread-count.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Loads or reaches a model, whatever kind it is. Keys are looked up in `env` and in files at this moment.
 *
 * @throws what `loadEmbeddedModel`, `openServerModel` and `readApiKey` throw; the signal's reason.
 */
export async function openModel(source: ModelSource, env: Environment, signal: AbortSignal): Promise<Model> {
  if (source.kind === "gguf") return loadEmbeddedModel(source, { threads: await threadCount(source.path), signal });
  return openServerModel(source, { apiKey: await readApiKey(source, env) }, signal);
}
