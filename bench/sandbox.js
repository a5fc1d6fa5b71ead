// What a sandbox costs: `true` in each level that works here beside bare bwrap, in one run: node bench/sandbox.js [RUNS]
// The sides take turns, so that a machine whose speed drifts slows all of them alike. CPU time is this process's and
// that of all its descendants, counted in a process of its own for each side (perf stat), where perf is there.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { examineLevels } from "../src/sandbox/open-sandbox.ts";

const BARE = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"];
const WARM_UP = 3;
const runs = Number(process.argv[2] ?? 50);
const only = process.argv[3];

const base = realpathSync(mkdtempSync(join(tmpdir(), "atos-bench-")));
const root = join(base, "workspace");
mkdirSync(root);
const never = new AbortController().signal;
try {
  const sides = new Map([["bare bwrap", bare]]);
  for (const found of await examineLevels({})) {
    if (!("sandbox" in found)) continue;
    const { sandbox } = found;
    sides.set(found.level, async () => {
      const report = await sandbox.run({ command: ["true"], root }, never);
      if (report.exitCode !== 0) throw new Error(`${found.level}: ${report.stderr}`);
    });
  }
  if (only === undefined) print(await wallTimes(sides), cpuTimes([...sides.keys()]));
  else for (let run = 0; run < runs; run++) await sides.get(only)?.();
} finally {
  rmSync(base, { recursive: true, force: true });
}

/** Milliseconds, ascending, by side. */
async function wallTimes(sides) {
  const times = new Map([...sides.keys()].map((name) => [name, []]));
  for (let run = -WARM_UP; run < runs; run++) {
    for (const [name, side] of sides) {
      const started = performance.now();
      await side();
      if (run >= 0) times.get(name).push(performance.now() - started);
    }
  }
  for (const all of times.values()) all.sort((a, b) => a - b);
  return times;
}

/** Milliseconds of CPU for one run, by side; what it costs to begin and to open the levels is taken off. */
function cpuTimes(names) {
  const total = (name) => {
    const args = [
      "stat",
      "-x",
      ",",
      "-e",
      "task-clock",
      process.execPath,
      fileURLToPath(import.meta.url),
      String(runs),
      name,
    ];
    const { status, stderr } = spawnSync("perf", args, { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
    const line = status === 0 ? stderr.split("\n").find((text) => text.includes("task-clock")) : undefined;
    return Number.parseFloat(line ?? "");
  };
  const nothing = total("nothing");
  return new Map(names.map((name) => [name, (total(name) - nothing) / runs]));
}

function print(wall, cpu) {
  const [first] = wall.keys();
  const beside = (name, of) => `${of(name).toFixed(1)} ms (${(of(name) / of(first)).toFixed(2)} x)`;
  const least = (name) => wall.get(name)[0];
  const middle = (name) => wall.get(name)[Math.floor(wall.get(name).length / 2)];
  console.log(`${runs} runs a side, taking turns; Node ${process.version}, ${process.platform} ${process.arch}`);
  for (const name of wall.keys()) {
    const cells = [
      name.padEnd(12),
      `wall median ${beside(name, middle)}, minimum ${beside(name, least)}`,
      Number.isNaN(cpu.get(name)) ? "CPU: perf is not there" : `CPU ${beside(name, (side) => cpu.get(side))}`,
    ];
    console.log(cells.join("  "));
  }
}

function bare() {
  return new Promise((resolve, reject) => {
    const child = spawn(BARE[0], BARE.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    child.once("error", reject);
    child.once("close", resolve);
  });
}
