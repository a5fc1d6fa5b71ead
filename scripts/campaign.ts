// Builds whole repositories with parallel tasks while worker, client, database, models and sandboxes are killed, and
// compares each with an undisturbed build: npm run campaign -- --points 100
// One line of --out for each point; --resume goes on behind the last. The last line of output is what was found.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { EXIT } from "../src/base/errors.ts";
import { type Point, pointSchema, runBuildsCampaign } from "../test/campaign/builds-campaign.ts";

const { values } = parseArgs({
  options: {
    points: { type: "string", default: "10" },
    seed: { type: "string", default: "1" },
    resume: { type: "boolean", default: false },
    out: { type: "string", default: ".campaign.jsonl" },
  },
});
const points = Number(values.points);
const seed = Number(values.seed);
if (!Number.isSafeInteger(points) || points < 1 || !Number.isSafeInteger(seed))
  fail("usage: npm run campaign -- --points N [--seed N] [--resume] [--out FILE]");
if (existsSync(values.out) && !values.resume)
  fail(`${values.out} holds the points of another run: go on with --resume, or choose another --out`);
const done = values.resume && existsSync(values.out) ? readPoints(values.out) : [];
const other = done.find((point) => point.seed !== seed);
if (other !== undefined)
  fail(`the points of ${values.out} were drawn from the seed ${other.seed}: --seed ${other.seed}`);
// Without a line that a kill cut off.
writeFileSync(values.out, done.map((point) => `${JSON.stringify(point)}\n`).join(""));
if (done.length > 0) process.stdout.write(`going on after ${done.length} points (${values.out})\n`);

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.once(name, () => {
    process.stdout.write("stopping when this point is done; go on with --resume\n");
    stop.abort();
  });

const told = (point: Point): void => {
  done.push(point);
  appendFileSync(values.out, `${JSON.stringify(point)}\n`);
  const { goal, struck, wallMs } = point;
  process.stdout.write(
    `${point.point} of ${points}: ${goal}, killed ${struck.join(" ")}, ${Math.round(wallMs / 1000)} s${verdict(point)}\n`,
  );
};
await runBuildsCampaign({ points, from: done.length + 1, seed }, told, stop.signal);
const kills = done.flatMap(({ struck }) => struck);
const kinds = Map.groupBy(kills, (victim) => victim);
process.stdout.write(`${kills.length} kills: ${[...kinds].map(([kind, all]) => `${kind} ${all.length}`).join(", ")}\n`);
const lost = done.reduce((sum, point) => sum + point.lost.length, 0);
const doubled = done.reduce((sum, point) => sum + point.doubled.length, 0);
process.stdout.write(`lost ${lost}, doubled ${doubled}, of ${done.length}\n`);
process.exit(lost + doubled > 0 ? 1 : stop.signal.aborted ? EXIT.interrupted : EXIT.done);

function verdict({ lost: missing, doubled: surplus, kept = "" }: Point): string {
  if (missing.length + surplus.length === 0) return "";
  return `\n${[...missing, ...surplus].map((text) => `  ${text}`).join("\n")}\n  kept in ${kept}`;
}

/** A last line without its end was cut off, and is no point. */
function readPoints(file: string): Point[] {
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => pointSchema.parse(JSON.parse(line)));
}

function fail(words: string): never {
  process.stderr.write(`${words}\n`);
  process.exit(2);
}
