import { type Catalog, type CatalogChoice, type CatalogFile, chosenFile } from "./catalog.ts";
import { shapeOf } from "./catalog-shape.ts";
import { estimateMemory, type MemorySettings } from "../gguf/memory-estimate.ts";

export const GIB: number = 2 ** 30;

/** The memories for which ATOS has rosters, in GiB. */
export const BUDGETS_GIB: readonly number[] = [4, 6, 8, 12, 16, 24, 48];

/** Models loaded at the same time, and what they take together. */
export type ResidentSet = { readonly models: readonly string[]; readonly bytes: number };

/**
 * Adds up each set of models that a roster keeps loaded at the same time, by `estimateMemory`: GPU memory,
 * or that of the machine for a model without a layer on the GPU. Pure.
 *
 * @throws {AtosError} as `chosenFile`; a set with a model that is not among `models` never fits
 */
export function residentSets(
  catalog: Catalog,
  models: ReadonlyMap<string, CatalogChoice>,
  resident: readonly (readonly string[])[],
): readonly ResidentSet[] {
  return resident.map((ids) => ({
    models: ids,
    bytes: ids.reduce((sum, id) => {
      const choice = models.get(id);
      return sum + (choice === undefined ? Number.POSITIVE_INFINITY : choiceBytes(catalog, choice));
    }, 0),
  }));
}

/** What is kept free of a GPU's memory: more of a large one, since what an estimate misses grows with it. Pure. */
export function reserveGib(totalGib: number): number {
  return Math.min(2, Math.max(0.5, totalGib / 16));
}

/** Bytes of GPU memory for a file with all its layers there. Pure. */
export function gpuBytes(file: CatalogFile, settings: MemorySettings): number {
  const gpuLayers = file.entry.shape.layers + 1;
  return estimateMemory(shapeOf(file), { ...settings, gpuLayers }, { gpuBytes: Number.POSITIVE_INFINITY }).total.gpu;
}

/** The smallest of ATOS's budgets that holds so many bytes of GPU memory, in GiB; undefined above the largest. Pure. */
export function smallestBudget(bytes: number): number | undefined {
  return BUDGETS_GIB.find((total) => bytes <= (total - reserveGib(total)) * GIB);
}

function choiceBytes(catalog: Catalog, choice: CatalogChoice): number {
  const file = chosenFile(catalog, choice);
  const { settings } = choice;
  return settings.gpuLayers === 0 ? estimateMemory(shapeOf(file), settings).total.system : gpuBytes(file, settings);
}
