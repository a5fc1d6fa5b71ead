// One graph by one policy in a real pool, with real processes: for real.js. Linux only.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { loadEmbeddedModel } from "../../src/engine/embedded/embedded-model.ts";
import { machineIo } from "../../src/pool/devices/device-io.ts";
import { neededSystemBytes, parseSmaps } from "../../src/pool/devices/measure-processes.ts";
import { KnownModels } from "../../src/pool/known-models.ts";
import { MachineClaims } from "../../src/pool/ledger/machine-claims.ts";
import { ModelPool } from "../../src/pool/model-pool.ts";
import { PoolMachine } from "../../src/pool/pool-machine.ts";
import { SwapCaches } from "../../src/pool/swap-caches.ts";

const BUILD = "bench";
const LAST_PROCESSOR = String(cpus().length - 1);
const SAMPLE_MS = 200;
const STALL_MS = 120_000;
const MAX_WAIT_MS = 600_000;
const MAX_CACHE_BYTES = 2 ** 30;
/** Of the counters in /proc. */
const TICK_MS = 10;
/** Without GPUs, whatever there is: no program tells of any. */
const IO = { ...machineIo, run: async () => ({ kind: "missing" }) };
const engineCanUse = (kind) => kind === "system";

/**
 * Runs the works of `graph` as a build would: the pool foresees those that are left, whenever one ends, and each
 * takes one turn as soon as those before it have ended. Facts are read from `folder` and written there.
 */
export async function runGraph({ graph, sources, policy, budgetBytes, folder, expected = new Map() }, signal) {
  const run = {
    started: performance.now(),
    timeline: [],
    loads: [],
    /** Names of models by process, and of the one that is loading. */
    models: new Map(),
    opening: undefined,
    evictions: 0,
    isOver: false,
    replies: new Map(),
  };
  const before = usedMs();
  let makespanMs;
  const pool = await openRealPool({ run, policy, budgetBytes, folder }, signal);
  const memory = watchMemory(run, expected);
  try {
    const begun = performance.now();
    note(run, "begin", {});
    await takeTurns({ run, pool, graph, sources }, signal);
    makespanMs = performance.now() - begun;
    note(run, "end", {});
    run.isOver = true;
  } finally {
    await pool[Symbol.asyncDispose]();
    memory.stop();
  }
  const after = usedMs();
  const ofChildren = after.children - before.children;
  const own = after.own - before.own;
  return {
    makespanMs,
    loads: run.loads.length,
    evictions: run.evictions,
    loadingMs: run.loads.reduce((sum, { readyMs, beganMs }) => sum + (readyMs - beganMs), 0),
    childrenCpuMs: ofChildren,
    ownCpuMs: own,
    othersCpuMs: after.all - before.all - ofChildren - own,
    memory: memory.peaks,
    replies: run.replies,
    timeline: run.timeline,
  };
}

/** What the pool believes of each model: after what the facts in `folder` say. */
export async function sizesOf({ sources, slots, folder }, signal) {
  const machine = await openMachine({ folder }, signal);
  try {
    const models = new KnownModels(machine);
    return await Promise.all([...sources].map(async (source) => sizeOf(models, await models.know(source), slots)));
  } finally {
    await machine[Symbol.asyncDispose]();
  }
}

function sizeOf(models, known, slots) {
  const [{ placement, estimated }] = models.choices(known);
  return {
    model: known.name,
    fileBytes: known.info.weightsBytes,
    estimatedBytes: estimated.loadedBytes[0] + slots * estimated.slotBytes[0],
    bookedBytes: placement.loadedBytes[0] + slots * placement.slotBytes[0],
    expected: {
      weightsBytes: estimated.weightsBytes[0],
      otherBytes: estimated.loadedBytes[0] + slots * estimated.slotBytes[0] - estimated.weightsBytes[0],
    },
    loadMs: models.toPoolModel(known).loadMs,
    stepMs: placement.stepMs,
  };
}

function note({ timeline, started }, kind, rest) {
  timeline.push({ atMs: Math.round(performance.now() - started), kind, ...rest });
}

async function takeTurns({ run, pool, graph, sources }, signal) {
  const left = new Map(graph.works.map((work) => [work.id, work]));
  const begun = new Set();
  const jobOf = ({ id, role }) => ({ task: id, role });
  const foresee = () => {
    const jobs = [...left.values()].map((work) => ({
      ...jobOf(work),
      source: sources.get(work.model),
      after: work.after.flatMap((id) => (left.has(id) ? [jobOf(left.get(id))] : [])),
    }));
    pool.foresee(BUILD, jobs);
  };
  const failing = new AbortController();
  const aborted = AbortSignal.any([signal, failing.signal]);
  const takeReady = () =>
    Promise.all(
      [...left.values()].map(async (work) => {
        if (begun.has(work.id) || work.after.some((id) => left.has(id))) return;
        begun.add(work.id);
        await takeTurn({ run, pool, work, source: sources.get(work.model) }, aborted);
        left.delete(work.id);
        foresee();
        await takeReady();
      }),
    );
  foresee();
  try {
    await takeReady();
  } catch (error) {
    failing.abort(error);
    throw error;
  }
}

async function takeTurn({ run, pool, work, source }, signal) {
  const report = async ({ type, model, why }) => {
    if (type === "model-shrunk" || type === "model-crashed") throw new Error(`${type}: ${model}: ${why}`);
  };
  const job = { build: BUILD, task: work.id, role: work.role };
  note(run, "ask", { work: work.id, model: work.model });
  await using lease = await pool.lease({ source, job, report }, signal);
  note(run, "start", { work: work.id, model: work.model });
  const messages = [{ role: "user", content: work.id }];
  const request = { messages, maxTokens: work.tokens, temperature: 0, seed: 1 };
  let text = "";
  for await (const part of lease.model.generate(request, signal)) {
    if (part.kind === "text") text += part.text;
    if (part.kind === "end") run.replies.set(work.id, { tokens: part.usage.outputTokens, finish: part.finish, text });
  }
  note(run, "finish", { work: work.id, model: work.model });
}

async function openRealPool({ run, policy, budgetBytes, folder }, signal) {
  const machine = await openMachine({ budgetBytes, folder }, signal);
  return new ModelPool({
    machine,
    policy: watchedPolicy(run, policy),
    caches: new SwapCaches(join(folder, "caches"), MAX_CACHE_BYTES),
    nowMs: () => Date.now(),
    maxWaitMs: MAX_WAIT_MS,
    openGguf: (source, limits) => openWatched(run, source, limits),
    openServer: async () => {
      throw new Error("there are no servers here");
    },
  });
}

/** With a claims folder of its own: other workers of this user are none of its business. */
async function openMachine({ budgetBytes, folder }, signal) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const claims = new MachineClaims({ env: { XDG_RUNTIME_DIR: folder } });
  const factsFile = join(folder, "facts.json");
  return PoolMachine.open({ io: IO, settings: { budgetBytes }, factsFile, claims, engineCanUse }, signal);
}

function watchedPolicy(run, policy) {
  const decide = (state) => {
    const actions = policy.decide(state);
    for (const action of actions)
      if (action.kind !== "start" && action.kind !== "wait") note(run, "decide", { action });
    return actions;
  };
  if (policy.improve === undefined) return { name: policy.name, decide };
  return { name: policy.name, decide, improve: (state, effort) => policy.improve(state, effort) };
}

/**
 * One thread, and all models compute on the same processor, as on one GPU: their steps add up. Loads and the pool
 * itself use the others.
 */
async function openWatched(run, source, limits) {
  const load = { beganMs: performance.now(), readyMs: Number.NaN };
  run.opening = source.id;
  note(run, "load", { model: source.id, slots: source.slots });
  const model = await loadEmbeddedModel(source, { ...limits, threads: 1, stallMs: STALL_MS });
  execFileSync("taskset", ["--all-tasks", "--pid", "--cpu-list", LAST_PROCESSOR, String(model.pid)], {
    stdio: "ignore",
  });
  load.readyMs = performance.now();
  run.loads.push(load);
  run.models.set(model.pid, source.id);
  note(run, "ready", { model: source.id });
  const close = async () => {
    if (!run.isOver) run.evictions++;
    await model[Symbol.asyncDispose]();
    note(run, "gone", { model: source.id });
  };
  return Object.create(model, { [Symbol.asyncDispose]: { value: close } });
}

/**
 * What all child processes together need, every 200 ms: as the pool measures it (weights count once, though the
 * mapped file and a rearranged copy of it may both be in memory), and what is their own alone. `parts` are those
 * of the first peak, by model; while a model loads, what was copied of it can't be told well.
 */
function watchMemory(run, expected) {
  const peaks = { samples: 0, neededBytes: 0, anonymousBytes: 0, atMs: 0, parts: [] };
  const timer = setInterval(() => {
    const parts = childrenOf(process.pid).flatMap((pid) => {
      const memory = parseSmaps(readText(`/proc/${pid}/smaps`));
      const model = run.models.get(pid) ?? run.opening;
      const size = expected.get(model);
      if (memory === undefined || size === undefined) return [];
      const neededBytes = neededSystemBytes(memory, size);
      return [{ model, isOpening: !run.models.has(pid), neededBytes, ...memory }];
    });
    const sum = (key) => parts.reduce((all, part) => all + part[key], 0);
    peaks.samples++;
    peaks.anonymousBytes = Math.max(peaks.anonymousBytes, sum("anonymousBytes"));
    if (sum("neededBytes") <= peaks.neededBytes) return;
    Object.assign(peaks, { neededBytes: sum("neededBytes"), atMs: Math.round(performance.now() - run.started), parts });
  }, SAMPLE_MS);
  return { stop: () => clearInterval(timer), peaks };
}

function childrenOf(parent) {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => statOf(pid)[1] === String(parent)).map(Number);
}

/** Processor time: this process's, that of its children that have ended, and all there was. */
function usedMs() {
  const { user, system } = process.cpuUsage();
  const fields = statOf("self");
  const [, ...all] = readText("/proc/stat").split("\n", 1)[0].trim().split(/\s+/).map(Number);
  const [userTicks, nice, systemTicks, , , interrupts, soft] = all;
  return {
    own: (user + system) / 1000,
    children: (Number(fields[13]) + Number(fields[14])) * TICK_MS,
    all: (userTicks + nice + systemTicks + interrupts + soft) * TICK_MS,
  };
}

/** The fields of /proc/PID/stat after the name, which may hold anything. */
function statOf(pid) {
  const text = readText(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It ended a moment ago.
    return "";
  }
}
