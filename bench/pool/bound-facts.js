// What the proofs of the bounds need to know of a graph: orders, chains, and the least that each model takes.

/**
 * Works are numbered in the graph's order, so that each has a greater number than those before it.
 * Of a model: `stepMs` is the least of its placements', `slots` the most that ever fit, `loadMs` its load.
 *
 * @param {import("./graphs.js").Graph} graph
 */
export function factsOf(graph) {
  const numbers = new Map(graph.works.map((work, index) => [work.id, index]));
  const used = new Set(graph.works.map((work) => work.model));
  const models = graph.models.filter((model) => used.has(model.id)).map((model) => modelFacts(graph, model));
  const modelNumbers = new Map(models.map((model, index) => [model.id, index]));
  const works = graph.works.map((work) => ({
    steps: work.steps,
    model: modelNumbers.get(work.model),
    after: work.after.map((id) => numbers.get(id)),
  }));
  for (const work of works) work.ms = work.steps * models[work.model].stepMs;
  const devices = new Set(models.flatMap((model) => model.devices)).size;
  const together = models.map((one) => models.map((other) => one === other || fitTogether(graph, one, other)));
  return { models, works, devices, together, ...orderOf(works) };
}

function modelFacts(graph, model) {
  const ways = model.placements
    .map((placement) => ({ placement, slots: slotsAlone(graph, placement, model.maxSlots) }))
    .filter(({ slots }) => slots > 0);
  if (ways.length === 0) throw new Error(`${model.id} fits on no device`);
  return {
    id: model.id,
    loadMs: model.loadMs,
    stepMs: Math.min(...ways.map(({ placement }) => placement.stepMs)),
    slots: Math.max(...ways.map(({ slots }) => slots)),
    devices: ways.map(({ placement }) => placement.device),
    ways: ways.map(({ placement }) => placement),
  };
}

function slotsAlone(graph, { loadedBytes, slotBytes }, maxSlots) {
  const fitting = graph.devices.map(({ budgetBytes }, device) => {
    const free = budgetBytes - loadedBytes[device];
    if (free < 0) return 0;
    return slotBytes[device] === 0 ? maxSlots : Math.floor(free / slotBytes[device]);
  });
  return Math.min(maxSlots, ...fitting);
}

/** Whether both can be loaded at the same time, each with one slot, wherever they are placed. */
function fitTogether(graph, one, other) {
  return one.ways.some((a) =>
    other.ways.some((b) =>
      graph.devices.every(
        ({ budgetBytes }, device) =>
          a.loadedBytes[device] + a.slotBytes[device] + b.loadedBytes[device] + b.slotBytes[device] <= budgetBytes,
      ),
    ),
  );
}

function orderOf(works) {
  const before = works.map(() => new Set());
  const behind = works.map(() => new Set());
  for (const [index, work] of works.entries()) {
    for (const direct of work.after) {
      before[index].add(direct);
      for (const earlier of before[direct]) before[index].add(earlier);
    }
    for (const earlier of before[index]) behind[earlier].add(index);
  }
  return { before, behind };
}

/**
 * Steps that `model` must make for those of `set` (numbers in rising order) that are its own: their sum spread
 * over its slots, or its longest chain, no two of which can share a step.
 */
function leastSteps({ works, before, models }, model, set) {
  let sum = 0;
  let longest = 0;
  const own = [];
  const chains = [];
  for (const index of set) {
    if (works[index].model !== model) continue;
    const { steps } = works[index];
    sum += steps;
    let chain = steps;
    for (let other = 0; other < own.length; other++) {
      if (chains[other] + steps > chain && before[index].has(own[other])) chain = chains[other] + steps;
    }
    own.push(index);
    chains.push(chain);
    if (chain > longest) longest = chain;
  }
  return Math.max(sum / models[model].slots, longest);
}

/** What the devices must compute for `set` in all: a step of one model, and the next of another, add up. */
export function workMs(facts, set) {
  return facts.models.reduce((sum, { stepMs }, model) => sum + leastSteps(facts, model, set) * stepMs, 0);
}

/** Time that must pass for that: each device takes its part, and one model is on one device at a time. */
export function leastMs(facts, set) {
  if (facts.devices === 1) return workMs(facts, set);
  const most = facts.models.map(({ stepMs }, model) => leastSteps(facts, model, set) * stepMs);
  return Math.max(...most, workMs(facts, set) / facts.devices);
}
