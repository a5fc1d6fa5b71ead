// What a worker runs, in this process: Postgres of its own, durable engine, build control, trees. Only the models are
// not real, and by default the sandbox.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { loadTeam } from "../../src/agents/load-team.ts";
import { Turnstile } from "../../src/base/turnstile.ts";
import { BuildQueue, launchDurableEngine, migrateDurableEngine } from "../../src/journal/durable-engine.ts";
import { Workspaces } from "../../src/journal/workspaces.ts";
import { openOnce } from "../../src/sandbox/open-once.ts";
import { findBuild, insertBuild } from "../../src/store/builds.ts";
import { openDatabase } from "../../src/store/database.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded-postgres.ts";
import { migrate } from "../../src/store/migrate.ts";
import { serverProcesses } from "../../src/store/server-processes.ts";
import { loadLanguages } from "../../src/tools/load-languages.ts";
import { BuildControl } from "../../src/workflows/build-control.ts";
import { WORKFLOW_VERSION } from "../../src/workflows/build-request.ts";
import { OWN_LANGUAGES, OWN_ROLES } from "../../src/workflows/choose-roster.ts";
import { serverCpuMs } from "../durable-turn/server-cost.js";
import { fakePool, fakeSandbox, goalOf } from "./team.js";

const TICK_MS = 150;
/** Linux counts the time of processes in hundredths of a second. */
const STAT_TICK_MS = 10;

export async function startWorker({ turnMs = 0, realSandbox = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "atos-bench-builds-"));
  const dataDirectory = join(folder, "postgres");
  const server = await startEmbeddedPostgres({ dataDirectory, socketDirectory: folder });
  const db = openDatabase(server.url);
  await migrate(db);
  await migrateDurableEngine(server.url);
  const engine = { databaseUrl: server.url, workerId: "bench", version: WORKFLOW_VERSION };
  const queue = await BuildQueue.open(engine);
  const deps = await depsOf(db, folder, { turnMs, realSandbox });
  const control = new BuildControl(deps, queue, { workerId: engine.workerId, onLost: () => process.exit(1) });
  const ended = new Map();
  const build = (id) => control.run(id).then(ended.get(id).resolve, ended.get(id).reject);
  const durable = await launchDurableEngine({ ...engine, build });
  const stop = new AbortController();
  const ticking = tick(control, stop.signal);
  const request = await requestOf();
  let builds = 0;

  return {
    /** Runs one build to its end. */
    async build({ shape, count }) {
      const id = `b${++builds}`;
      ended.set(id, Promise.withResolvers());
      const outDirectory = join(folder, "out", id);
      const goal = goalOf(shape, count);
      const asked = { ...request, goal, outDirectory, createdAtMs: Date.now() };
      await insertBuild(db, { id, goal, request: asked, worker: "bench", outDirectory, at: new Date() });
      await ended.get(id).promise;
      ended.delete(id);
      const { state, result } = await findBuild(db, id);
      if (state !== "green") throw new Error(`build ${id} is ${state}: ${result?.why}`);
      await rm(outDirectory, { recursive: true });
    },
    /** CPU milliseconds so far: of this process, of Postgres, of other programs that it started and saw the end of. */
    cpu() {
      const { user, system } = process.cpuUsage();
      return { node: (user + system) / 1000, postgres: serverCpuMs(dataDirectory), programs: endedChildrenMs() };
    },
    /** Of Postgres's own memory; what its processes share is counted once. */
    postgresMib() {
      const kib = serverProcesses(dataDirectory).map(({ pid }) => proportionalKib(pid));
      return kib.reduce((sum, one) => sum + one, 0) / 1024;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ticking;
      await durable[Symbol.asyncDispose]();
      await queue[Symbol.asyncDispose]();
      await db.destroy();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function depsOf(db, folder, { turnMs, realSandbox }) {
  const scratchDirectory = join(folder, "scratch");
  await mkdir(scratchDirectory);
  const sandbox = fakeSandbox();
  return {
    journal: { db, now: () => new Date() },
    pool: fakePool(turnMs),
    progress: () => {},
    nowMs: () => performance.now(),
    workspaces: await Workspaces.open(join(folder, "trees.git")),
    scratchDirectory,
    openTools: () => Promise.reject(new Error("this team has no tools")),
    openSandbox: realSandbox ? openOnce({}) : async () => sandbox,
    checks: new Turnstile(availableParallelism()),
    identify: async ({ id }) => ({ id, source: "/fake" }),
  };
}

/** One look after another, as in the worker. */
async function tick(control, signal) {
  while (!signal.aborted) {
    await setTimeout(TICK_MS);
    await control.tick();
  }
}

async function requestOf() {
  const { team } = await loadTeam({ directory: tmpdir(), overrides: [], own: OWN_ROLES });
  const model = { kind: "gguf", id: "fake", path: "/fake" };
  return {
    workflowVersion: WORKFLOW_VERSION,
    seed: 1,
    unsafe: false,
    bounds: { rounds: { fake: 2 }, samples: 2 },
    limits: {},
    roster: { name: "fake", models: [model], tiers: { simple: "fake", medium: "fake", complex: "fake" }, roles: {} },
    team,
    languages: await loadLanguages([OWN_LANGUAGES]),
    askPlan: false,
    planOnly: false,
    shape: "team",
  };
}

function endedChildrenMs() {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * STAT_TICK_MS;
}

function proportionalKib(pid) {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
