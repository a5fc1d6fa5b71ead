import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type BudgetRoster, budgetRosters, isWithoutGpu, rosterTable } from "../scripts/print-rosters.ts";
import { type CatalogModel, chosenFile, loadCatalog } from "../src/engine/catalog/catalog.ts";
import { BUDGETS_GIB, GIB, reserveGib, residentSets } from "../src/engine/catalog/roster-budget.ts";

/*
 * The rosters that ATOS ships keep what their names promise, by the same arithmetic that the ledger uses.
 */
const NON_COMMERCIAL = "4gb.yaml";
const MOST_SIMPLE_BILLIONS = 4;
const MOST_SLOTS = 3;
const catalog = await loadCatalog();
const rosters = await budgetRosters();

test("there is a roster for every budget, and one without a GPU", () => {
  const budgets = rosters.filter((roster) => !isWithoutGpu(roster)).map(({ budget }) => budget.gib);
  assert.deepEqual([...new Set(budgets)], BUDGETS_GIB);
  assert.deepEqual(
    rosters.filter(isWithoutGpu).map(({ file }) => file),
    ["cpu.yaml"],
  );
});

for (const roster of rosters) {
  test(`${roster.file} fits: what is loaded together takes no more than its budget less its reserve`, () => {
    const { gib, reserveGib: reserve, resident } = roster.budget;
    for (const { models, bytes } of residentSets(catalog, roster.choices, resident)) {
      const message = `${models.join(" + ")} take ${(bytes / GIB).toFixed(2)} GiB of ${gib - reserve}`;
      assert.ok(bytes <= (gib - reserve) * GIB, message);
    }
  });

  test(`${roster.file} loads every model it uses at some time, all of them from the catalog`, () => {
    const used = [...Object.values(roster.tiers), ...Object.values(roster.roles)];
    const loaded = roster.budget.resident.flat();
    assert.deepEqual(
      used.filter((id) => !loaded.includes(id)),
      [],
    );
    assert.deepEqual(Object.keys(roster.models).toSorted(byName), [...roster.choices.keys()].toSorted(byName));
    assert.deepEqual([...new Set(loaded)].toSorted(byName), [...roster.choices.keys()].toSorted(byName));
  });

  test(`${roster.file} has a reviewer at least as strong as its coders`, () => {
    const { simple, medium, complex } = roster.tiers;
    const reviewer = strength(modelOf(roster, roster.roles.reviewer ?? complex));
    for (const coder of [simple, medium, complex])
      assert.ok(reviewer >= strength(modelOf(roster, roster.roles.developer ?? coder)), coder);
  });

  test(`${roster.file} does simple tasks on a small model, on up to three slots`, () => {
    const { simple } = roster.tiers;
    const entry = modelOf(roster, simple);
    const billions = entry.active_billions ?? entry.parameters_billions;
    assert.ok(billions <= MOST_SIMPLE_BILLIONS, `${simple} has ${billions} billion parameters at work`);
    const slots = roster.choices.get(simple)?.settings.slots ?? 1;
    assert.ok(slots >= 1 && slots <= MOST_SLOTS, `${slots} slots`);
  });

  test(`${roster.file} may ${roster.file === NON_COMMERCIAL ? "not " : ""}be used commercially`, () => {
    const forbidden = [...roster.choices.keys()].filter((id) => !modelOf(roster, id).licence.commercial);
    assert.equal(forbidden.length > 0, roster.file === NON_COMMERCIAL, forbidden.join(", "));
  });
}

test("a GPU's reserve is the one that the catalog's list counts with", () => {
  const reserves = rosters.filter((roster) => !isWithoutGpu(roster));
  assert.deepEqual(
    reserves.map(({ file, budget }) => [file, budget.reserveGib]),
    reserves.map(({ file, budget }) => [file, reserveGib(budget.gib)]),
  );
});

test("no roster of 4 GB has a 7B", () => {
  for (const roster of rosters.filter(({ budget }) => budget.gib === 4))
    for (const id of roster.choices.keys())
      assert.ok(modelOf(roster, id).parameters_billions < 5, `${roster.file}: ${id}`);
});

test("the table in docs/models.md is what node scripts/print-rosters.ts prints", () => {
  const text = readFileSync(fileURLToPath(new URL("../docs/models.md", import.meta.url)), "utf8");
  const table = rosterTable(rosters, catalog);
  assert.ok(text.includes(table), `docs/models.md needs this table:\n${table}`);
});

function modelOf(roster: BudgetRoster, id: string): CatalogModel {
  const choice = roster.choices.get(id);
  assert.ok(choice !== undefined, `${roster.file} has no ${id}`);
  return chosenFile(catalog, choice).entry;
}

/** Rule of thumb for how good a mixture of experts is: a dense model of the geometric mean of its two sizes. */
function strength({ parameters_billions: total, active_billions: active = total }: CatalogModel): number {
  return Math.sqrt(total * active);
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}
