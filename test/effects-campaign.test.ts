import assert from "node:assert/strict";
import { test } from "node:test";
import { runEffectsCampaign } from "./campaign/effects-campaign.ts";

/*
 * The short form of `npm run campaign:effects`: one kill of each kind and some more, of worker, sandbox and database,
 * at the boundaries of effects and between them.
 */
const POINTS = 12;
const SEED = Number(process.env["ATOS_KILL_SEED"] ?? Date.now() % 1_000_000);

test(`${POINTS} kills lose no effect and double none (seed ${SEED})`, async (t) => {
  const { points, lost, doubled, kills, problems } = await runEffectsCampaign({ points: POINTS, seed: SEED });
  t.diagnostic(`killed: ${JSON.stringify(kills)}`);
  assert.deepEqual({ points, lost, doubled, problems }, { points: POINTS, lost: 0, doubled: 0, problems: [] });
});
