import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Model, ModelSource } from "../engine/model.ts";
import { openPool } from "../pool/open-pool.ts";
import { resolveModel } from "../workflows/choose-roster.ts";
import { commandContext, settingsOf } from "./context.ts";
import { interrupted } from "./interrupted.ts";
import type { Output } from "./output.ts";

/** How long a model waits for memory that the worker or other programs have. */
const MAX_WAIT_MS = 10_000;
const JOB = { build: "this command", task: "models", role: "measured" };

/**
 * Opens the model that a person named, in this process and for one command; Ctrl-C or being asked to end ends that. Its memory is booked
 * beside what the worker has: a model that does not fit there is refused.
 */
export async function withModel<T>(
  text: string,
  output: Output,
  use: (opened: { readonly model: Model; readonly source: ModelSource }, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const context = commandContext();
  const { contextTokens, apiKeyVariable, apiKeyFile, budget } = await settingsOf(context);
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
  const signal = interrupted();
  output.note(`opening ${source.id} …`);
  const { env, folder } = context;
  const options = {
    factsFile: join(folder.root, "models-pool.json"),
    cachesFolder: join(folder.root, "models-caches"),
    budgetBytes: budget?.bytes,
    maxWaitMs: MAX_WAIT_MS,
    env,
  };
  await mkdir(folder.root, { recursive: true, mode: 0o700 });
  await using pool = await openPool(options, signal);
  await using lease = await pool.lease({ source, job: JOB, report: async () => {} }, signal);
  return await use({ model: lease.model, source }, signal);
}
