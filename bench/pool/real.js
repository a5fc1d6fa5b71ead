// The pool with real processes: node bench/pool/real.js [--policies NAMES] [--graphs N] [--rounds N] [--json] [--keep DIR]
//
// Generated models whose loads take time, at most two of which fit into the budget, one thread for each; seeded
// graphs of tasks, each one turn with a reply of a certain length. Each policy runs each graph in turn, and
// whose turn comes first changes from graph to graph. How long loads, steps and replies take was learned before.
//
// All files are read before, so that a load costs processor time and copying, never the disk; Node has no way to
// make the page cache forget them. All models compute on one processor, as on one GPU; loads use the others, of
// which there has to be one. Linux only (/proc, taskset).
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { platform, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { planPolicy } from "../../src/pool/plan/plan-policy.ts";
import { makeModel } from "../embedded/make-model.js";
import { randomNumbers } from "./graphs.js";
import { POLICIES as OTHERS } from "./policies.js";
import { runGraph, sizesOf } from "./real-run.js";

const POLICIES = { plan: planPolicy, ...OTHERS };
const SHAPE = { width: 768, hidden: 2048, heads: 12, keyValueHeads: 4, words: 2000 };
/** Layers of each model: of 12 MB each, beside 7 MB. */
const LAYERS = { "70-mb": 5, "100-mb": 7, "130-mb": 10, "180-mb": 14, "250-mb": 20 };
const MODELS = Object.keys(LAYERS);
/** A role's replies have one length, so that lengths are known once each role has been played. */
const ROLE_TOKENS = { short: 20, middle: 60, long: 120 };
const CONTEXT_TOKENS = 512;
const MIB = 2 ** 20;
const GRAPH_MS = 180_000;

const HELP = `Usage: node bench/pool/real.js [options]

  --policies NAMES   some of ${Object.keys(POLICIES).join(",")} (default all; ratios are to the first)
  --graphs N         so many graphs (default 3)
  --rounds N         each so often (default 2)
  --slots N          most slots of a model (default 1: on a processor two turns of a model take nearly twice as long)
  --json             one JSON document, with every run and its timeline
  --keep DIR         generates the models there, once
  --help             this`;

const { values } = parseArgs({
  options: {
    policies: { type: "string", default: Object.keys(POLICIES).join(",") },
    graphs: { type: "string", default: "3" },
    rounds: { type: "string", default: "2" },
    slots: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    keep: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await main();

async function main() {
  const names = values.policies.split(",");
  const wrong = names.find((name) => !Object.hasOwn(POLICIES, name));
  if (wrong !== undefined) stop(`--policies are some of ${Object.keys(POLICIES).join(",")}, not ${wrong}`);
  if (platform() !== "linux") stop("memory and time of processes are read from /proc, which only Linux has");
  const [graphs, rounds, slots] = ["graphs", "rounds", "slots"].map(number);
  const ending = new AbortController();
  const interrupt = (name) => ending.abort(new Error(`ended by ${name}`));
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, interrupt);
  const folder = mkdtempSync(join(tmpdir(), "atos-bench-"));
  // Whatever ends it; processes of models end with this one.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  try {
    const sources = makeSources(values.keep === undefined ? folder : resolve(values.keep), slots);
    const bench = { names, graphs, rounds, slots, sources, folder };
    const report = await measure(bench, ending.signal);
    if (values.json) console.log(JSON.stringify(report, undefined, 2));
    else print(report);
    if (report.runs.some(({ failed }) => failed !== undefined)) process.exitCode = 1;
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    console.error(ending.signal.reason.message);
    process.exitCode = 130;
  }
}

function number(name) {
  const parsed = Number(values[name]);
  if (!Number.isInteger(parsed) || parsed < 1) stop(`--${name} is a whole number above 0, not ${values[name]}`);
  return parsed;
}

function stop(message) {
  console.error(message);
  process.exit(2);
}

/** Generates what is missing. */
function makeSources(folder, slots) {
  mkdirSync(folder, { recursive: true });
  const sources = MODELS.map((id) => {
    const path = join(folder, `${id}.gguf`);
    if (!existsSync(path)) {
      console.error(`generating ${path}`);
      makeModel(`${path}.part`, { ...SHAPE, layers: LAYERS[id] });
      renameSync(`${path}.part`, path);
    }
    return [id, { kind: "gguf", id, path, contextTokens: CONTEXT_TOKENS, slots }];
  });
  return new Map(sources);
}

async function measure({ names, graphs, rounds, slots, sources, folder }, signal) {
  const taught = join(folder, "taught");
  await teach({ sources, folder: taught }, signal);
  const sizes = await sizesOf({ sources: sources.values(), slots, folder: taught }, signal);
  const budgetBytes = budgetFor(sizes.map(({ bookedBytes }) => bookedBytes));
  const expected = new Map(sizes.map((size) => [size.model, size.expected]));
  const runs = [];
  for (let graph = 0; graph < graphs; graph++) {
    for (let round = 0; round < rounds; round++) {
      const first = (graph * rounds + round) % names.length;
      for (const name of [...names.slice(first), ...names.slice(0, first)]) {
        const place = join(folder, `${graph}-${round}-${name}`);
        mkdirSync(place, { mode: 0o700 });
        copyFileSync(join(taught, "facts.json"), join(place, "facts.json"));
        const asked = {
          graph: makeGraph(graph + 1),
          sources,
          policy: POLICIES[name](),
          budgetBytes,
          folder: place,
          expected,
        };
        const run = await tryGraph(asked, signal);
        runs.push({ graph: graph + 1, round: round + 1, policy: name, ...run });
        console.error(progress(runs.at(-1)));
      }
    }
  }
  checkReplies(runs, slots);
  return { budgetBytes, sizes, summary: summarise(runs, names), runs: runs.map(forJson) };
}

/** Every model is loaded twice and plays every role alone, so that the pool knows what to expect. */
async function teach({ sources, folder }, signal) {
  for (const { path } of sources.values()) readFileSync(path);
  for (const [index, model] of [...MODELS, ...MODELS].entries()) {
    const works = Object.entries(ROLE_TOKENS).map(([role, tokens], at, all) => ({
      id: `${index}-${role}`,
      model,
      role,
      tokens,
      after: at === 0 ? [] : [`${index}-${all[at - 1][0]}`],
    }));
    const asked = { graph: { works }, sources, policy: OTHERS.fifo(), folder, budgetBytes: undefined };
    await runGraph(asked, AbortSignal.any([signal, AbortSignal.timeout(GRAPH_MS)]));
  }
}

/** The largest fits beside the smallest, and no three fit. */
function budgetFor(sizes) {
  const [first, second, third] = sizes.toSorted((a, b) => a - b);
  const budgetBytes = Math.ceil((first + Math.max(...sizes)) / MIB) * MIB;
  if (first + second + third <= budgetBytes) throw new Error(`three models fit into ${budgetBytes} bytes`);
  return budgetBytes;
}

/** 8 to 14 tasks, otherwise as the simulator's graphs: small models more often, each after none, one or two before it. */
function makeGraph(seed) {
  const random = randomNumbers(seed * 7919 + 17);
  const count = 8 + Math.floor(random() * 7);
  const works = [];
  for (let index = 0; index < count; index++) {
    const model = MODELS[Math.floor(random() ** 1.3 * MODELS.length)];
    const role = pickRole(random());
    const wanted = Math.min(index, random() < 0.3 ? 0 : 1 + Math.floor(random() * 1.4));
    const before = new Set();
    while (before.size < wanted) before.add(Math.max(0, index - 1 - Math.floor(random() * 5)));
    works.push({ id: workId(index), model, role, tokens: ROLE_TOKENS[role], after: [...before].map(workId) });
  }
  return { seed, works };
}

function pickRole(random) {
  if (random < 0.4) return "short";
  return random < 0.8 ? "middle" : "long";
}

function workId(index) {
  return `w${String(index).padStart(2, "0")}`;
}

/** A run that fails, or takes too long, is a result. */
async function tryGraph(asked, signal) {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(GRAPH_MS)]);
  try {
    const run = await runGraph(asked, limited);
    const wrong = asked.graph.works.find(({ id, tokens }) => {
      const reply = run.replies.get(id);
      return reply?.tokens !== tokens || reply.finish !== "length";
    });
    if (wrong !== undefined) throw new Error(`the reply to ${wrong.id} has not ${wrong.tokens} tokens`);
    return run;
  } catch (error) {
    signal.throwIfAborted();
    return { failed: error.message };
  }
}

/** With one slot a reply depends on nothing but its prompt. */
function checkReplies(runs, slots) {
  const texts = new Map();
  for (const { graph, policy, replies } of slots === 1 ? runs : []) {
    for (const [id, { text }] of replies ?? []) {
      const key = `${graph} ${id}`;
      if (!texts.has(key)) texts.set(key, text);
      if (texts.get(key) !== text) throw new Error(`another reply to ${id} of graph ${graph} by ${policy}`);
    }
  }
}

function summarise(runs, names) {
  const whole = runs.filter(({ failed }) => failed === undefined);
  const best = (name, graph) =>
    Math.min(...whole.filter((run) => run.policy === name && run.graph === graph).map((run) => run.makespanMs));
  const twin = (run) =>
    whole.find(({ graph, round, policy }) => graph === run.graph && round === run.round && policy === names[0]);
  const seeds = [...new Set(runs.map(({ graph }) => graph))];
  return Object.fromEntries(
    names.map((name) => {
      const own = whole.filter(({ policy }) => policy === name);
      const paired = own.filter((run) => twin(run) !== undefined);
      const average = (key) => own.reduce((sum, run) => sum + run[key], 0) / own.length;
      const bests = seeds
        .map((graph) => [best(name, graph), best(names[0], graph)])
        .filter((pair) => pair.every(Number.isFinite));
      return [
        name,
        {
          runs: own.length,
          makespanMs: geometric(own.map(({ makespanMs }) => makespanMs)),
          ratio: geometric(paired.map((run) => run.makespanMs / twin(run).makespanMs)),
          bestRatio: geometric(bests.map(([one, first]) => one / first)),
          loads: average("loads"),
          evictions: average("evictions"),
          childrenCpuMs: average("childrenCpuMs"),
          ownCpuMs: average("ownCpuMs"),
          othersCpuMs: average("othersCpuMs"),
          loadingMs: average("loadingMs"),
          peakBytes: Math.max(...own.map(({ memory }) => memory.neededBytes)),
          peakOwnBytes: Math.max(...own.map(({ memory }) => memory.anonymousBytes)),
        },
      ];
    }),
  );
}

function geometric(numbers) {
  return Math.exp(numbers.reduce((sum, one) => sum + Math.log(one), 0) / numbers.length);
}

function forJson({ replies, ...run }) {
  return { ...run, replies: [...(replies ?? [])].map(([work, { tokens }]) => ({ work, tokens })) };
}

function progress({ graph, round, policy, failed, makespanMs, loads }) {
  const result = failed ?? `${(makespanMs / 1000).toFixed(1)} s, ${loads} loads`;
  return `graph ${graph}, round ${round}, ${policy}: ${result}`;
}

function print({ budgetBytes, sizes, summary, runs }) {
  const mib = (bytes) => (bytes / MIB).toFixed(0);
  const seconds = (ms) => (ms / 1000).toFixed(2);
  row("", ["file MiB", "estimate", "booked", "load ms", "step ms"]);
  for (const { model, fileBytes, estimatedBytes, bookedBytes, loadMs, stepMs } of sizes)
    row(model, [mib(fileBytes), mib(estimatedBytes), mib(bookedBytes), loadMs.toFixed(0), stepMs.toFixed(1)]);
  console.log(`budget ${mib(budgetBytes)} MiB\n`);
  row("", [
    "makespan s",
    "ratio",
    "best ratio",
    "loads",
    "evictions",
    "loading s",
    "CPU s",
    "own CPU s",
    "others'",
    "peak MiB",
    "own MiB",
  ]);
  for (const [name, one] of Object.entries(summary)) {
    const times = [one.loadingMs, one.childrenCpuMs, one.ownCpuMs, one.othersCpuMs].map(seconds);
    const ratios = [one.ratio, one.bestRatio].map((ratio) => ratio.toFixed(3));
    const counts = [one.loads, one.evictions].map((count) => count.toFixed(1));
    row(name, [seconds(one.makespanMs), ...ratios, ...counts, ...times, mib(one.peakBytes), mib(one.peakOwnBytes)]);
  }
  for (const run of runs) if (run.failed !== undefined) console.log(progress(run));
}

function row(first, others) {
  console.log(first.padEnd(12) + others.map((text) => text.padStart(11)).join(""));
}
