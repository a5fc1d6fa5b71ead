import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { loadRoster } from "../agents/load-roster.ts";
import { usageError } from "../base/errors.ts";
import { type Catalog, findCatalogFile } from "../engine/catalog/catalog.ts";
import { pulledName } from "../engine/catalog/pull-target.ts";
import { NANO_ROSTER } from "../workflows/choose-roster.ts";

/** Beside a pulled file: where it is from. */
const originSchema = z.object({
  url: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  /** As the catalog calls it: `qwen2.5-coder-3b:Q4_K_M`. */
  catalog: z.string().optional(),
});
export type Origin = z.infer<typeof originSchema>;

export type LocalModel = {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  /** `partial`: a pull that was not finished. */
  readonly kind: "own" | "pulled" | "partial";
  readonly origin?: Origin;
};

/** Every model that is on this machine: ATOS's own, what was pulled, and what was pulled in part. */
export async function localModels(modelsDirectory: string): Promise<readonly LocalModel[]> {
  const { models } = await loadRoster(NANO_ROSTER);
  const own = Object.entries(models).flatMap(([name, entry]) =>
    entry.kind === "file" ? [{ name, path: entry.path, kind: "own" as const }] : [],
  );
  const files = (await readdir(modelsDirectory).catch((): string[] => [])).toSorted();
  const ending = (end: string): string[] =>
    files.filter((file) => file.endsWith(end)).map((file) => file.slice(0, -end.length));
  const pulled = ending(".gguf").map((name) => ({
    name,
    path: join(modelsDirectory, `${name}.gguf`),
    kind: "pulled" as const,
  }));
  const partial = ending(".gguf.part").map((name) => ({
    name,
    path: join(modelsDirectory, `${name}.gguf.part`),
    kind: "partial" as const,
  }));
  const found = await Promise.all(
    [...own, ...pulled, ...partial].map(async (model): Promise<readonly LocalModel[]> => {
      // A pull that ends just now takes its part away; folders and links into nowhere are no models.
      const file = await stat(model.path).catch(() => undefined);
      if (file === undefined || !file.isFile()) return [];
      const origin = await readOrigin(model.path);
      return [{ ...model, bytes: file.size, ...(origin === undefined ? {} : { origin }) }];
    }),
  );
  return found.flat();
}

/** The model of that name among `models`, whole before partial; a name of the catalog means its pulled file. Pure. */
export function findLocalModel(models: readonly LocalModel[], name: string, catalog: Catalog): LocalModel | undefined {
  const byName = (wanted: string): LocalModel | undefined => models.find((model) => model.name === wanted);
  return byName(name) ?? byName(catalogNameOf(name, catalog));
}

function catalogNameOf(text: string, catalog: Catalog): string {
  const model = text.split(":")[0]?.toLowerCase() ?? "";
  const entry = Object.hasOwn(catalog.models, model) ? catalog.models[model] : undefined;
  // A model that only a server has is never here.
  if (entry === undefined || Object.keys(entry.quantisations).length === 0) return text;
  const file = findCatalogFile(catalog, text);
  return file === undefined ? text : pulledName(file);
}

export async function readOrigin(path: string): Promise<Origin | undefined> {
  return originSchema.safeParse(await readJson(originPath(path))).data;
}

export async function writeOrigin(path: string, origin: Origin): Promise<void> {
  await writeFile(originPath(path), `${JSON.stringify(origin)}\n`);
}

/** Deletes a pulled model and everything that lies beside it. */
export async function removeModelFiles(path: string): Promise<void> {
  const beside = [originPath(path), `${path}.part`, `${path}.part.json`, path];
  for (const each of beside) await rm(each, { force: true });
}

/** The error for a name that nothing goes by, with those that are like it. Pure. */
export function unknownModel(name: string, known: readonly string[]): ReturnType<typeof usageError> {
  const word = name.toLowerCase().split(":")[0] ?? "";
  const like = word === "" ? [] : known.filter((each) => each.includes(word) || word.includes(each));
  const hint = like.length === 0 ? "" : ` Did you mean ${like.slice(0, 5).join(", ")}?`;
  return usageError(
    "cli/unknown-model",
    `there is no model called ${name || '""'}.${hint} atos models list shows what is here, atos models list --catalog what can be fetched`,
  );
}

function originPath(path: string): string {
  return `${path}.json`;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return undefined;
  }
}
