import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadRoster, type RosterFile } from "../agents/load-roster.ts";
import { type Catalog, type CatalogChoice, chosenFile, findCatalogFile } from "../engine/catalog/catalog.ts";
import { pulledName } from "../engine/catalog/pull-target.ts";
import { residentSets } from "../engine/catalog/roster-budget.ts";
import { NANO_ROSTER } from "../workflows/choose-roster.ts";

/** Models that are loaded at the same time, and what they take. */
export type NeededSet = {
  readonly models: readonly { readonly id: string; readonly bytes: number }[];
  readonly bytes: number;
};

/** What a roster made for a budget asks of a machine. */
export type RosterNeeds = {
  readonly name: string;
  readonly budgetGib: number;
  /** All its models run on the processor, in system memory. */
  readonly withoutGpu: boolean;
  /** Whether every model's licence allows commercial use. */
  readonly commercial: boolean;
  /** One after the other. */
  readonly sets: readonly NeededSet[];
  readonly files: readonly { readonly pullName: string; readonly bytes: number; readonly isHere: boolean }[];
};

/** A roster of ATOS's own; `file` is such as `8gb.yaml`. */
export type OwnRoster = RosterFile & { readonly file: string };

/** ATOS's own rosters. */
export async function ownRosters(): Promise<readonly OwnRoster[]> {
  const folder = dirname(NANO_ROSTER);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml")).toSorted();
  return await Promise.all(files.map(async (file) => ({ file, ...(await loadRoster(join(folder, file))) })));
}

/** Those of a roster's models that are of the catalog. Pure. */
export function catalogChoices({ models }: RosterFile): ReadonlyMap<string, CatalogChoice> {
  const choices = Object.entries(models).flatMap(([id, entry]): readonly (readonly [string, CatalogChoice])[] =>
    entry.kind === "catalog" ? [[id, entry]] : [],
  );
  return new Map(choices);
}

/** What those of the rosters ask that are made for a budget; `here` are names of pulled models. Pure. */
export function rosterNeeds(
  rosters: readonly RosterFile[],
  catalog: Catalog,
  here: ReadonlySet<string>,
): readonly RosterNeeds[] {
  return rosters.flatMap((roster) => {
    const { name, budget } = roster;
    if (budget === undefined) return [];
    const choices = catalogChoices(roster);
    const bytesOf = (ids: readonly string[]): number => residentSets(catalog, choices, [ids])[0]?.bytes ?? 0;
    const files = [...choices.values()].map((choice) => chosenFile(catalog, choice));
    return [
      {
        name,
        budgetGib: budget.gib,
        withoutGpu: [...choices.values()].every(({ settings }) => settings.gpuLayers === 0),
        commercial: files.every(({ entry }) => entry.licence.commercial),
        sets: budget.resident.map((ids) => ({
          models: ids.map((id) => ({ id, bytes: bytesOf([id]) })),
          bytes: bytesOf(ids),
        })),
        files: files.map((file) => ({
          pullName: isUsual(catalog, file) ? file.model : `${file.model}:${file.quantisation}`,
          bytes: file.file.bytes,
          isHere: here.has(pulledName(file)),
        })),
      },
    ];
  });
}

function isUsual(catalog: Catalog, { model, quantisation }: ReturnType<typeof chosenFile>): boolean {
  return findCatalogFile(catalog, model)?.quantisation === quantisation;
}
