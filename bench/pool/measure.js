// One graph under every policy.
import { planPolicy } from "../../src/pool/plan/plan-policy.ts";
import { boundOf } from "./bound.js";
import { exactOf } from "./exact.js";
import { firstBoundMs } from "./first-bound.js";
import { makeGraph } from "./graphs.js";
import { POLICIES } from "./policies.js";
import { simulate } from "./simulate.js";

/** The names of the policies, the plan first. */
export const NAMES = ["plan", ...Object.keys(POLICIES)];

/** Seconds and loads of each policy on one graph. The plan has two: lengths known, and to be learned. */
export function measure({ variant, seed, iterations, plays }) {
  const graph = makeGraph(variant, seed);
  const bound = boundOf(graph, { plays });
  const result = { seed, works: graph.works.length, boundSeconds: seconds(bound.ms), iterations, plays };
  if (graph.devices.length === 1) result.firstBoundSeconds = seconds(firstBoundMs(graph));
  for (const name of NAMES) result[name] = name === "plan" ? bothPlans(graph, iterations) : runOther(graph, name);
  // The only other one that looks at lengths; it shows what a simple policy reaches that must learn them.
  result.greedyUnknown = figures(simulate(graph, POLICIES.greedy(), { known: false }));
  return result;
}

/** A small graph, and how far the policies and the bound are from its optimum. */
export function measureExact({ variant, seed, iterations, plays, works }) {
  const graph = makeGraph(variant, seed, { works });
  const plan = bothPlans(graph, iterations);
  const others = Object.fromEntries(Object.keys(POLICIES).map((name) => [name, runOther(graph, name).seconds]));
  const shortest = Math.min(...Object.values(others), plan.known.seconds, plan.unknown.seconds);
  const { ms, proven } = exactOf(graph, { upperMs: shortest * 1000 });
  return {
    seed,
    works: graph.works.length,
    proven,
    optimumSeconds: seconds(ms),
    boundSeconds: seconds(boundOf(graph, { plays }).ms),
    plan: { known: plan.known.seconds, unknown: plan.unknown.seconds },
    ...others,
  };
}

function bothPlans(graph, iterations) {
  const [known, unknown] = [true, false].map((isKnown) => {
    return figures(simulate(graph, planPolicy(), { known: isKnown, iterations }));
  });
  return { known, unknown };
}

function runOther(graph, name) {
  return figures(simulate(graph, POLICIES[name]()));
}

function figures({ makespanMs, loads, resizes }) {
  return { seconds: seconds(makespanMs), loads, resizes };
}

function seconds(ms) {
  return Number((ms / 1000).toFixed(6));
}
