// Makes every attack of test/attacks and writes what came of it to docs/attacks.md: node scripts/attack-table.ts
import { writeFileSync } from "node:fs";
import { ATTACKS } from "../test/attacks/all-attacks.ts";
import { messageOf } from "../src/base/errors.ts";
import { type Attack, broke } from "../test/attacks/attack.ts";
import { type AttackResult, attackTable } from "../test/attacks/attack-table.ts";
import { Campaign } from "../test/attacks/campaign.ts";

const AT_ONCE = 2;
await using campaign = await Campaign.open();
const results = new Map<Attack, AttackResult>();
const waiting = [...ATTACKS];

async function make(attack: Attack): Promise<AttackResult> {
  const outcomes = [];
  for (const { name, run, notPromised } of campaign.fronts(attack)) {
    const verdict = await run().catch((error: unknown) => broke(`could not be made: ${messageOf(error)}`));
    outcomes.push({ front: name, verdict, notPromised });
    if (verdict.kind === "broke" && notPromised === undefined)
      process.stderr.write(`${attack.category}: ${attack.name} (${name}): ${verdict.evidence}\n`);
  }
  const control = await campaign.control(attack);
  if (control.kind === "held")
    process.stderr.write(`${attack.category}: ${attack.name}: the control did no harm: ${control.evidence}\n`);
  return { category: attack.category, name: attack.name, outcomes, control };
}

async function work(): Promise<void> {
  for (let attack = waiting.shift(); attack !== undefined; attack = waiting.shift())
    results.set(attack, await make(attack));
}

await Promise.all(Array.from({ length: AT_ONCE }, work));
const inOrder = ATTACKS.flatMap((attack) => results.get(attack) ?? []);
const document = attackTable(
  inOrder,
  campaign.levels.map(({ level }) => level),
);
writeFileSync(new URL("../docs/attacks.md", import.meta.url), document);
process.stdout.write(`${document.trimEnd().split("\n").at(-1)}\n`);
