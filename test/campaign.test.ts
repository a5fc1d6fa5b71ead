import assert from "node:assert/strict";
import { test } from "node:test";
import { type Point, runBuildsCampaign } from "./campaign/builds-campaign.ts";
import { CAMPAIGN_GOALS } from "./campaign/campaign-goals.ts";

/*
 * The short form of `npm run campaign`: builds with parallel tasks, of the built-in model and of a scripted team whose
 * tasks are repaired, drawn again and handed over, killed two to four times each. ATOS_TEST_FULL=1 makes 40.
 */
const POINTS = process.env["ATOS_TEST_FULL"] === "1" ? 40 : 10;
const SEED = Number(process.env["ATOS_KILL_SEED"] ?? Date.now() % 1_000_000);
/** The quick one most often. */
const GOALS = ["pair", "diamond", "pair", "pair", "pair"].flatMap((goal) =>
  CAMPAIGN_GOALS.filter(({ name }) => name === goal),
);

test(`${POINTS} builds that are killed on their way lose nothing and double nothing (seed ${SEED})`, async (t) => {
  const points: Point[] = [];
  await runBuildsCampaign({ points: POINTS, from: 1, seed: SEED, goals: GOALS }, (point) => {
    points.push(point);
    t.diagnostic(`${point.goal}: killed ${point.struck.join(" ")}, ${point.wallMs} ms`);
  });
  assert.deepEqual(
    points.filter(({ kept }) => kept !== undefined),
    [],
  );
  assert.equal(points.length, POINTS);
  const kinds = new Set(points.flatMap(({ struck }) => struck));
  assert.ok(kinds.has("worker") && kinds.has("client") && kinds.has("postgres"), [...kinds].join(", "));
});
