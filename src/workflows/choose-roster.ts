import { stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type LoadedRoster, loadRoster } from "../agents/load-roster.ts";
import { singleModelRoster } from "../agents/roster.ts";
import { usageError } from "../base/errors.ts";
import { parseModelAddress } from "../engine/model-source.ts";
import { resolveServerModel } from "../engine/server-models.ts";

const PACKAGE = new URL("../../", import.meta.url);
const NANO = "nano";
export const NANO_ROSTER: string = fileURLToPath(new URL("models/rosters/nano.yaml", PACKAGE));
export const OWN_PROMPTS: string = fileURLToPath(new URL("roles", PACKAGE));

export type ModelChoice = {
  readonly model: string | undefined;
  readonly roster: string | undefined;
  readonly contextTokens: number;
  readonly apiKeyVariable: string | undefined;
  /** Folder of pulled models: `--model NAME` means NAME.gguf there. */
  readonly modelsDirectory: string;
  /** Where relative paths begin, and what `~` stands for. */
  readonly directory: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * The roster somebody chose: one model for all tiers, a roster file, or atos-nano when nothing
 * was chosen.
 *
 * @throws {AtosError} for two choices at once, an unknown model, a server that can't be reached.
 */
export async function chooseRoster(choice: ModelChoice): Promise<LoadedRoster> {
  const { model, roster } = choice;
  if (roster !== undefined) return loadRoster(roster);
  if (model === undefined || model === NANO) return loadRoster(NANO_ROSTER);
  return {
    roster: singleModelRoster(await resolveModel(model, choice)),
    promptsDirectory: undefined,
    domainFile: undefined,
  };
}

async function resolveModel(model: string, choice: ModelChoice): Promise<Parameters<typeof singleModelRoster>[0]> {
  if (/^[\w.-]+$/.test(model) && !model.endsWith(".gguf")) {
    const path = join(choice.modelsDirectory, `${model}.gguf`);
    if (await isFile(path)) return { kind: "gguf", id: model, path, contextTokens: choice.contextTokens };
    throw usageError(
      "workflows/unknown-model",
      `there is no model called ${model}. Give "nano", the name of a pulled model (atos models list), a .gguf file, or a server's address such as http://127.0.0.1:11434/v1#qwen2.5-coder:7b`,
    );
  }
  const { contextTokens, apiKeyVariable, env, directory, home } = choice;
  const address = parseModelAddress(model, {
    directory,
    home,
    contextTokens,
    ...(apiKeyVariable === undefined ? {} : { apiKeyVariable }),
  });
  if (address.kind !== "server") return address;
  const apiKey = apiKeyVariable === undefined ? undefined : env[apiKeyVariable];
  return resolveServerModel(address, apiKey === undefined ? {} : { apiKey });
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
