// A time that no schedule of a graph can be shorter than: the longest of two bounds, each proven in its file.
import { factsOf, leastMs } from "./bound-facts.js";
import { phasesMs } from "./bound-phases.js";
import { windowsMs } from "./bound-windows.js";

/**
 * More `plays` make the bound by phases tighter, and slower; any number gives a bound.
 *
 * @param {import("./graphs.js").Graph} graph
 * @returns {{ms: number, windowsMs: number, phasesMs: number}}
 */
export function boundOf(graph, { plays = 30 } = {}) {
  const facts = factsOf(graph);
  const windows = windowsMs(facts);
  const computingMs = leastMs(
    facts,
    facts.works.map((_, index) => index),
  );
  const phases = phasesMs(facts, { computingMs, plays });
  return { ms: Math.max(windows, phases), windowsMs: windows, phasesMs: phases };
}
