import { homedir } from "node:os";
import type { ModelChoice } from "../workflows/choose-roster.ts";
import type { CommandContext } from "./context.ts";
import type { Settings } from "./settings.ts";

/** Which models a command takes. One flag replaces the other kind of setting too: `--model x` wins over a roster in a settings file. */
export function modelChoice(
  { folder, workspace, env }: CommandContext,
  settings: Settings,
  flags: { readonly model?: string; readonly roster?: string },
): ModelChoice {
  const { contextTokens, apiKeyVariable, apiKeyFile, thinking, rosterIsWorkspaces } = settings;
  return {
    model: flags.roster === undefined ? settings.model : undefined,
    roster: flags.model === undefined ? settings.roster : undefined,
    contextTokens,
    apiKeyVariable,
    apiKeyFile,
    thinking,
    rosterIsWorkspaces,
    modelsDirectory: folder.models,
    directory: workspace,
    home: homedir(),
    env,
  };
}
