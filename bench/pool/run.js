// What planning the pool is worth: npm run --silent bench:pool -- [--json] [--variant NAME] [--seeds N] [--iterations N]
//
// Each policy runs over the same seeded graphs in a simulator; what it is compared with is a time that no
// schedule can be shorter than. No model is loaded, nothing is timed: the figures are the same everywhere.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { VARIANTS } from "./graphs.js";
import { NAMES } from "./measure.js";
import { summarise, summariseExact } from "./summary.js";

const HELP = `Usage: npm run --silent bench:pool -- [options]

  --json           one JSON document: geometric means of makespan over bound, and the figures of each graph
  --variant NAME   only this one of ${Object.keys(VARIANTS).join(", ")}, exact
  --seeds N        so many graphs of each variant
  --iterations N   of the plan's search after each event (default 200)
  --help           this`;

// Roll-outs of the plan's search after each event, and plays for the bound: fewer where there are many graphs.
const EFFORTS = { default: { iterations: 200, plays: 400 }, "200-seeds": { iterations: 200, plays: 100 } };
// As small as they must be to be solved: one slot for each model, the first works of each graph.
const EXACT = { variant: "batch-1", seeds: 20, works: 10 };

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    variant: { type: "string" },
    seeds: { type: "string" },
    iterations: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await main();

async function main() {
  const variants = [...Object.keys(VARIANTS), "exact"];
  if (values.variant !== undefined && !variants.includes(values.variant)) {
    stop(`--variant is one of ${variants.join(", ")}, not ${values.variant}`);
  }
  const tasks = (values.variant === undefined ? variants : [values.variant]).flatMap(tasksOf);
  const results = await measureAll(tasks);
  const report = {};
  for (const [index, { variant }] of tasks.entries()) (report[variant] ??= []).push(results[index]);
  for (const [variant, graphs] of Object.entries(report)) {
    report[variant] = variant === "exact" ? summariseExact(graphs, NAMES) : summarise(graphs, NAMES);
  }
  if (values.json) console.log(JSON.stringify(report, undefined, 2));
  else print(report);
}

function tasksOf(variant) {
  const { iterations, plays } = EFFORTS[variant] ?? EFFORTS.default;
  const seeds = number("seeds") ?? (variant === "exact" ? EXACT : VARIANTS[variant]).seeds;
  return Array.from({ length: seeds }, (_, index) => {
    const job = { variant, seed: index + 1, iterations: number("iterations") ?? iterations, plays };
    if (variant !== "exact") return { variant, kind: "graph", job };
    return { variant, kind: "exact", job: { ...job, variant: EXACT.variant, works: EXACT.works } };
  });
}

function number(name) {
  if (values[name] === undefined) return undefined;
  const parsed = Number(values[name]);
  if (!Number.isInteger(parsed) || parsed < 1) stop(`--${name} is a whole number above 0, not ${values[name]}`);
  return parsed;
}

function stop(message) {
  console.error(message);
  process.exit(2);
}

/** In two threads; the answers are in the order of the tasks. */
async function measureAll(tasks) {
  const results = [];
  let begun = 0;
  let finished = 0;
  const serve = (worker) =>
    new Promise((resolve, reject) => {
      const next = () => {
        if (begun === tasks.length) return resolve();
        const index = begun++;
        worker.postMessage({ index, kind: tasks[index].kind, job: tasks[index].job });
      };
      worker.on("error", reject);
      worker.on("message", ({ index, result }) => {
        results[index] = result;
        finished++;
        if (finished % 10 === 0 || finished === tasks.length) {
          console.error(`${finished} of ${tasks.length} graphs, ${tasks[index].variant}`);
        }
        next();
      });
      next();
    });
  const count = Math.min(2, availableParallelism(), tasks.length);
  const workers = Array.from({ length: count }, () => new Worker(new URL("worker.js", import.meta.url)));
  try {
    await Promise.all(workers.map(serve));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return results;
}

function print(report) {
  const { exact, ...variants } = report;
  if (Object.keys(variants).length > 0) printMeans(variants);
  for (const [variant, summary] of Object.entries(variants)) printVariant(variant, summary);
  if (exact !== undefined) printExact(exact);
}

function columns(name) {
  return name === "plan" ? ["plan known", "plan unknown"] : [name];
}

function cells(byPolicy) {
  return NAMES.flatMap((name) => (name === "plan" ? [byPolicy.plan.known, byPolicy.plan.unknown] : [byPolicy[name]]));
}

function row(first, others) {
  console.log(first.padEnd(22) + others.map((text) => String(text).padStart(13)).join(""));
}

function printMeans(variants) {
  console.log("Makespan over bound, geometric mean");
  row("", NAMES.flatMap(columns));
  for (const [variant, summary] of Object.entries(variants)) {
    row(
      variant,
      cells(summary).map((ratio) => ratio.toFixed(3)),
    );
  }
}

function printVariant(variant, { graphs, loads, greedyUnknown, ...summary }) {
  const { overFirstBound, boundOverFirstBound, worstAgainstBest } = summary;
  console.log(`\n${variant}: ${graphs.length} graphs; greedy without the lengths ${greedyUnknown.toFixed(3)}`);
  row(
    "loads, mean",
    cells(loads).map((mean) => mean.toFixed(1)),
  );
  if (overFirstBound !== undefined) {
    row(
      "over the first bound",
      cells(overFirstBound).map((ratio) => ratio.toFixed(3)),
    );
    console.log(`the bound is ${boundOverFirstBound.toFixed(3)} of the first bound`);
  }
  for (const [lengths, { ratio, seed, best }] of Object.entries(worstAgainstBest)) {
    console.log(`worst graph of the plan, lengths ${lengths}: seed ${seed}, ${ratio.toFixed(3)} of ${best}`);
  }
}

function printExact({ solved, overOptimum, graphs }) {
  console.log(
    `\nexact: ${solved} of ${graphs.length} graphs of up to ${EXACT.works} works solved, one slot for each model`,
  );
  row("over the optimum", ["mean", "least", "greatest"]);
  for (const [name, { mean, least, greatest }] of Object.entries(overOptimum)) {
    row(
      name,
      [mean, least, greatest].map((ratio) => ratio.toFixed(3)),
    );
  }
}
