// The inner part of the bound by phases (bound-phases.js, whose words it uses): for one K and one set of phases that
// works may have, the greatest bound that it finds.
import { openNetwork } from "./max-flow.js";

const HUGE_MS = 1e12;
const ROUNDS = { first: 60, further: 15 };
// A further game goes on as if so many rounds had been played.
const ROUNDS_BEFORE = 10;

/**
 * The mean of the pairs of each phase, improved in turns: the pairs answer the mean of the choices so far, the next
 * choice is the cheapest for the mean of the answers so far. Every round ends with a bound; the best one counts.
 *
 * With `from`, the end of a game with more phases allowed, goes on from there: its pairs are true of any choice.
 */
export function playPhases(facts, game, from) {
  const phases = game.kinds.length;
  const row = (known) => known?.slice() ?? new Float64Array(phases);
  const weights = facts.works.map((_, index) => row(from?.weights[index]));
  const constants = row(from?.constants);
  const shares = facts.works.map((_, index) => row(from?.shares[index]));
  for (const [index, allowed] of game.allowed.entries()) keepShares(shares[index], allowed);
  let chosen = from && cheapestPhases(facts, game.allowed, weights).chosen;
  chosen ??= game.allowed.map((allowed) => allowed[allowed.length >> 1]);
  let ms = 0;
  const [begin, end] = from ? [ROUNDS_BEFORE, ROUNDS_BEFORE + ROUNDS.further] : [0, ROUNDS.first];
  for (let round = begin; round < end; round++) {
    // Later rounds count more: the first ones answer a choice that was none.
    const part = 2 / (round + 2);
    for (const [index, phase] of chosen.entries()) {
      for (let k = 0; k < phases; k++) shares[index][k] += part * ((k === phase ? 1 : 0) - shares[index][k]);
    }
    const reply = game.kinds.map((_, phase) => answer(facts, game, { phase, shares }));
    for (const [phase, { constantMs, parts }] of reply.entries()) {
      constants[phase] += part * (constantMs - constants[phase]);
      for (const [index, known] of weights.entries()) known[phase] += part * (parts[index] - known[phase]);
    }
    const cut = cheapestPhases(facts, game.allowed, weights);
    ms = Math.max(
      ms,
      constants.reduce((sum, constant) => sum + constant, cut.ms),
    );
    chosen = cut.chosen;
  }
  return { ms, shares, weights, constants };
}

/** Gives what a work had in phases no longer allowed to the others. */
function keepShares(shares, allowed) {
  const sum = allowed.reduce((total, phase) => total + shares[phase], 0);
  const kept = allowed.map((phase) => (sum > 0 ? shares[phase] / sum : 1 / allowed.length));
  shares.fill(0);
  for (const [index, phase] of allowed.entries()) shares[phase] = kept[index];
}

/** Of the pairs (c, y) of a phase, the one that is the most for these shares of works. */
function answer(facts, { alone, kinds, entryMs }, { phase, shares }) {
  const { works, models } = facts;
  const computing = new Float64Array(works.length);
  const loading = new Float64Array(works.length);
  const entry = entryMs[kinds[phase]];
  let computingMs = entry;
  let loadingMs = 0;
  for (const [model, { slots, stepMs, loadMs }] of models.entries()) {
    if ((model === alone) !== (kinds[phase] === 1)) continue;
    const own = works.flatMap((work, index) => (work.model === model ? [index] : []));
    const sum = own.reduce((steps, index) => steps + works[index].steps * shares[index][phase], 0) / slots;
    const chain = longestChain(facts, own, (index) => works[index].steps * shares[index][phase]);
    for (const index of sum >= chain.steps ? own : chain.members) {
      computing[index] = works[index].ms / (sum >= chain.steps ? slots : 1);
    }
    computingMs += Math.max(sum, chain.steps) * stepMs;
    const surest = own.reduce((a, b) => (shares[b][phase] > shares[a][phase] ? b : a));
    loading[surest] = loadMs;
    loadingMs += loadMs * shares[surest][phase];
  }
  if (loadingMs > computingMs) return { constantMs: 0, parts: loading };
  return { constantMs: entry, parts: computing };
}

function longestChain({ before }, own, stepsOf) {
  const chains = new Map();
  let best = { steps: 0, members: [] };
  for (const index of own) {
    let chain = { steps: 0, members: [] };
    for (const [other, known] of chains) if (known.steps > chain.steps && before[index].has(other)) chain = known;
    chain = { steps: chain.steps + stepsOf(index), members: [...chain.members, index] };
    chains.set(index, chain);
    if (chain.steps > best.steps) best = chain;
  }
  return best;
}

/**
 * The allowed choice of phases with the least weight. A work with phases p1 < p2 < .. is a row of edges from the
 * source to the sink, edge i of the weight of p_i: it has the phase whose edge is cut. Edges that can't be cut
 * keep it from being cut twice, and keep it from having an earlier phase than a work before it.
 */
function cheapestPhases({ works }, allowed, weights) {
  const [source, sink] = [0, 1];
  const firsts = [];
  let nodes = 2;
  for (const phases of allowed) {
    firsts.push(nodes);
    nodes += phases.length - 1;
  }
  const nodeAt = (index, edge) => {
    if (edge < 0) return source;
    return edge >= allowed[index].length - 1 ? sink : firsts[index] + edge;
  };
  const network = openNetwork(nodes);
  let fixedMs = 0;
  for (const [index, phases] of allowed.entries()) {
    if (phases.length === 1) {
      fixedMs += weights[index][phases[0]];
      continue;
    }
    for (const [edge, phase] of phases.entries()) {
      const inner = edge > 0 && edge < phases.length - 1;
      network.connect([nodeAt(index, edge - 1), nodeAt(index, edge)], weights[index][phase], inner ? HUGE_MS : 0);
    }
    for (const before of works[index].after) {
      for (let edge = 0; edge < allowed[before].length - 1; edge++) {
        const last = phases.findLastIndex((phase) => phase <= allowed[before][edge]);
        if (last >= 0 && last < phases.length - 1) {
          network.connect([nodeAt(before, edge), nodeAt(index, last)], HUGE_MS);
        }
      }
    }
  }
  const ms = network.flow(source, sink) + fixedMs;
  const reached = network.reached(source);
  const chosen = allowed.map((phases, index) => {
    let edge = 0;
    while (edge < phases.length - 1 && reached[firsts[index] + edge]) edge++;
    return phases[edge];
  });
  return { ms, chosen };
}
