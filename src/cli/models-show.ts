import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { findProbe } from "../agents/stored-probe.ts";
import { EXIT, usageError } from "../base/errors.ts";
import { type Catalog, findCatalogFile, loadCatalog } from "../engine/catalog/catalog.ts";
import { shapeOf } from "../engine/catalog/catalog-shape.ts";
import { readGgufInfo } from "../engine/gguf/gguf-info.ts";
import type { ModelShape } from "../engine/gguf/memory-estimate.ts";
import { parseModelAddress } from "../engine/model-source.ts";
import { hubUrlOf, tokenFor } from "../engine/catalog/pull-address.ts";
import { inspectRemote } from "../engine/catalog/pull-model.ts";
import { findPullTarget } from "../engine/catalog/pull-target.ts";
import { type PassRate, passRates } from "../store/task-results.ts";
import { type CommandContext, commandContext } from "./context.ts";
import { factDocument, factLines, type KnownModel, memoryNeeds } from "./model-facts.ts";
import { findLocalModel, type LocalModel, localModels, unknownModel } from "./models-folder.ts";
import type { Output } from "./output.ts";
import { passRateLines } from "./pass-rate-lines.ts";
import { connect } from "./worker-client.ts";

const CONTEXT_TOKENS = 8192;
const HUB_MS = 30_000;

/** `atos models show MODEL`: facts, licence, what it takes in memory, and how often it got tasks right here. */
export async function runModelsShowCommand(
  text: string,
  flags: { readonly context?: string },
  output: Output,
): Promise<number> {
  const asked = readContext(flags.context);
  const model = await findModel(text, commandContext());
  const shape = model.file ?? (model.catalog === undefined ? undefined : shapeOf(model.catalog));
  const needs = shape === undefined ? [] : memoryNeeds(shape, contextFor(shape, asked));
  const rates = await ratesOf([model.name, text], commandContext(), output);
  output.emit({ ...factDocument(model, needs), passRates: rates });
  output.say([...factLines(model, needs), ...passRateLines(rates)].join("\n"));
  return EXIT.done;
}

/** How often the model got tasks right here; where nothing was ever built no worker is started to ask. */
async function ratesOf(
  names: readonly string[],
  context: CommandContext,
  output: Output,
): Promise<readonly PassRate[]> {
  if (context.databaseUrl === undefined && !existsSync(context.folder.postgres)) return [];
  await using connection = await connect(context, output.note);
  const rates = await passRates(connection.db, connection.workerId);
  return rates.filter(({ model }) => names.includes(model));
}

/** What is here goes before what the catalog knows, and that before what only the hub does. */
async function findModel(text: string, context: CommandContext): Promise<KnownModel> {
  const catalog = await loadCatalog();
  if (/\.gguf$/i.test(text) && !/^(hf|https?):/i.test(text)) return fileModel(text, context);
  const models = await localModels(context.folder.models);
  const local = findLocalModel(models, text, catalog);
  if (local !== undefined && local.kind !== "partial") return localModel(local, catalog, context);
  const entry = Object.hasOwn(catalog.models, text) ? catalog.models[text] : undefined;
  if (entry !== undefined && Object.keys(entry.quantisations).length === 0) return { name: text, entry };
  return remoteModel(text, catalog, context);
}

async function fileModel(text: string, { workspace, folder }: CommandContext): Promise<KnownModel> {
  const address = parseModelAddress(text, { directory: workspace, home: homedir() });
  if (address.kind !== "gguf") throw unknownModel(text, []);
  const { id: name, path } = address;
  const file = await readGgufInfo(path);
  return { name, path, bytes: (await stat(path)).size, file, probe: await findProbe(folder.probes, address) };
}

async function localModel(
  { name, path, bytes, origin }: LocalModel,
  catalog: Catalog,
  { folder }: CommandContext,
): Promise<KnownModel> {
  const found = origin?.catalog === undefined ? undefined : findCatalogFile(catalog, origin.catalog);
  return {
    name,
    path,
    bytes,
    url: origin?.url,
    sha256: origin?.sha256,
    entry: found?.entry,
    catalog: found,
    file: await readGgufInfo(path),
    probe: await findProbe(folder.probes, { kind: "gguf", id: name, path }),
  };
}

async function remoteModel(text: string, catalog: Catalog, { env }: CommandContext): Promise<KnownModel> {
  const hubUrl = hubUrlOf(env);
  const target = findPullTarget(catalog, text, hubUrl);
  if (target === undefined) throw unknownModel(text, Object.keys(catalog.models));
  const { url, name, expected, catalog: found } = target;
  if (found !== undefined)
    return {
      name: found.model,
      url,
      bytes: found.file.bytes,
      sha256: expected.sha256,
      entry: found.entry,
      catalog: found,
    };
  const token = tokenFor(url, hubUrl, env["HF_TOKEN"]);
  return { name, url, ...(await inspectRemote({ url, token }, AbortSignal.timeout(HUB_MS))) };
}

function readContext(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const tokens = Number(text);
  if (Number.isSafeInteger(tokens) && tokens > 0) return tokens;
  throw usageError("cli/bad-context", `--context must be a whole number of tokens, not ${JSON.stringify(text)}`);
}

function contextFor({ trainedContextTokens }: ModelShape, asked: number | undefined): number {
  if (asked !== undefined && asked > trainedContextTokens)
    throw usageError("cli/bad-context", `the model was trained for ${trainedContextTokens} tokens, not ${asked}`);
  return asked ?? Math.min(CONTEXT_TOKENS, trainedContextTokens);
}
