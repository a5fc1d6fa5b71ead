// Kills worker, sandbox and database at many points of a workload of effects: npm run campaign:effects -- --points 1000
// Goes on where an earlier run with the same --state stopped. The last line is what was found.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type CampaignResult, NO_POINTS, runEffectsCampaign } from "../test/campaign/effects-campaign.ts";

const { values } = parseArgs({
  options: {
    points: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    state: { type: "string", default: ".campaign-effects.json" },
  },
});
const points = Number(values.points);
const seed = Number(values.seed);
if (!Number.isSafeInteger(points) || points < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write("usage: npm run campaign:effects -- --points N [--seed N] [--state FILE]\n");
  process.exit(2);
}

const from = readState(values.state);
if (from.points > 0) process.stdout.write(`going on after ${from.points} points (${values.state})\n`);
// Another seed for each run, or it would do the same kills again.
const result = await runEffectsCampaign({ points, seed: seed + from.points, from }, (now) => {
  writeState(values.state, now);
  const kinds = Object.entries(now.kills).map(([kind, count]) => `${kind} ${count}`);
  process.stdout.write(`${now.points} of ${points}: lost ${now.lost}, doubled ${now.doubled} (${kinds.join(", ")})\n`);
});
for (const problem of result.problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`lost ${result.lost}, doubled ${result.doubled}, of ${result.points}\n`);
process.exit(result.lost + result.doubled === 0 ? 0 : 1);

function readState(file: string): CampaignResult {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : NO_POINTS;
}

function writeState(file: string, state: CampaignResult): void {
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}
