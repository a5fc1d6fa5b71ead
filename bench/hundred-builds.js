// A hundred builds at once in one process: node bench/hundred-builds.js [--builds N] [--rounds N] [--turn-ms N]
// Builds of 2 to 4 tasks side by side, by models whose turns take their time and compute nothing, and a sandbox that
// answers at once. Memory of this process and of Postgres beside it; what is left of it after further hundreds tells
// of leaks. Figures, never a pass or fail.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { startWorker } from "./builds/worker.js";

const { values } = parseArgs({
  options: {
    builds: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
    "turn-ms": { type: "string", default: "50" },
  },
});
const builds = Number(values.builds);
const MIB = 1 << 20;
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

await using worker = await startWorker({ turnMs: Number(values["turn-ms"]) });
await worker.build({ shape: "wide", count: 2 });
console.log(`${builds} builds of 2 to 4 tasks at once, a turn takes ${values["turn-ms"]} ms\n`);
row(["", "wall s", "CPU s", "Postgres s", "RSS max", "RSS after", "heap after", "Postgres MiB"]);
for (let round = 1; round <= Number(values.rounds); round++) {
  const before = worker.cpu();
  const startedMs = performance.now();
  let most = 0;
  let postgres = 0;
  const sampling = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 50);
  const looking = setInterval(() => {
    postgres = Math.max(postgres, worker.postgresMib());
  }, 2000);
  const shapes = Array.from({ length: builds }, (_, at) => ({
    shape: at % 2 ? "wide" : "diamond",
    count: 2 + (at % 3),
  }));
  await Promise.all(shapes.map((one) => worker.build(one)));
  clearInterval(sampling);
  clearInterval(looking);
  const wallMs = performance.now() - startedMs;
  const after = worker.cpu();
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  row([
    `hundred ${round}`,
    (wallMs / 1000).toFixed(1),
    ((after.node - before.node) / 1000).toFixed(1),
    ((after.postgres - before.postgres) / 1000).toFixed(1),
    (most / MIB).toFixed(0),
    (rss / MIB).toFixed(0),
    (heapUsed / MIB).toFixed(1),
    postgres.toFixed(0),
  ]);
}
const peakKib = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0);
console.log(`\nall green; most memory that this process ever had: ${(peakKib / 1024).toFixed(0)} MiB`);

function row(cells) {
  console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(12) : cell.padStart(13))).join(""));
}
