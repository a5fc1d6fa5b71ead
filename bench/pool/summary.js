// From what was measured of each graph to the means of a variant.

/** Means of all graphs of a variant, under the policies' names; the rest has names of its own. */
export function summarise(graphs, names) {
  const others = names.filter((name) => name !== "plan");
  const over = (bound) => byPolicy(names, (pick) => mean(graphs.map((graph) => pick(graph).seconds / graph[bound])));
  const summary = {
    ...over("boundSeconds"),
    greedyUnknown: mean(graphs.map((graph) => graph.greedyUnknown.seconds / graph.boundSeconds)),
    loads: byPolicy(names, (pick) => round(average(graphs.map((graph) => pick(graph).loads)))),
    resizes: byPolicy(names, (pick) => round(average(graphs.map((graph) => pick(graph).resizes)))),
  };
  if (graphs.every((graph) => graph.firstBoundSeconds !== undefined)) {
    summary.overFirstBound = over("firstBoundSeconds");
    summary.boundOverFirstBound = mean(graphs.map((graph) => graph.boundSeconds / graph.firstBoundSeconds));
  }
  summary.worstAgainstBest = {
    known: worstAgainstBest(graphs, others, "known"),
    unknown: worstAgainstBest(graphs, others, "unknown"),
  };
  return { ...summary, graphs };
}

/** Ratios to the optimum of those graphs that were solved. `greatest` is the worst graph's. */
export function summariseExact(graphs, names) {
  const solved = graphs.filter((graph) => graph.proven);
  const pickers = { bound: (graph) => graph.boundSeconds };
  for (const name of names) {
    if (name !== "plan") pickers[name] = (graph) => graph[name];
    else for (const lengths of ["known", "unknown"]) pickers[`plan ${lengths}`] = (graph) => graph.plan[lengths];
  }
  const ratios = Object.entries(pickers).map(([name, pick]) => {
    const all = solved.map((graph) => pick(graph) / graph.optimumSeconds);
    return [name, { mean: mean(all), least: round(Math.min(...all)), greatest: round(Math.max(...all)) }];
  });
  return { solved: solved.length, overOptimum: Object.fromEntries(ratios), graphs };
}

function byPolicy(names, value) {
  return Object.fromEntries(
    names.map((name) => {
      if (name !== "plan") return [name, value((graph) => graph[name])];
      return [name, { known: value((graph) => graph.plan.known), unknown: value((graph) => graph.plan.unknown) }];
    }),
  );
}

/**
 * The graph where the plan is the farthest behind the best other policy (above 1), or the least ahead of it. With
 * lengths unknown nobody knows them.
 */
function worstAgainstBest(graphs, others, lengths) {
  const all = graphs.map((graph) => {
    const rivals = others.map((best) => {
      const key = lengths === "unknown" && best === "greedy" ? "greedyUnknown" : best;
      return { best, seconds: graph[key].seconds };
    });
    const { best, seconds } = rivals.reduce((a, b) => (b.seconds < a.seconds ? b : a));
    return { ratio: round(graph.plan[lengths].seconds / seconds), seed: graph.seed, best };
  });
  return all.reduce((a, b) => (b.ratio > a.ratio ? b : a));
}

/** Geometric. */
function mean(values) {
  return round(Math.exp(average(values.map(Math.log))));
}

function average(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function round(value) {
  return Number(value.toFixed(4));
}
