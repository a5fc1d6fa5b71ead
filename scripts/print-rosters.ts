// Prints the table of rosters in docs/models.md: node scripts/print-rosters.ts. A test keeps the two in step.
import { catalogChoices, type OwnRoster, ownRosters } from "../src/cli/roster-needs.ts";
import { type Catalog, type CatalogChoice, chosenFile, loadCatalog } from "../src/engine/catalog/catalog.ts";
import { GIB, residentSets } from "../src/engine/catalog/roster-budget.ts";

export type BudgetRoster = OwnRoster & {
  readonly budget: NonNullable<OwnRoster["budget"]>;
  readonly choices: ReadonlyMap<string, CatalogChoice>;
};

/** The rosters that are made for a budget, from the smallest to the largest; without a GPU first. */
export async function budgetRosters(): Promise<readonly BudgetRoster[]> {
  return (await ownRosters())
    .flatMap((roster) => {
      const { budget } = roster;
      return budget === undefined ? [] : [{ ...roster, budget, choices: catalogChoices(roster) }];
    })
    .toSorted((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1));
}

export function rosterTable(rosters: readonly BudgetRoster[], catalog: Catalog): string {
  const rows = rosters.flatMap((roster) =>
    residentSets(catalog, roster.choices, roster.budget.resident).map(({ models, bytes }, index) => {
      const { gib, reserveGib } = roster.budget;
      const memory = `${gib} GB${isWithoutGpu(roster) ? " of the machine's memory, no GPU" : ""}`;
      const loaded = models.map((id) => describe(id, roster.choices.get(id), catalog)).join("; ");
      const takes = `${(bytes / GIB).toFixed(1)} of ${Number((gib - reserveGib).toFixed(2))} GiB`;
      return `| ${index === 0 ? memory : ""} | ${index === 0 ? `\`${roster.file}\`` : "or, in turn"} | ${loaded} | ${takes} |`;
    }),
  );
  return ["| memory | roster | loaded together | takes |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

export function isWithoutGpu({ choices }: BudgetRoster): boolean {
  return [...choices.values()].every(({ settings }) => settings.gpuLayers === 0);
}

function describe(id: string, choice: CatalogChoice | undefined, catalog: Catalog): string {
  if (choice === undefined) return id;
  const { model, quantisation } = chosenFile(catalog, choice);
  const { slots = 1, contextTokens } = choice.settings;
  return `${model} ${quantisation}, ${slots === 1 ? "" : `${slots} × `}${contextTokens} tokens`;
}

function order(roster: BudgetRoster): number {
  return isWithoutGpu(roster) ? 0 : roster.budget.gib;
}

if (import.meta.main) process.stdout.write(`${rosterTable(await budgetRosters(), await loadCatalog())}\n`);
