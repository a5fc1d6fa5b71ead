// The shortest schedule of a small graph, by branch and bound over all that a policy could do at each event of
// the simulator: start, load with the fewest evictions, or let time pass. One device, one slot for each model;
// with one slot there is nothing to resize.
import { factsOf } from "./bound-facts.js";
import { tailsOf } from "./bound-windows.js";

const SAME_MS = 1e-6;

/**
 * `upperMs` is the makespan of some schedule: better ones are looked for. `proven` says that all were looked at
 * within `maxNodes`.
 *
 * @param {import("./graphs.js").Graph} graph
 */
export function exactOf(graph, { upperMs = Infinity, maxNodes = 3_000_000 } = {}) {
  const facts = factsOf(graph);
  if (graph.devices.length > 1 || facts.models.some(({ slots }) => slots > 1) || facts.works.length > 30) {
    throw new Error("only graphs of up to 30 works on one device with one slot for each model are solved");
  }
  const search = {
    facts,
    tails: tailsOf(facts),
    budget: graph.devices[0].budgetBytes,
    bytes: facts.models.map(({ ways: [way] }) => way.loadedBytes[0] + way.slotBytes[0]),
    alone: facts.models.map((_, one) => facts.together[one].every((fits, other) => other === one || !fits)),
    all: 2 ** facts.works.length - 1,
    best: upperMs + SAME_MS,
    nodes: 0,
    maxNodes,
    seen: new Map(),
  };
  visit(search, { now: 0, done: 0, loaded: 0, opening: undefined, running: [] });
  return { ms: Math.min(search.best, upperMs), nodes: search.nodes, proven: search.nodes <= maxNodes };
}

/** `done` and `loaded` are sets of works and models; `opening` is {model, left}; `running` are {work, left}. */
function visit(search, state) {
  if (++search.nodes > search.maxNodes) return;
  if (state.done === search.all) {
    search.best = Math.min(search.best, state.now);
    return;
  }
  if (state.now + restMs(search, state) >= search.best - SAME_MS) return;
  const key = keyOf(state);
  const before = search.seen.get(key);
  if (before !== undefined && before <= state.now + SAME_MS) return;
  search.seen.set(key, state.now);
  for (const next of starts(search, state)) visit(search, next);
  for (const next of loads(search, state)) visit(search, next);
  if (state.running.length > 0 || state.opening !== undefined) visit(search, advance(search, state));
}

function keyOf({ done, loaded, opening, running }) {
  const turns = running
    .toSorted((a, b) => a.work - b.work)
    .map(({ work, left }) => `${work}:${left.toFixed(3)}`)
    .join();
  return `${done}|${loaded}|${opening === undefined ? "" : `${opening.model}:${opening.left.toFixed(3)}`}|${turns}`;
}

function has(set, index) {
  return (set >> index) & 1;
}

function unfinished({ facts }, { done, running }) {
  return facts.works.flatMap((work, index) => {
    if (has(done, index)) return [];
    const left = running.find((turn) => turn.work === index)?.left ?? work.steps;
    return [{ index, model: work.model, ms: left * facts.models[work.model].stepMs }];
  });
}

/** Less than what is still needed: computing and loads that overlap none, the longest path, or the loads. */
function restMs(search, state) {
  const { facts, tails, alone } = search;
  const rest = unfinished(search, state);
  let computing = 0;
  let path = 0;
  const needed = new Set();
  for (const { index, model, ms } of rest) {
    computing += ms;
    path = Math.max(path, ms + tails[index]);
    needed.add(model);
  }
  let loading = state.opening?.left ?? 0;
  let entering = 0;
  for (const model of needed) {
    if (has(state.loaded, model)) continue;
    if (state.opening?.model === model) {
      if (alone[model]) entering += state.opening.left;
      continue;
    }
    loading += facts.models[model].loadMs;
    if (alone[model]) entering += facts.models[model].loadMs;
  }
  return Math.max(computing + entering, path, loading);
}

function starts({ facts }, state) {
  return facts.works.flatMap((work, index) => {
    if (has(state.done, index) || !has(state.loaded, work.model)) return [];
    if (state.running.some((turn) => facts.works[turn.work].model === work.model)) return [];
    if (!work.after.every((before) => has(state.done, before))) return [];
    return [{ ...state, running: [...state.running, { work: index, left: work.steps }] }];
  });
}

function loads(search, state) {
  if (state.opening !== undefined) return [];
  const { facts, bytes, budget } = search;
  const rest = new Set(unfinished(search, state).map(({ model }) => model));
  const busy = new Set(state.running.map((turn) => facts.works[turn.work].model));
  const next = [];
  for (const model of rest) {
    if (has(state.loaded, model)) continue;
    for (let keep = state.loaded; ; keep = (keep - 1) & state.loaded) {
      const closed = bytes.flatMap((_, other) => (has(state.loaded & ~keep, other) ? [other] : []));
      const free = budget - bytes.reduce((sum, size, other) => (has(keep, other) ? sum + size : sum), bytes[model]);
      const needless = closed.some((other) => bytes[other] <= free);
      if (free >= 0 && !needless && closed.every((other) => !busy.has(other))) {
        next.push({ ...state, loaded: keep, opening: { model, left: facts.models[model].loadMs } });
      }
      if (keep === 0) break;
    }
  }
  return next;
}

function advance({ facts }, state) {
  const stepMs = state.running.reduce((sum, turn) => sum + facts.models[facts.works[turn.work].model].stepMs, 0);
  const passed = Math.min(state.opening?.left ?? Infinity, ...state.running.map(({ left }) => left * stepMs));
  let { done, loaded, opening } = state;
  const running = [];
  for (const { work, left } of state.running) {
    const rest = left - passed / stepMs;
    if (rest * stepMs <= SAME_MS) done |= 1 << work;
    else running.push({ work, left: rest });
  }
  if (opening !== undefined) {
    opening = { model: opening.model, left: opening.left - passed };
    if (opening.left <= SAME_MS) {
      loaded |= 1 << opening.model;
      opening = undefined;
    }
  }
  return { now: state.now + passed, done, loaded, opening, running };
}
