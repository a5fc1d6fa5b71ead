import { EXIT } from "../base/errors.ts";
import { type Catalog, catalogFiles, loadCatalog } from "../engine/catalog/catalog.ts";
import { pulledName } from "../engine/catalog/pull-target.ts";
import { gpuBytes, smallestBudget } from "../engine/catalog/roster-budget.ts";
import { bytesText } from "./bytes-text.ts";
import { commandContext } from "./context.ts";
import { type LocalModel, localModels } from "./models-folder.ts";
import type { Output } from "./output.ts";

/** The context for which the catalog says what a model needs; a developer's turn fits into it. */
const CONTEXT_TOKENS = 8192;

type CatalogRow = {
  readonly name: string;
  readonly quantisation: string;
  readonly bytes: number;
  readonly approximate: boolean;
  /** GPU memory for the weights, a context of `contextTokens` with an 8-bit cache, and the computation. */
  readonly gpuBytes: number;
  readonly contextTokens: number;
  /** The smallest memory, in GB, of which a roster may use so much; absent above the largest. */
  readonly budgetGb?: number;
  readonly licence: string;
  readonly commercial: boolean;
  readonly pulled: boolean;
};

/** `atos models list`: what `--model NAME` can mean here; with `catalog` what can be fetched. */
export async function runModelsListCommand(flags: { readonly catalog?: boolean }, output: Output): Promise<number> {
  const { folder } = commandContext();
  const models = await localModels(folder.models);
  if (flags.catalog === true) sayCatalog(catalogRows(await loadCatalog(), models), output);
  else sayModels(models, output);
  return EXIT.done;
}

function sayModels(models: readonly LocalModel[], output: Output): void {
  output.emit(models);
  for (const { name, path, bytes, kind } of models) {
    const what = kind === "partial" ? "  (not finished: the same atos models pull goes on)" : "";
    output.say(`${name.padEnd(32)} ${bytesText(bytes).padStart(10)}  ${path}${what}`);
  }
}

function sayCatalog(rows: readonly CatalogRow[], output: Output): void {
  output.emit(rows);
  const line = (cells: readonly [string, string, string, string, string, string]): string => {
    const [name, quantisation, size, needs, budget, licence] = cells;
    return `${name.padEnd(24)} ${quantisation.padEnd(8)}${size.padStart(10)}${needs.padStart(11)}${budget.padStart(8)}  ${licence}`;
  };
  output.say(line(["name", "file", "size", "needs", "from", "licence"]));
  for (const row of rows) {
    const licence = `${row.licence}${row.commercial ? "" : " (not for commercial use)"}${row.pulled ? ", pulled" : ""}`;
    const size = `${row.approximate ? "~" : ""}${bytesText(row.bytes)}`;
    const budget = row.budgetGb === undefined ? "more" : `${row.budgetGb} GB`;
    output.say(line([row.name, row.quantisation, size, bytesText(row.gpuBytes), budget, licence]));
  }
  output.say(
    `\nneeds: GPU memory for weights, ${CONTEXT_TOKENS} tokens of context with an 8-bit cache, and the computation; an estimate.\n` +
      "from: the smallest GPU that has so much and some to spare. Fetch one: atos models pull NAME, or NAME:FILE for another than the first.",
  );
}

function catalogRows(catalog: Catalog, models: readonly LocalModel[]): readonly CatalogRow[] {
  const here = new Set(models.filter(({ kind }) => kind === "pulled").map(({ name }) => name));
  return catalogFiles(catalog).map((found) => {
    const contextTokens = Math.min(CONTEXT_TOKENS, found.entry.context_tokens);
    const needs = Math.round(gpuBytes(found, { contextTokens, cacheType: "q8_0" }));
    const budgetGb = smallestBudget(needs);
    return {
      name: found.model,
      quantisation: found.quantisation,
      bytes: found.file.bytes,
      approximate: found.file.approximate ?? false,
      gpuBytes: needs,
      contextTokens,
      ...(budgetGb === undefined ? {} : { budgetGb }),
      licence: found.entry.licence.name,
      commercial: found.entry.licence.commercial,
      pulled: here.has(pulledName(found)),
    };
  });
}
