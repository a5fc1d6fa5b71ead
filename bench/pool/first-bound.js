// The bound that the goals were set with. It is kept to tell what a better plan brought from what a tighter bound
// did; `boundOf` is never below it. For machines with one device.
import { factsOf } from "./bound-facts.js";

/**
 * The longest of: computing plus the loads that nothing can overlap, counted once for each model that fits beside
 * no other; the longest path with the loads it forces; all loads plus the shortest work. Slots are counted as if
 * their memory were free.
 */
export function firstBoundMs(graph) {
  const facts = factsOf(graph);
  const { models, works } = facts;
  const maxSlots = models.map(({ id }) => graph.models.find((model) => model.id === id).maxSlots);
  const alone = models.map((_, one) => facts.together[one].every((fits, other) => other === one || !fits));
  let computing = 0;
  let loads = 0;
  for (const [index, { stepMs, loadMs }] of models.entries()) {
    computing += stepMs * Math.max(sumOf(works, index) / maxSlots[index], longestChain(works, index));
    if (alone[index]) computing += loadMs;
    loads += loadMs;
  }
  const others = models.filter((_, index) => !alone[index]).map(({ loadMs }) => loadMs);
  if (others.length > 0) computing += Math.min(...others);
  const ends = [];
  for (const work of works) {
    const { loadMs } = models[work.model];
    const starts = work.after.map((before) => {
      const other = works[before].model;
      return ends[before] + (other !== work.model && (alone[other] || alone[work.model]) ? loadMs : 0);
    });
    ends.push(Math.max(loadMs, ...starts) + work.ms);
  }
  return Math.max(computing, ...ends, loads + Math.min(...works.map(({ ms }) => ms)));
}

function sumOf(works, model) {
  return works.reduce((sum, work) => (work.model === model ? sum + work.steps : sum), 0);
}

function longestChain(works, model) {
  const chains = [];
  for (const work of works) {
    chains.push(Math.max(0, ...work.after.map((before) => chains[before])) + (work.model === model ? work.steps : 0));
  }
  return Math.max(...chains);
}
