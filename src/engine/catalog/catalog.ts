import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { AtosError, messageOf, missingError, usageError } from "../../base/errors.ts";
import { DIALECTS } from "../dialects/reading.ts";
import type { GgufSettings } from "../model.ts";

const CATALOG_FILE = fileURLToPath(new URL("../../../models/catalog.yaml", import.meta.url));
const DEFAULT_QUANTISATION = "Q4_K_M";
/** How ATOS calls them where a person need not know llama.cpp's names. */
const QUANTISATION_NAMES: Readonly<Record<string, string>> = { "4BIT": "Q4_K_M", "8BIT": "Q8_0", NONE: "F16" };

const count = z.number().int().positive();

const shapeSchema = z.strictObject({
  /** As `general.architecture` of a GGUF file names it. */
  architecture: z.string(),
  layers: count,
  embedding_length: count,
  /** Width of the feed-forward part; with experts that of all those that serve one token. */
  hidden_length: count.optional(),
  heads: count,
  key_value_heads: count,
  /** Numbers in one key, and in one value. */
  head_length: count,
  vocabulary: count,
  /** One matrix for input and output, one for each, or one that the files hold twice all the same. */
  embeddings: z.enum(["tied", "separate", "stored-twice"]),
  sliding_window: z.strictObject({ tokens: count, full_every: count.optional() }).optional(),
  /** Every n-th layer is attention with a cache; the others keep a state. Default: every one is. */
  attention_every: count.optional(),
  recurrent_bytes_per_slot: count.optional(),
  pooling: z.enum(["mean", "cls", "last"]).optional(),
});

const quantisationSchema = z.strictObject({
  repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  file: z.string().regex(/\.gguf$/),
  /** A commit. With it the file can't change, so size and hash are checked against those here. */
  revision: z
    .string()
    .regex(/^[0-9a-f]{40}$/)
    .optional(),
  bytes: count,
  /** The size is not that of this very file. */
  approximate: z.literal(true).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

const modelSchema = z.strictObject({
  title: z.string(),
  family: z.string(),
  parameters_billions: z.number().positive(),
  /** Of a mixture of experts: those that serve one token. */
  active_billions: z.number().positive().optional(),
  context_tokens: count,
  licence: z.strictObject({ name: z.string(), commercial: z.boolean(), terms: z.string().optional() }),
  /** Family of the chat template. */
  template: z.enum(["chatml", "llama3", "mistral", "gemma", "phi", "harmony", "none"]),
  /** How it was trained to write tool calls; absent where it was not, or in a way of its own. */
  dialect: z.enum(DIALECTS).optional(),
  thinking: z.enum(["optional", "always"]).optional(),
  roles: z.array(z.enum(["planner", "developer", "tester", "reviewer", "embedding"])),
  shape: shapeSchema,
  quantisations: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), quantisationSchema).default({}),
  /** For models that only a server can run. */
  server: z.strictObject({ repository: z.string(), engine: z.string() }).optional(),
  scores: z.array(z.strictObject({ benchmark: z.string(), value: z.number(), source: z.string() })).default([]),
  sources: z.record(z.string(), z.string()),
  unverified: z.array(z.string()).default([]),
  notes: z.string().optional(),
});

const catalogSchema = z.strictObject({
  checked: z.string(),
  models: z.record(z.string().regex(/^[a-z0-9][a-z0-9.-]*$/), modelSchema),
});

export type Catalog = z.infer<typeof catalogSchema>;
export type CatalogModel = z.infer<typeof modelSchema>;
export type Quantisation = z.infer<typeof quantisationSchema>;

/** A model of the catalog as a roster names it, with how it is to be loaded. */
export type CatalogChoice = {
  readonly name: string;
  /** Default: as `findCatalogFile`. */
  readonly quantisation?: string | undefined;
  readonly settings: GgufSettings;
};

/** One file of the catalog. */
export type CatalogFile = {
  readonly model: string;
  readonly entry: CatalogModel;
  /** Such as `Q4_K_M`. */
  readonly quantisation: string;
  readonly file: Quantisation;
};

/** Reads ATOS's own catalog, or another. @throws {AtosError} `engine/bad-catalog` */
export async function loadCatalog(file: string = CATALOG_FILE): Promise<Catalog> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw badCatalog(file, messageOf(error), error);
  });
  const parsed = catalogSchema.safeParse(parseYaml(text, file));
  if (parsed.success) return parsed.data;
  throw badCatalog(file, `\n${z.prettifyError(parsed.error)}`);
}

/**
 * The file that `NAME` or `NAME:QUANTISATION` means (`4bit`, `8bit` and `none` are Q4_K_M, Q8_0 and F16);
 * undefined when the catalog has no such model. The default is Q4_K_M, or the first there is. Pure.
 *
 * @throws {AtosError} `engine/no-such-quantisation`, `engine/server-only-model`
 */
export function findCatalogFile(catalog: Catalog, text: string): CatalogFile | undefined {
  const [name = "", ...rest] = text.split(":");
  const asked = rest.length === 0 ? undefined : rest.join(":");
  const model = name.toLowerCase();
  const entry = Object.hasOwn(catalog.models, model) ? catalog.models[model] : undefined;
  if (entry === undefined) return undefined;
  const known = Object.keys(entry.quantisations);
  const named = asked?.toUpperCase();
  const usual = known.includes(DEFAULT_QUANTISATION) ? DEFAULT_QUANTISATION : known[0];
  const wanted = named === undefined ? usual : (QUANTISATION_NAMES[named] ?? named);
  if (usual === undefined || wanted === undefined) throw serverOnly(model, entry);
  const file = entry.quantisations[wanted];
  if (file === undefined)
    throw usageError(
      "engine/no-such-quantisation",
      `the catalog has no ${model} in ${wanted || '""'}; it has ${known.join(", ")}`,
    );
  return { model, entry, quantisation: wanted, file };
}

/** Every file there is, in the order of the catalog. Pure. */
export function catalogFiles(catalog: Catalog): readonly CatalogFile[] {
  return Object.entries(catalog.models).flatMap(([model, entry]) =>
    Object.entries(entry.quantisations).map(([quantisation, file]) => ({ model, entry, quantisation, file })),
  );
}

/**
 * The file of a roster's choice. Pure.
 *
 * @throws {AtosError} `engine/unknown-catalog-model`, `engine/context-too-large`, and as `findCatalogFile`
 */
export function chosenFile(catalog: Catalog, choice: CatalogChoice): CatalogFile {
  const { name, quantisation, settings } = choice;
  const found = findCatalogFile(catalog, quantisation === undefined ? name : `${name}:${quantisation}`);
  if (found === undefined)
    throw usageError(
      "engine/unknown-catalog-model",
      `the catalog has no model called ${name}; atos models list --catalog shows what it has`,
    );
  const [asked, most] = [settings.contextTokens, found.entry.context_tokens];
  if (asked !== undefined && asked > most)
    throw usageError("engine/context-too-large", `${name} was trained for ${most} tokens, not ${asked}`);
  return found;
}

function serverOnly(model: string, { server }: CatalogModel): AtosError {
  const where = server === undefined ? "" : `: ${server.repository} with ${server.engine}`;
  return missingError(
    "engine/server-only-model",
    `${model} is for a server only${where}; start it there and give its address, as docs/models.md shows`,
  );
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw badCatalog(file, messageOf(error), error);
  }
}

function badCatalog(file: string, why: string, cause?: unknown): AtosError {
  return new AtosError("engine/bad-catalog", `the catalog ${file} can't be used: ${why}`, { exitCode: 2, cause });
}
