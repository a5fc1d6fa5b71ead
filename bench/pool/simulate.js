// Runs a policy of the pool over a graph, without models: time jumps from event to event. The same graph, policy
// and options give the same schedule. A policy that asks for what the pool couldn't do is refused by name.
//
// Physics, as src/pool/plan/pool-state.ts tells it: one opening (load or resize) at a time, beside turns; memory
// is taken from the start of an opening; an eviction takes no time; on each device a step of every model that
// has a running turn takes the sum of their steps' times, and gives each turn one token.

const PRIOR_STEPS = 300;
// What the generator's 80 + 900 * u * v steps have: the standard deviation over the mean.
const PRIOR_SPREAD = 0.65;
const PRIOR_WEIGHT = 3;
const SAME_MS = 1e-6;
const MAX_ROUNDS = 1000;

/**
 * Runs `policy` over `graph` to its end.
 *
 * `known`: the policy sees how long works really are. Otherwise it sees what is expected: 300 steps at first, and
 * then a mean with what finished works of the model took, with how far single works are from it; a running work shows
 * what is left of that, never less than a third.
 *
 * @param {import("./graphs.js").Graph} graph
 * @param {import("../../src/pool/plan/pool-state.ts").PoolPolicy} policy
 * @param {{known?: boolean, iterations?: number}} [options]
 */
export function simulate(graph, policy, { known = true, iterations = 20 } = {}) {
  const pool = openPool(graph, known);
  const maxEvents = 20 * graph.works.length + 1000;
  for (let event = 0; pool.works.size > 0; event++) {
    if (event > maxEvents) throw new Error(`${describe(pool, policy)}: no end after ${maxEvents} events`);
    if (policy.improve !== undefined && iterations > 0) policy.improve(showState(pool), { iterations });
    askUntilDone(pool, policy);
    advance(pool, policy);
  }
  return report(pool);
}

function openPool(graph, known) {
  const works = new Map();
  for (const work of graph.works) {
    const state = work.after.length === 0 ? "ready" : "later";
    works.set(work.id, { ...work, left: work.steps, state, since: 0 });
  }
  return {
    graph,
    known,
    now: 0,
    works,
    models: new Map(graph.models.map((model) => [model.id, model])),
    residents: new Map(),
    learned: new Map(graph.models.map((model) => [model.id, { works: 0, steps: 0, squares: 0 }])),
    timeline: [],
    figures: new Map(graph.models.map((model) => [model.id, { loads: 0, evictions: 0, resizes: 0, works: 0 }])),
  };
}

function askUntilDone(pool, policy) {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const actions = policy.decide(showState(pool)).filter((action) => action.kind !== "wait");
    if (actions.length === 0) return;
    for (const action of actions) {
      const violation = perform(pool, action);
      if (violation === undefined) continue;
      throw new Error(`${describe(pool, policy)}: ${JSON.stringify(action)} is refused: ${violation}`);
    }
  }
  throw new Error(`${describe(pool, policy)}: still new actions after ${MAX_ROUNDS} rounds`);
}

/** What a policy sees. Values of its own: nothing it does to them changes the pool. */
function showState(pool) {
  const residents = [...pool.residents.values()].map(({ model, placement, slots, state, readyAt, used }) => ({
    model,
    placement,
    slots,
    state,
    readyAtMs: readyAt,
    usedAtMs: used,
  }));
  const works = [...pool.works.values()].map((work) => ({
    id: work.id,
    model: work.model,
    ...shownLength(pool, work),
    state: work.state,
    after: work.after,
    sinceMs: work.since,
  }));
  const { devices, models, maxWaitMs } = pool.graph;
  return { nowMs: pool.now, devices, models, residents, works, maxWaitMs };
}

function shownLength(pool, work) {
  if (pool.known) return { steps: work.left };
  const learned = pool.learned.get(work.model);
  const works = PRIOR_WEIGHT + learned.works;
  const mean = (PRIOR_STEPS * PRIOR_WEIGHT + learned.steps) / works;
  const square = (PRIOR_STEPS ** 2 * (1 + PRIOR_SPREAD ** 2) * PRIOR_WEIGHT + learned.squares) / works;
  const steps = Math.max(mean - (work.steps - work.left), mean / 3);
  return { steps, spread: Math.sqrt(Math.max(0, square - mean ** 2)) / mean };
}

/** Does the action, or says what forbids it. */
function perform(pool, action) {
  if (action.kind === "start") return start(pool, action);
  if (action.kind === "load") return load(pool, action);
  if (action.kind === "resize") return resize(pool, action);
  if (action.kind === "evict") return evict(pool, action.model);
  return `no action is called ${action.kind}`;
}

function start(pool, { work: id }) {
  const work = pool.works.get(id);
  if (work === undefined) return `no work ${id} is left`;
  if (work.state !== "ready") return `the work is ${work.state}, not ready`;
  const resident = pool.residents.get(work.model);
  if (resident === undefined) return `${work.model} is not loaded`;
  if (resident.state !== "ready") return `${work.model} is still opening`;
  if (running(pool, work.model) >= resident.slots) return `the ${resident.slots} slots of ${work.model} are taken`;
  const { device } = pool.models.get(work.model).placements[resident.placement];
  const { id: name, oneModelAtATime } = pool.graph.devices[device];
  const other = oneModelAtATime ? [...pool.residents.keys()].find((one) => computesFor(pool, one, device)) : undefined;
  if (other !== undefined && other !== work.model) return `${name} computes for ${other}, and for one model at a time`;
  work.state = "running";
  work.since = pool.now;
  resident.used = pool.now;
  pool.timeline.push({ atMs: pool.now, kind: "start", work: id, model: work.model });
  return undefined;
}

function load(pool, { model: id, placement, slots, evict: evicted }) {
  const model = pool.models.get(id);
  if (model === undefined) return `no model is called ${id}`;
  if (pool.residents.has(id)) return "it is loaded or loading already";
  if (model.placements[placement] === undefined) return `it has no placement ${placement}`;
  const opening = openingOf(pool);
  if (opening !== undefined) return `${opening.model} is still opening`;
  if (!slotsPossible(model, slots)) return `it can have 1 to ${model.maxSlots} slots, not ${slots}`;
  for (const other of evicted) {
    const violation = evict(pool, other);
    if (violation !== undefined) return violation;
  }
  const resident = { model: id, placement, slots, state: "opening", readyAt: pool.now + model.loadMs, used: pool.now };
  pool.residents.set(id, resident);
  pool.figures.get(id).loads++;
  pool.timeline.push({ atMs: pool.now, kind: "load", model: id, placement, slots, untilMs: resident.readyAt });
  return overBudget(pool);
}

function resize(pool, { model: id, slots }) {
  const resident = pool.residents.get(id);
  if (resident === undefined) return `${id} is not loaded`;
  const opening = openingOf(pool);
  if (opening !== undefined) return `${opening.model} is still opening`;
  if (running(pool, id) > 0) return `${id} has a running turn`;
  const model = pool.models.get(id);
  if (!slotsPossible(model, slots)) return `it can have 1 to ${model.maxSlots} slots, not ${slots}`;
  if (slots === resident.slots) return `it has ${slots} slots already`;
  Object.assign(resident, { slots, state: "opening", readyAt: pool.now + model.resizeMs });
  pool.figures.get(id).resizes++;
  pool.timeline.push({ atMs: pool.now, kind: "resize", model: id, slots, untilMs: resident.readyAt });
  return overBudget(pool);
}

function evict(pool, id) {
  const resident = pool.residents.get(id);
  if (resident === undefined) return `${id} is not loaded and can't be evicted`;
  if (resident.state !== "ready") return `${id} is still opening and can't be evicted`;
  if (running(pool, id) > 0) return `${id} has a running turn and can't be evicted`;
  pool.residents.delete(id);
  pool.figures.get(id).evictions++;
  pool.timeline.push({ atMs: pool.now, kind: "evict", model: id });
  return undefined;
}

function slotsPossible(model, slots) {
  return Number.isInteger(slots) && slots >= 1 && slots <= model.maxSlots;
}

function openingOf(pool) {
  return [...pool.residents.values()].find((resident) => resident.state === "opening");
}

function running(pool, model) {
  let count = 0;
  for (const work of pool.works.values()) if (work.model === model && work.state === "running") count++;
  return count;
}

function computesFor(pool, model, device) {
  const { placement } = pool.residents.get(model);
  return pool.models.get(model).placements[placement].device === device && running(pool, model) > 0;
}

function overBudget(pool) {
  for (const [device, { id, budgetBytes }] of pool.graph.devices.entries()) {
    let taken = 0;
    for (const { model, placement, slots } of pool.residents.values()) {
      const { loadedBytes, slotBytes } = pool.models.get(model).placements[placement];
      taken += loadedBytes[device] + slots * slotBytes[device];
    }
    if (taken > budgetBytes) return `${id} has ${budgetBytes} bytes, and ${taken} would be taken`;
  }
  return undefined;
}

/** To the next event: the end of a turn or of an opening. */
function advance(pool, policy) {
  const rates = stepTimes(pool);
  let nextMs = openingOf(pool)?.readyAt ?? Infinity;
  for (const work of pool.works.values()) {
    if (work.state === "running") nextMs = Math.min(nextMs, pool.now + work.left * rates.get(work.model));
  }
  if (nextMs === Infinity) throw new Error(`${describe(pool, policy)}: nothing runs or opens, and works are left`);
  const passedMs = nextMs - pool.now;
  pool.now = nextMs;
  for (const work of pool.works.values()) {
    if (work.state !== "running") continue;
    work.left -= passedMs / rates.get(work.model);
    if (work.left * rates.get(work.model) <= SAME_MS) finish(pool, work);
  }
  for (const work of pool.works.values()) {
    if (work.state !== "later" || work.after.some((id) => pool.works.has(id))) continue;
    work.state = "ready";
    work.since = pool.now;
  }
  const opening = openingOf(pool);
  if (opening === undefined || opening.readyAt > pool.now + SAME_MS) return;
  opening.state = "ready";
  opening.used = pool.now;
  pool.timeline.push({ atMs: pool.now, kind: "ready", model: opening.model, slots: opening.slots });
}

/** What a step of each running model takes now. */
function stepTimes(pool) {
  const sums = pool.graph.devices.map(() => 0);
  const devices = new Map();
  for (const work of pool.works.values()) {
    if (work.state !== "running" || devices.has(work.model)) continue;
    const placement = pool.models.get(work.model).placements[pool.residents.get(work.model).placement];
    devices.set(work.model, placement.device);
    sums[placement.device] += placement.stepMs;
  }
  return new Map([...devices].map(([model, device]) => [model, sums[device]]));
}

function finish(pool, work) {
  pool.works.delete(work.id);
  pool.residents.get(work.model).used = pool.now;
  const learned = pool.learned.get(work.model);
  learned.works++;
  learned.steps += work.steps;
  learned.squares += work.steps ** 2;
  pool.figures.get(work.model).works++;
  pool.timeline.push({ atMs: pool.now, kind: "finish", work: work.id, model: work.model });
}

function report(pool) {
  const models = Object.fromEntries(pool.figures);
  const total = (name) => Object.values(models).reduce((sum, figures) => sum + figures[name], 0);
  return {
    makespanMs: pool.now,
    loads: total("loads"),
    evictions: total("evictions"),
    resizes: total("resizes"),
    models,
    timeline: pool.timeline,
  };
}

function describe(pool, policy) {
  return `${policy.name} on ${pool.graph.name} ${pool.graph.seed} at ${(pool.now / 1000).toFixed(2)} s`;
}
