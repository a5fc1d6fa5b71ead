import type { Graph } from "../base/graph.ts";

export type DecomposeNode = "draft" | "validate" | "repair" | "classify" | "ready" | "failed" | "stopped";

/** From a specification to a task graph that can be run. */
export const DECOMPOSE_GRAPH: Graph<DecomposeNode> = {
  name: "decompose",
  start: "draft",
  nodes: {
    draft: "the tech lead splits the specification into tasks",
    validate: "the plan is read: names, files, owners, circles",
    repair: "the tech lead is told what is wrong with it",
    classify: "each task gets its kind, its tier and its criteria",
    ready: "the tasks stand",
    failed: "no plan could be used",
    stopped: "the limit came first",
  },
  edges: [
    { from: "draft", to: "validate", on: "drafted", why: "there is a reply" },
    { from: "draft", to: "stopped", on: "limit", why: "the build is at its limit" },
    {
      from: "validate",
      to: "classify",
      on: "valid",
      why: "every task has files of its own and none waits in a circle",
    },
    { from: "validate", to: "repair", on: "invalid", why: "something is wrong with it, and a try is left" },
    { from: "validate", to: "failed", on: "give-up", why: "the last try is wrong too" },
    { from: "repair", to: "validate", on: "drafted", why: "there is another reply" },
    { from: "repair", to: "stopped", on: "limit", why: "the build is at its limit" },
    { from: "classify", to: "ready", on: "classified", why: "every task has a tier" },
  ],
  bounds: { repair: "three times: told once what is wrong, drawn again twice" },
};
