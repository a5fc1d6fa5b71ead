import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, usageError } from "../base/errors.ts";
import type { ModelSource } from "../engine/model.ts";
import { parseModelAddress } from "../engine/model-source.ts";
import { ROLES } from "./prompt-set.ts";
import type { Roster } from "./roster.ts";

const modelSchema = z.union([
  z.strictObject({ file: z.string(), context_tokens: z.number().int().positive().optional() }),
  z.strictObject({
    server: z.string(),
    model: z.string().min(1),
    context_tokens: z.number().int().positive(),
    api_key_variable: z.string().optional(),
  }),
]);

const rosterSchema = z.strictObject({
  name: z.string(),
  /** Folder of a prompt set, relative to this file. */
  prompts: z.string().optional(),
  /** Word lists of a closed domain, relative to this file. */
  domain: z.string().optional(),
  models: z.record(z.string(), modelSchema),
  tiers: z.strictObject({ simple: z.string(), medium: z.string(), complex: z.string() }),
  roles: z.partialRecord(z.enum(ROLES), z.string()).default({}),
});

export type LoadedRoster = {
  readonly roster: Roster;
  /** Absent: ATOS's own. */
  readonly promptsDirectory: string | undefined;
  readonly domainFile: string | undefined;
};

/**
 * Reads a roster file (YAML). Paths in it are relative to the file.
 *
 * @throws {AtosError} `agents/bad-roster` naming the file and what is wrong with it.
 */
export async function loadRoster(file: string): Promise<LoadedRoster> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw usageError("agents/bad-roster", `the roster ${file} can't be read: ${messageOf(cause)}`);
  });
  const parsed = rosterSchema.safeParse(parseYaml(text, file));
  if (!parsed.success)
    throw usageError("agents/bad-roster", `the roster ${file} is not valid:\n${z.prettifyError(parsed.error)}`);
  const { name, prompts, domain, models, tiers, roles } = parsed.data;
  const unknown = [...Object.values(tiers), ...Object.values(roles)].find((id) => models[id] === undefined);
  if (unknown !== undefined)
    throw usageError("agents/bad-roster", `the roster ${file} uses a model ${unknown} that is not under its models`);
  const base = dirname(resolve(file));
  return {
    roster: { name, tiers, roles, models: Object.entries(models).map(([id, model]) => toSource(id, model, base)) },
    promptsDirectory: prompts === undefined ? undefined : resolve(base, prompts),
    domainFile: domain === undefined ? undefined : resolve(base, domain),
  };
}

function toSource(id: string, model: z.infer<typeof modelSchema>, base: string): ModelSource {
  if ("file" in model)
    return { kind: "gguf", id, path: resolve(base, model.file), contextTokens: model.context_tokens };
  // The same door as --model: no password in an address, no query, a /v1 where none is given.
  const { server, model: name, context_tokens: contextTokens, api_key_variable: apiKeyVariable } = model;
  const address = parseModelAddress(`${server}#${encodeURIComponent(name)}`, {
    directory: base,
    home: base,
    contextTokens,
    ...(apiKeyVariable === undefined ? {} : { apiKeyVariable }),
  });
  if (address.kind !== "openai")
    throw usageError("agents/bad-roster", `the model ${id} needs the name of a model on its server`);
  return { ...address, id };
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw usageError("agents/bad-roster", `the roster ${file} is not YAML: ${messageOf(error)}`);
  }
}
