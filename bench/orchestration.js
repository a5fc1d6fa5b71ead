// What a build costs beside models and tests: node bench/orchestration.js [--rounds N] [--builds N] [--sandbox]
// Models and sandbox answer at once, everything else is real. CPU of this process, of Postgres, and of the programs
// that are started (git, for the delivery), and the wall time of a build, builds one after another. With --sandbox
// tests really run, and the programs are theirs too. Figures, never a pass or fail.
import { parseArgs } from "node:util";
import { startWorker } from "./builds/worker.js";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    builds: { type: "string", default: "4" },
    only: { type: "string" },
    sandbox: { type: "boolean", default: false },
  },
});
const SHAPES = [
  { name: "1 task", shape: "wide", count: 1 },
  { name: "4 tasks, wide", shape: "wide", count: 4 },
  { name: "4 tasks, diamond", shape: "diamond", count: 4 },
  { name: "16 tasks, wide", shape: "wide", count: 16 },
  { name: "16 tasks, diamond", shape: "diamond", count: 16 },
].filter(({ name }) => values.only === undefined || name.startsWith(values.only));
const builds = Number(values.builds);
const found = new Map(SHAPES.map((one) => [one, []]));

await using worker = await startWorker({ realSandbox: values.sandbox });
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const one of SHAPES) {
    const before = worker.cpu();
    const startedMs = performance.now();
    for (let build = 0; build < builds; build++) await worker.build(one);
    const wall = (performance.now() - startedMs) / builds;
    const after = worker.cpu();
    const spent = (what) => (after[what] - before[what]) / builds;
    // The first round is for the compiler.
    if (round > 0)
      found.get(one).push({ node: spent("node"), postgres: spent("postgres"), programs: spent("programs"), wall });
  }
}

console.log(
  `Medians of ${values.rounds} rounds of ${builds} builds, ${values.sandbox ? "tests in the real sandbox" : "no tests run"}; CPU ms\n`,
);
row(["", "Node", "Postgres", "programs", "a task, N+P", "a task, all", "wall of a build, ms"]);
for (const [{ name, count }, rounds] of found) {
  const middle = (of) => median(rounds.map(of));
  row([
    name,
    middle((one) => one.node).toFixed(1),
    middle((one) => one.postgres).toFixed(1),
    middle((one) => one.programs).toFixed(1),
    middle((one) => (one.node + one.postgres) / count).toFixed(1),
    middle((one) => (one.node + one.postgres + one.programs) / count).toFixed(1),
    middle((one) => one.wall).toFixed(0),
  ]);
}

function row(cells) {
  console.log(cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(20))).join(""));
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
