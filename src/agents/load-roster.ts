import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { messageOf, usageError } from "../base/errors.ts";
import { TASK_TIERS, type TaskTier } from "../base/task.ts";
import type { GgufSettings, ModelUse, OpenAiSource } from "../engine/model.ts";
import { parseModelAddress, type ServerModelAddress } from "../engine/model-source.ts";
import { SEATS } from "./role.ts";
import type { Roster } from "./roster.ts";

const useShape = { thinking: z.enum(["on", "off"]).optional(), pinned: z.boolean().optional() };
const settingsShape = {
  ...useShape,
  context_tokens: z.int().positive().optional(),
  gpu_layers: z.int().nonnegative().optional(),
  cache_type: z.enum(["f32", "f16", "q8_0", "q4_0"]).optional(),
  flash_attention: z.boolean().optional(),
  batch_tokens: z.int().positive().optional(),
  slots: z.int().positive().optional(),
  adapters: z.array(z.strictObject({ file: z.string(), scale: z.number().default(1) })).optional(),
  prompt_lookup: z.boolean().optional(),
  deterministic: z.boolean().optional(),
};
const settingsSchema = z.object(settingsShape);

const fileSchema = z.strictObject({ file: z.string(), ...settingsShape });
const catalogSchema = z.strictObject({ catalog: z.string(), quantisation: z.string().optional(), ...settingsShape });
const serverSchema = z.strictObject({
  ...useShape,
  server: z.string(),
  model: z.string().min(1).optional(),
  context_tokens: z.int().positive().optional(),
  /** A name: a key that somebody puts here by mistake is refused before it is recorded anywhere. */
  api_key_variable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, "must be the name of an environment variable, not the key itself")
    .optional(),
  api_key_file: z.string().optional(),
  concurrency: z.int().positive().optional(),
  requests_per_minute: z.int().positive().optional(),
});
type Model = z.infer<typeof fileSchema> | z.infer<typeof catalogSchema> | z.infer<typeof serverSchema>;

/** A model by the one of `file`, `catalog` and `server` that it has, so that an error names the key that is wrong. */
const modelSchema = z.record(z.string(), z.unknown()).transform((model, context): Model => {
  const schema = "server" in model ? serverSchema : "catalog" in model ? catalogSchema : fileSchema;
  const parsed = schema.safeParse(model);
  if (parsed.success) return parsed.data;
  for (const { message, path } of parsed.error.issues) context.addIssue({ code: "custom", message, path });
  return z.NEVER;
});

const rosterSchema = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  /** Folder of a prompt set, relative to this file. */
  prompts: z.string().optional(),
  /** Word lists of a closed domain, relative to this file. */
  domain: z.string().optional(),
  /** What the models were chosen for, in GiB of the memory they run in. */
  budget_gib: z.number().positive().optional(),
  /** Kept free of it for everything else. */
  reserve_gib: z.number().nonnegative().optional(),
  /** Models that are loaded at the same time: each list has to fit into the budget. */
  resident: z.array(z.array(z.string()).min(1)).optional(),
  models: z.record(z.string(), modelSchema),
  tiers: z.strictObject({ simple: z.string(), medium: z.string(), complex: z.string() }),
  roles: z.partialRecord(z.enum(SEATS), z.string()).default({}),
});

/** A model as a roster names it; what a catalog name or a server's address comes to is found out later. */
export type ModelEntry = { readonly use: ModelUse } & (
  | { readonly kind: "file"; readonly path: string; readonly settings: GgufSettings }
  | {
      readonly kind: "catalog";
      readonly name: string;
      readonly quantisation: string | undefined;
      readonly settings: GgufSettings;
    }
  | { readonly kind: "server"; readonly address: ServerModelAddress; readonly limits: ServerLimits }
);

/** How hard a server may be driven. */
export type ServerLimits = Pick<OpenAiSource, "concurrency" | "requestsPerMinute">;

export type RosterFile = {
  readonly name: string;
  readonly description: string | undefined;
  readonly models: Readonly<Record<string, ModelEntry>>;
  readonly tiers: Readonly<Record<TaskTier, string>>;
  readonly roles: Roster["roles"];
  /** Absent: ATOS's own. */
  readonly promptsDirectory: string | undefined;
  readonly domainFile: string | undefined;
  readonly budget:
    | { readonly gib: number; readonly reserveGib: number; readonly resident: readonly (readonly string[])[] }
    | undefined;
};

/**
 * Reads a roster file (YAML). Paths in it are relative to the file.
 *
 * @throws {AtosError} `agents/bad-roster` naming the file and what is wrong with it.
 */
export async function loadRoster(file: string): Promise<RosterFile> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw usageError("agents/bad-roster", `the roster ${file} can't be read: ${messageOf(cause)}`);
  });
  const parsed = rosterSchema.safeParse(parseYaml(text, file));
  if (!parsed.success)
    throw usageError("agents/bad-roster", `the roster ${file} is not valid:\n${z.prettifyError(parsed.error)}`);
  const { name, description, prompts, domain, models, tiers, roles, budget_gib, reserve_gib, resident } = parsed.data;
  const used = [...TASK_TIERS.map((tier) => tiers[tier]), ...Object.values(roles), ...(resident ?? []).flat()];
  const unknown = used.find((id) => !Object.hasOwn(models, id));
  if (unknown !== undefined)
    throw usageError("agents/bad-roster", `the roster ${file} uses a model ${unknown} that is not under its models`);
  const base = dirname(resolve(file));
  const entries = Object.entries(models).map(([id, model]) => [id, toEntry(model, base)] as const);
  return {
    name,
    description,
    tiers,
    roles,
    models: Object.fromEntries(entries),
    promptsDirectory: prompts === undefined ? undefined : resolve(base, prompts),
    domainFile: domain === undefined ? undefined : resolve(base, domain),
    budget:
      budget_gib === undefined
        ? undefined
        : {
            gib: budget_gib,
            reserveGib: reserve_gib ?? 0,
            resident: resident ?? Object.keys(models).map((id) => [id]),
          },
  };
}

function toEntry(model: Model, base: string): ModelEntry {
  const use = {
    ...(model.thinking === undefined ? {} : { thinking: model.thinking }),
    ...(model.pinned === undefined ? {} : { pinned: model.pinned }),
  };
  if ("file" in model) return { use, kind: "file", path: resolve(base, model.file), settings: toSettings(model, base) };
  if ("catalog" in model)
    return {
      use,
      kind: "catalog",
      name: model.catalog,
      quantisation: model.quantisation,
      settings: toSettings(model, base),
    };
  // The same door as --model: no password in an address, no query, a /v1 where none is given.
  const { server, model: name, context_tokens: contextTokens } = model;
  if (name !== undefined && server.includes("#"))
    throw usageError("agents/bad-roster", `the model ${name} is named twice: after the # of ${server} too`);
  const address = parseModelAddress(name === undefined ? server : `${server}#${encodeURIComponent(name)}`, {
    directory: base,
    home: base,
    ...(contextTokens === undefined ? {} : { contextTokens }),
    ...(model.api_key_variable === undefined ? {} : { apiKeyVariable: model.api_key_variable }),
    ...(model.api_key_file === undefined ? {} : { apiKeyFile: resolve(base, model.api_key_file) }),
  });
  if (address.kind !== "server")
    throw usageError("agents/bad-roster", `${server} is not the address of a server; give a model file as file: PATH`);
  const limits = {
    ...(model.concurrency === undefined ? {} : { concurrency: model.concurrency }),
    ...(model.requests_per_minute === undefined ? {} : { requestsPerMinute: model.requests_per_minute }),
  };
  return { use, kind: "server", address, limits };
}

/** Only what was said: an absent setting keeps the engine's default, and stays out of the recorded request. */
function toSettings(model: z.infer<typeof settingsSchema>, base: string): GgufSettings {
  const adapters = model.adapters?.map(({ file, scale }) => ({ path: resolve(base, file), scale }));
  const settings: GgufSettings = {
    contextTokens: model.context_tokens,
    gpuLayers: model.gpu_layers,
    cacheType: model.cache_type,
    flashAttention: model.flash_attention,
    batchTokens: model.batch_tokens,
    slots: model.slots,
    adapters,
    promptLookup: model.prompt_lookup,
    deterministic: model.deterministic,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw usageError("agents/bad-roster", `the roster ${file} is not YAML: ${messageOf(error)}`);
  }
}
