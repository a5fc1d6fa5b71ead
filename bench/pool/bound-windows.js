// A bound by heads and tails. The head of a work is a time before which it can't start, its tail a time that must
// pass after its end. Of any set S of works none can start before the least of their heads h, all must be over
// before the end less the least of their tails t, and between the two the device computes for all of S:
//
//   end >= h + leastMs(S) + idleMs(S) + t
//
// for S all works whose head is at least h and whose tail is at least t, for every pair (h, t). Heads come from
// the same argument over the works before one, tails from that over the works behind it.
import { leastMs, workMs } from "./bound-facts.js";

/** @param {ReturnType<typeof import("./bound-facts.js").factsOf>} facts */
export function windowsMs(facts) {
  const heads = headsOf(facts);
  const tails = tailsOf(facts);
  const all = facts.works.map((_, index) => index);
  let best = 0;
  for (const head of new Set(heads)) {
    const late = all.filter((index) => heads[index] >= head);
    for (const tail of new Set(late.map((index) => tails[index]))) {
      const set = late.filter((index) => tails[index] >= tail);
      best = Math.max(best, head + leastMs(facts, set) + idleMs(facts, set) + tail);
    }
  }
  return Math.max(best, allKindsMs(facts, all), firstLoadsMs(facts, workMs(facts, all)), allLoadsMs(facts, tails));
}

/**
 * A work needs its model's load. After a work before it whose model can't be loaded beside its own, all of that
 * load is still to come.
 */
function headsOf(facts) {
  const { works, models, together, before } = facts;
  const heads = [];
  for (const [index, work] of works.entries()) {
    const { loadMs } = models[work.model];
    let head = loadMs;
    for (const other of work.after) {
      const swap = together[works[other].model][work.model] ? 0 : loadMs;
      head = Math.max(head, heads[other] + works[other].ms + swap);
    }
    heads.push(Math.max(head, throughSet(facts, before[index], { times: heads, end: index })));
  }
  return heads;
}

export function tailsOf(facts) {
  const { works, models, together, behind } = facts;
  const tails = works.map(() => 0);
  for (let index = works.length - 1; index >= 0; index--) {
    tails[index] = Math.max(tails[index], throughSet(facts, behind[index], { times: tails, end: index }));
    const work = works[index];
    for (const other of work.after) {
      const swap = together[works[other].model][work.model] ? 0 : models[work.model].loadMs;
      tails[other] = Math.max(tails[other], tails[index] + work.ms + swap);
    }
  }
  return tails;
}

/** The longest over thresholds: that time, and computing for those of `set` that have at least it. */
function throughSet(facts, set, { times, end }) {
  const sorted = [...set].toSorted((a, b) => a - b);
  let best = 0;
  for (const time of new Set(sorted.map((index) => times[index]))) {
    const kept = sorted.filter((index) => times[index] >= time);
    const idle = idleMs(
      facts,
      [...kept, end].toSorted((a, b) => a - b),
    );
    best = Math.max(best, time + leastMs(facts, kept) + idle);
  }
  return best;
}

/**
 * Between the first start and the last end of `set`, time in which a single device computes nothing. A model that
 * fits beside no other is alone: before it computes after others did, all of its load passes, and before others
 * compute after it did, all of the load of the first of them. A path of the set pays each such change on its
 * way, as the changes lie between its works; and if the set holds both kinds, there is at least one.
 */
function idleMs(facts, set) {
  if (facts.devices > 1) return 0;
  const { kindOf, entryMs } = kindsOf(facts);
  const entries = [...new Set(set.map(kindOf))].map(entryMs);
  if (entries.length < 2) return 0;
  let best = entries.reduce((sum, ms) => sum + ms, 0) - Math.max(...entries);
  const paths = new Map();
  for (const index of set) {
    let path = 0;
    for (const [other, ms] of paths) {
      if (!facts.before[index].has(other)) continue;
      path = Math.max(path, ms + (kindOf(other) === kindOf(index) ? 0 : entryMs(kindOf(index))));
    }
    paths.set(index, path);
    best = Math.max(best, path);
  }
  return best;
}

/** A model that is alone is a kind of its own, all others are one. Of each what passes before it computes. */
function kindsOf({ models, works, together }) {
  const alone = models.map((_, one) => together[one].every((fits, other) => other === one || !fits));
  const others = models.filter((_, index) => !alone[index]).map(({ loadMs }) => loadMs);
  return {
    kindOf: (index) => (alone[works[index].model] ? works[index].model : -1),
    entryMs: (kind) => (kind < 0 ? Math.min(...others) : models[kind].loadMs),
  };
}

/** From the beginning each kind is entered at least once, the first one too; on one device nothing computes then. */
function allKindsMs(facts, all) {
  if (facts.devices > 1) return 0;
  const { kindOf, entryMs } = kindsOf(facts);
  return [...new Set(all.map(kindOf))].reduce((sum, kind) => sum + entryMs(kind), workMs(facts, all));
}

/**
 * Loads come one after the other: the first device to compute waits for one, the second for two, and so on, each
 * as long as the shortest at least. Of d devices at work, d times the end is at least the computing of all and
 * what each of them waits.
 */
function firstLoadsMs({ models, devices }, computingMs) {
  const load = Math.min(...models.map(({ loadMs }) => loadMs));
  let best = Infinity;
  let waits = 0;
  for (let count = 1; count <= devices; count++) {
    waits += count * load;
    best = Math.min(best, (computingMs + waits) / count);
  }
  return best;
}

/** Every model is loaded once, one at a time; all works of the one that comes last are still to do then. */
function allLoadsMs(facts, tails) {
  const { models, works } = facts;
  const loads = models.reduce((sum, { loadMs }) => sum + loadMs, 0);
  const rests = models.map((_, model) => {
    const own = works.flatMap((work, index) => (work.model === model ? [index] : []));
    return Math.max(leastMs(facts, own), ...own.map((index) => works[index].ms + tails[index]));
  });
  return loads + Math.min(...rests);
}
