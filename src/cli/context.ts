import { homedir } from "node:os";
import { join } from "node:path";
import { type StateFolder, stateFolder } from "../base/state-folder.ts";
import { type Budget, readSettings, type Settings } from "./settings.ts";

/** What every command knows of where it runs. */
export type CommandContext = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workspace: string;
  readonly folder: StateFolder;
  readonly configDirectory: string;
  readonly databaseUrl: string | undefined;
  /** What the worker must have for this command; undefined goes along with the one that runs. */
  readonly budget: Budget | undefined;
};

export function commandContext(): CommandContext {
  const { env } = process;
  return {
    env,
    workspace: process.cwd(),
    folder: stateFolder({ env, platform: process.platform, home: homedir() }),
    configDirectory: join(env["XDG_CONFIG_HOME"] || join(homedir(), ".config"), "atos"),
    databaseUrl: env["DATABASE_URL"] || undefined,
    budget: undefined,
  };
}

export function settingsOf(context: CommandContext, flags: Readonly<Record<string, unknown>> = {}): Promise<Settings> {
  return readSettings(flags, context);
}
