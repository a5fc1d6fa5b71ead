// A bound for one device and a model A that fits beside no other, at least by the phases in which it computes.
//
// Phases. Call the other models B. Cut a schedule into phases, longest stretches in which of A and B only one
// computes: they alternate. A turn keeps its model loaded, so no turn lies in two phases. Number the phases 1 to
// K; let f(w) be the phase of work w. If v comes before w then f(v) <= f(w), and A's phases have one parity, B's
// the other. The span of a phase goes from the end of the phase before it (or from 0) to its own end; the spans
// make up the makespan. Nothing but A is loaded while A is, so what a phase computes with is loaded in its span:
//
//   (1) before the first step of the span passes a whole load: A's, or at least the shortest of B's;
//   (2) the span lasts that load and, for each model, stepMs times the steps its works of the phase need: at
//       least their sum over the slots, and at least any chain of them;
//   (3) the span lasts the loads of all models that compute in it, since loads go one at a time.
//
// So the span of phase k is at least c_k + sum of y(w,k) over the works of the phase, where (c, y) is: by (2) the
// load of (1), and for each model either stepMs * steps / slots for all its works, or stepMs * steps for the works
// of one chain of it and 0 for the others; or by (3) c = 0 and for each model its load on one work of it. Being
// true of each of these, it is true of every mean of them.
//
// Bound. For any such means (c_k, y_k), the makespan of a schedule with K phases is at least sum of c_k, plus
// the least of sum over w of y(w, f(w)) over all f that the rules above allow: a smallest cut, since the
// phase of each work is a number and the rules only compare numbers. Its largest flow is never more, so rounding
// does no harm. Which means to take needs no proof; phase-game.js finds good ones.
//
// Search. Nobody knows K, which of both begins, or f. All schedules are divided into parts: first by K and who
// begins, a part with more phases bounded by the loads of (1) and the computing needed with any f (`computingMs`)
// until it is looked at; then by whether some work has at most phase p or a later one. The bound is the least of
// those of all parts. As long as `plays` lasts, the part with the least is bounded better, or divided.
import { playPhases } from "./phase-game.js";

/** 0 where it does not apply. @returns {number} */
export function phasesMs(facts, { computingMs, plays }) {
  const { devices, models, together } = facts;
  if (devices > 1 || models.length < 2) return 0;
  let best = 0;
  for (const [alone, model] of models.entries()) {
    if (together[alone].some((fits, other) => fits && other !== alone)) continue;
    const others = models.filter((other) => other !== model).map(({ loadMs }) => loadMs);
    // By kind of phase: 1 for A, 0 for B.
    const entryMs = [Math.min(...others), model.loadMs];
    best = Math.max(best, leastOverParts(facts, { alone, entryMs, computingMs, plays }));
  }
  return best;
}

function leastOverParts(facts, { alone, entryMs, computingMs, plays }) {
  const parts = [];
  let count = 1;
  let played = 0;
  for (;;) {
    const least = parts.reduce((a, b) => (b.ms < a.ms ? b : a), { ms: Infinity, kinds: { length: count } });
    // More phases take more loads: those with yet more wait until one with the most is the least. There are no
    // more phases than works.
    if (least.kinds.length === count && count < facts.works.length) {
      count++;
      parts.push(...partsWith(count, { entryMs, computingMs }));
      continue;
    }
    const divided = least.game === undefined ? [least] : divide(facts, least);
    if (played >= plays || divided.length === 0) return least.ms;
    parts.splice(parts.indexOf(least), 1);
    for (const { kinds, allowed: among, ms, game: from } of divided) {
      const allowed = allowedPhases(facts, { alone, kinds, among });
      if (allowed === undefined) continue;
      const game = playPhases(facts, { alone, kinds, entryMs, allowed }, from);
      parts.push({ kinds, allowed, ms: Math.max(ms, game.ms), game });
      played++;
    }
  }
}

/** All schedules of so many phases, by which kind begins. */
function partsWith(count, { entryMs, computingMs }) {
  return [0, 1].map((first) => {
    const kinds = Array.from({ length: count }, (_, phase) => (first + phase) % 2);
    return { kinds, ms: kinds.reduce((sum, kind) => sum + entryMs[kind], computingMs) };
  });
}

/** By the phase of the work whose phase is the most undecided; nothing where each work has only one. */
function divide(facts, part) {
  const { shares } = part.game;
  let most = { doubt: 0 };
  for (const [index, phases] of part.allowed.entries()) {
    if (phases.length < 2) continue;
    const mean = phases.reduce((sum, phase) => sum + phase * shares[index][phase], 0);
    const variance = phases.reduce((sum, phase) => sum + (phase - mean) ** 2 * shares[index][phase], 0);
    const doubt = Math.sqrt(variance) * facts.works[index].ms + Number.EPSILON;
    const border = Math.min(Math.max(Math.floor(mean), phases[0]), phases.at(-1) - 1);
    if (doubt > most.doubt) most = { doubt, index, border };
  }
  if (most.index === undefined) return [];
  return [(phase) => phase <= most.border, (phase) => phase > most.border].map((keeps) => ({
    ...part,
    allowed: part.allowed.map((phases, index) => (index === most.index ? phases.filter(keeps) : phases)),
  }));
}

/** For each work the phases that it may have, rising, `among` those given; undefined when one has none. */
function allowedPhases({ works }, { alone, kinds, among }) {
  const kindOf = (work) => (work.model === alone ? 1 : 0);
  const allowed = works.map((work, index) => {
    return among?.[index] ?? kinds.flatMap((kind, phase) => (kind === kindOf(work) ? [phase] : []));
  });
  for (const [index, work] of works.entries()) {
    const earliest = Math.max(0, ...work.after.map((before) => allowed[before][0]));
    allowed[index] = allowed[index].filter((phase) => phase >= earliest);
    if (allowed[index].length === 0) return undefined;
  }
  for (let index = works.length - 1; index >= 0; index--) {
    const latest = allowed[index].at(-1);
    for (const before of works[index].after) {
      allowed[before] = allowed[before].filter((phase) => phase <= latest);
      if (allowed[before].length === 0) return undefined;
    }
  }
  return allowed;
}
