// What a snapshot of a workspace takes: node bench/snapshot.js [--folders N] [--files N] [--rounds N]
//
// Beside it git alone, as one would do it first: an index made anew, everything added, a tree written; and with an index
// that is kept, which misses empty folders and changes that keep a file's size, times and second. All write to a
// repository that keeps what it is told through a power loss, and take turns. CPU is with all processes started; of
// those that Linux counts in ticks of 10 ms, so trust the mean over many rounds only.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Workspaces } from "../src/journal/workspaces.ts";

const TICK_MS = 10;
const SIDES = { atos: "ATOS", git: "git alone", kept: "git alone, index kept" };
const { values } = parseArgs({
  options: {
    folders: { type: "string", default: "200" },
    files: { type: "string", default: "50" },
    rounds: { type: "string", default: "21" },
  },
});
const [folders, files, rounds] = [Number(values.folders), Number(values.files), Number(values.rounds)];
const settings = fileURLToPath(new URL("../src/journal/git-settings.gitconfig", import.meta.url));
const base = mkdtempSync(join(tmpdir(), "atos-bench-"));
const directory = join(base, "workspace");
let edits = 0;

try {
  for (let folder = 0; folder < folders; folder++) {
    mkdirSync(join(directory, `folder-${folder}`), { recursive: true });
    for (let file = 0; file < files; file++) write(folder, file, "first");
  }
  console.log(`${folders * files} files in ${folders} folders, median of ${rounds} rounds (all new: of 3)`);
  const columns = ["wall ms", "least", "most", "CPU ms"].map((column) => column.padStart(10)).join("");
  console.log("".padEnd(44) + columns);
  await compareAllNew();
  await compareOthers();
} finally {
  rmSync(base, { recursive: true });
}

/** Each round into an empty repository. */
async function compareAllNew() {
  const figures = { atos: [], git: [] };
  for (let round = 0; round < 3; round++) {
    const workspaces = await Workspaces.open(join(base, `new-${round}.git`));
    const folder = workspaces.openFolder(directory);
    figures.atos.push(await measure(() => snapshot(folder)));
    const repository = openPlain(`plain-${round}.git`);
    figures.git.push(await measure(() => addAll(repository)));
  }
  row("all new", figures);
}

async function compareOthers() {
  const workspaces = await Workspaces.open(join(base, "workspaces.git"));
  const folder = workspaces.openFolder(directory);
  const first = await snapshot(folder);
  const repository = openPlain("plain.git");
  addAll(repository, "kept");
  // Files changed a moment ago are read again.
  await setTimeout(100);
  const unchanged = { atos: [], git: [], kept: [] };
  const changed = { atos: [], git: [], kept: [] };
  const restored = { atos: [] };
  const restarted = { atos: [] };
  await snapshot(folder);
  for (let round = 0; round < rounds; round++) {
    unchanged.atos.push(await measure(() => snapshot(folder)));
    unchanged.git.push(await measure(() => addAll(repository)));
    unchanged.kept.push(await measure(() => addAll(repository, "kept")));
    write(round % folders, 0, `edit ${edits++}`);
    changed.atos.push(await measure(() => snapshot(folder)));
    changed.git.push(await measure(() => addAll(repository)));
    changed.kept.push(await measure(() => addAll(repository, "kept")));
    restored.atos.push(await measure(() => folder.restore(first)));
    restarted.atos.push(await measure(() => snapshot(workspaces.openFolder(directory))));
    await setTimeout(50);
    await snapshot(folder);
  }
  row("unchanged", unchanged);
  row("one changed", changed);
  row("first after a restart, unchanged", restarted);
  row("restored to another, one file differs", restored);
}

function write(folder, file, words) {
  writeFileSync(join(directory, `folder-${folder}`, `file-${file}.txt`), `${words} of ${folder}, ${file}\n`.repeat(20));
}

async function snapshot(folder) {
  const taken = await folder.snapshot();
  if (taken.kind === "refused") throw new Error(taken.why);
  return taken.snapshot;
}

function openPlain(name) {
  const repository = join(base, name);
  execFileSync("git", ["init", "--quiet", "--bare", repository]);
  return repository;
}

function addAll(repository, index = "index") {
  if (index === "index") rmSync(join(repository, index), { force: true });
  const env = {
    ...process.env,
    GIT_DIR: repository,
    GIT_INDEX_FILE: join(repository, index),
    GIT_CONFIG_GLOBAL: settings,
  };
  const git = (...args) => execFileSync("git", args, { cwd: directory, env: { ...env, GIT_WORK_TREE: directory } });
  git("add", "--all", "--force", ".");
  git("write-tree");
}

async function measure(work) {
  const cpuBefore = cpuMs();
  const before = performance.now();
  await work();
  return { wallMs: performance.now() - before, cpuMs: cpuMs() - cpuBefore };
}

/** Of this process and of those it started that have ended. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  const own = (user + system) / 1000;
  if (process.platform !== "linux") return own;
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
  return own + (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

function row(what, figures) {
  for (const [side, list] of Object.entries(figures)) {
    const walls = list.map(({ wallMs }) => wallMs).toSorted((one, other) => one - other);
    const cpu = list.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / list.length;
    const cells = [walls[walls.length >> 1], walls[0], walls.at(-1), cpu];
    console.log(`${what}, ${SIDES[side]}`.padEnd(44) + cells.map((cell) => cell.toFixed(1).padStart(10)).join(""));
  }
}
