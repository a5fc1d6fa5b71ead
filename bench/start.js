// What starting ATOS costs beside starting Node alone: node bench/start.js [RUNS]
// The commands take turns, so that a machine whose speed drifts slows all of them alike.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const node = process.execPath;
const runs = Number(process.argv[2] ?? 31);
const commands = {
  "node -e 0": [node, "-e", "0"],
  "atos --version (entry)": [node, `${root}bin/atos.js`, "--version"],
  "atos --help (entry)": [node, `${root}bin/atos.js`, "--help"],
  "./atos --version (launcher)": [`${root}atos`, "--version"],
};

const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
for (let run = -2; run < runs; run++) {
  for (const [name, [command, ...args]] of Object.entries(commands)) {
    const started = performance.now();
    spawnSync(command, args, { stdio: "ignore" });
    // The first two rounds fill the compile cache and the disk's.
    if (run >= 0) times[name].push(performance.now() - started);
  }
}

const base = Math.min(...times["node -e 0"]);
for (const [name, all] of Object.entries(times)) {
  all.sort((a, b) => a - b);
  const [min, median] = [all[0], all[Math.floor(all.length / 2)]];
  console.log(
    `${name.padEnd(30)} min ${min.toFixed(1).padStart(6)} ms  median ${median.toFixed(1).padStart(6)} ms  min over node's ${(min / base).toFixed(2)}`,
  );
}
