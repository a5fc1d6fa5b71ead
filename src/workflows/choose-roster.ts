import { readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadRoster, type ModelEntry } from "../agents/load-roster.ts";
import { type Roster, singleModelRoster } from "../agents/roster.ts";
import { missingError, usageError } from "../base/errors.ts";
import { chosenFile, loadCatalog } from "../engine/catalog/catalog.ts";
import type { ModelSource } from "../engine/model.ts";
import { parseModelAddress, type ServerModelAddress } from "../engine/model-source.ts";
import { hubUrlOf } from "../engine/catalog/pull-address.ts";
import { findPullTarget, pulledName, pulledPath, type PullTarget } from "../engine/catalog/pull-target.ts";
import { readApiKey } from "../engine/server/server-key.ts";
import { resolveServerModel } from "../engine/server/server-models.ts";

const PACKAGE = new URL("../../", import.meta.url);
const NANO = "nano";
export const NANO_ROSTER: string = fileURLToPath(new URL("models/rosters/nano.yaml", PACKAGE));
export const OWN_LANGUAGES: string = fileURLToPath(new URL("languages", PACKAGE));
export const OWN_ROLES: string = fileURLToPath(new URL("roles", PACKAGE));

/** Where models are looked for. */
export type ModelPlaces = {
  /** Folder of pulled models: a NAME means NAME.gguf there. */
  readonly modelsDirectory: string;
  /** Where relative paths begin, and what `~` stands for. */
  readonly directory: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

export type ModelChoice = ModelPlaces & {
  readonly model: string | undefined;
  readonly roster: string | undefined;
  /** For what `model` names; a roster has its own. */
  readonly contextTokens: number | undefined;
  readonly apiKeyVariable: string | undefined;
  readonly apiKeyFile: string | undefined;
  readonly thinking: "on" | "off" | undefined;
  /** Whether `roster` was named by the workspace: then it may name no keys. */
  readonly rosterIsWorkspaces?: boolean;
};

export type ChosenRoster = {
  readonly roster: Roster;
  readonly promptsDirectory: string | undefined;
  readonly domainFile: string | undefined;
  /** What the person should know of the choice. */
  readonly notes: readonly string[];
};

/**
 * The roster somebody chose: one model for all tiers, a roster file, or atos-nano when nothing
 * was chosen. Servers are asked what they hold, so that it can be pinned.
 *
 * @throws {AtosError} for two choices at once, an unknown model, a server that can't be reached.
 */
export async function chooseRoster(choice: ModelChoice): Promise<ChosenRoster> {
  const { model, roster } = choice;
  if (roster !== undefined) {
    const file = await rosterFile(roster, choice.directory);
    if (choice.rosterIsWorkspaces === true) await refuseKeys(file);
    return resolveRoster(file, choice);
  }
  if (model === undefined || model === NANO) return resolveRoster(NANO_ROSTER, choice);
  const { source: plain, note } = await resolveModel(model, choice);
  const source = choice.thinking === undefined ? plain : { ...plain, thinking: choice.thinking };
  const notes = note === undefined ? [] : [note];
  return { roster: singleModelRoster(source), promptsDirectory: undefined, domainFile: undefined, notes };
}

export type ResolvedModel = { readonly source: ModelSource; readonly note?: string };

/**
 * What a person named as a model: `nano`, the name of a pulled model or of the catalog, a file, a server.
 *
 * @throws {AtosError} `workflows/unknown-model`, and what reading an address or asking a server throws.
 */
export async function resolveModel(model: string, choice: ModelChoice): Promise<ResolvedModel> {
  const { contextTokens, apiKeyVariable, apiKeyFile, directory, home } = choice;
  const settings = contextTokens === undefined ? {} : { contextTokens };
  if (model === NANO) {
    const [source] = (await resolveRoster(NANO_ROSTER, choice)).roster.models;
    if (source === undefined) throw new Error("the roster of nano has no model");
    return { source };
  }
  const named = await findNamedModel(model, choice);
  if (named !== undefined) return { source: { kind: "gguf", ...named, ...settings } };
  const key = {
    ...(apiKeyVariable === undefined ? {} : { apiKeyVariable }),
    ...(apiKeyFile === undefined ? {} : { apiKeyFile: resolve(directory, apiKeyFile) }),
  };
  const address = parseModelAddress(model, { directory, home, ...settings, ...key });
  return address.kind === "server" ? resolveServer(address, choice.env) : { source: address };
}

/** @throws `workflows/workspace-key` for a roster that would send somebody's key to an address of its own choice. */
async function refuseKeys(file: string): Promise<void> {
  const { models } = await loadRoster(file);
  const named = Object.entries(models).find(
    ([, { kind, ...model }]) =>
      kind === "server" &&
      "address" in model &&
      (model.address.apiKeyVariable ?? model.address.apiKeyFile) !== undefined,
  );
  if (named === undefined) return;
  throw usageError(
    "workflows/workspace-key",
    `the roster ${file} was chosen by this folder's .atos/config.yaml and names a key for ${named[0]}. If you trust it, choose it yourself: --roster ${file}`,
  );
}

async function resolveRoster(file: string, places: ModelPlaces): Promise<ChosenRoster> {
  const { name, models, tiers, roles, promptsDirectory, domainFile } = await loadRoster(file);
  const resolved = await Promise.all(
    Object.entries(models).map(async ([id, entry]) => {
      const { source, note } = await resolveEntry(entry, places);
      return { source: { ...source, ...entry.use, id }, note: note === undefined ? [] : [`${id}: ${note}`] };
    }),
  );
  const roster = { name, tiers, roles, models: resolved.map(({ source }) => source) };
  return { roster, promptsDirectory, domainFile, notes: resolved.flatMap(({ note }) => note) };
}

/** One of ATOS's own rosters by its name, such as `8gb`, or a file. */
async function rosterFile(roster: string, directory: string): Promise<string> {
  const path = resolve(directory, roster);
  if (!/^[\w-]+$/.test(roster)) return path;
  const own = fileURLToPath(new URL(`models/rosters/${roster.toLowerCase()}.yaml`, PACKAGE));
  if (await isFile(own)) return own;
  if (await isFile(path)) return path;
  const known = (await readdir(new URL("models/rosters/", PACKAGE))).map((file) => file.replace(/\.yaml$/, ""));
  throw usageError(
    "workflows/unknown-roster",
    `there is no roster ${roster}; give a file, or one of ${known.join(", ")}`,
  );
}

async function resolveEntry(entry: ModelEntry, places: ModelPlaces): Promise<ResolvedModel> {
  switch (entry.kind) {
    case "file":
      return { source: { kind: "gguf", id: "", path: entry.path, ...entry.settings } };
    case "catalog": {
      const found = chosenFile(await loadCatalog(), entry);
      const asked = `${found.model}:${found.quantisation}`;
      const pulled = await pulledModel(asked, { name: pulledName(found), catalog: found }, places);
      return { source: { kind: "gguf", ...pulled, ...entry.settings } };
    }
    case "server": {
      const { source, ...said } = await resolveServer(entry.address, places.env);
      return { source: { ...source, ...entry.limits }, ...said };
    }
  }
}

async function resolveServer(address: ServerModelAddress, env: ModelPlaces["env"]): Promise<ResolvedModel> {
  const { source, contextFrom } = await resolveServerModel(address, { apiKey: await readApiKey(address, env) });
  if (contextFrom !== "assumed") return { source };
  const note = `the server does not say how much ${source.model} can hold; ${source.contextTokens} tokens are assumed (ATOS_CONTEXT_TOKENS or context_tokens changes that)`;
  return { source, note };
}

/**
 * The file of a model that goes by a name or can be fetched by its address, once it is here; undefined when
 * `name` is a path or a server's address.
 */
async function findNamedModel(name: string, { modelsDirectory, env }: ModelPlaces) {
  const isName = /^[\w.-]+(?::\w+)?$/.test(name) && !name.endsWith(".gguf");
  if (isName && (await isFile(pulledPath(modelsDirectory, name))))
    return { id: name, path: pulledPath(modelsDirectory, name) };
  const target = findPullTarget(await loadCatalog(), name, hubUrlOf(env));
  if (target !== undefined) return pulledModel(name, target, { modelsDirectory });
  if (isName) throw unknownModel(name);
  return undefined;
}

/** The file of what was asked for, once it was pulled. */
async function pulledModel(
  asked: string,
  { name, catalog }: Pick<PullTarget, "name" | "catalog">,
  { modelsDirectory }: Pick<ModelPlaces, "modelsDirectory">,
): Promise<{ readonly id: string; readonly path: string }> {
  const path = pulledPath(modelsDirectory, name);
  if (await isFile(path)) return { id: name, path };
  const size = catalog === undefined ? "" : ` (${(catalog.file.bytes / 2 ** 30).toFixed(1)} GiB)`;
  throw missingError(
    "workflows/model-not-pulled",
    `the model ${asked} is not on this machine yet${size}; fetch it: atos models pull ${asked}`,
  );
}

function unknownModel(name: string) {
  return usageError(
    "workflows/unknown-model",
    `there is no model called ${name}. Give "nano", a name from atos models list or atos models list --catalog, a .gguf file, or a server's address such as http://127.0.0.1:11434/v1#qwen2.5-coder:7b`,
  );
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
