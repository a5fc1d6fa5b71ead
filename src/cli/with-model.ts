import { homedir } from "node:os";
import type { Model, ModelSource } from "../engine/model.ts";
import { openModel } from "../engine/open-model.ts";
import { resolveModel } from "../workflows/choose-roster.ts";
import { commandContext, settingsOf } from "./context.ts";
import type { Output } from "./output.ts";

/**
 * Opens the model that a person named, in this process and for one command; Ctrl-C ends that. The worker
 * knows nothing of it: two large models at once may not fit.
 */
export async function withModel<T>(
  text: string,
  output: Output,
  use: (opened: { readonly model: Model; readonly source: ModelSource }, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const context = commandContext();
  const { contextTokens, apiKeyVariable, apiKeyFile } = await settingsOf(context);
  const places = {
    modelsDirectory: context.folder.models,
    directory: context.workspace,
    home: homedir(),
    env: context.env,
  };
  const key = { apiKeyVariable, apiKeyFile };
  const choice = { ...places, ...key, model: text, roster: undefined, contextTokens, thinking: undefined };
  const { source, note } = await resolveModel(text, choice);
  if (note !== undefined) output.note(`atos: ${note}`);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  output.note(`opening ${source.id} …`);
  await using model = await openModel(source, context.env, stop.signal);
  return await use({ model, source }, stop.signal);
}
