import type { Graph } from "../base/graph.ts";

export type BuildNode =
  | "start"
  | "spec"
  | "plan"
  | "tests"
  | "ask"
  | "tasks"
  | "merge"
  | "integrate"
  | "verify"
  | "deliver"
  | "green"
  | "red"
  | "refused";

const LIMIT = "the build is at its limit";

/** A whole build, from the goal to a repository with a receipt. */
export const BUILD_GRAPH: Graph<BuildNode> = {
  name: "build",
  start: "start",
  nodes: {
    start: "identify the models, open the sandbox, load what is needed first",
    spec: "the product manager writes the specification",
    plan: "the tech lead splits it into tasks (graph decompose)",
    tests: "the tester writes each task's tests, which are frozen",
    ask: "a person looks at plan and tests: accept, edit or stop",
    tasks: "each task in its own branch as soon as those before it are done (graph task)",
    merge: "the branches come together, in topological order",
    integrate: "what a merge broke is mended (graph task)",
    verify: "everything is checked once more, in a clean checkout",
    deliver: "the repository and its receipt are written",
    green: "done, and proven",
    red: "not done, and told so",
    refused: "nothing was built",
  },
  edges: [
    { from: "start", to: "spec", on: "ready", why: "models and sandbox are there" },
    { from: "start", to: "refused", on: "missing", why: "a model or the sandbox is missing" },
    { from: "spec", to: "plan", on: "written", why: "each criterion can be tested" },
    { from: "spec", to: "refused", on: "refused", why: "the goal is outside of what the model can do" },
    { from: "spec", to: "verify", on: "failed", why: "no specification could be used" },
    { from: "spec", to: "verify", on: "limit", why: LIMIT },
    { from: "plan", to: "tests", on: "ready", why: "the tasks stand" },
    { from: "plan", to: "verify", on: "failed", why: "no plan could be used" },
    { from: "plan", to: "verify", on: "limit", why: LIMIT },
    { from: "tests", to: "ask", on: "frozen", why: "the tests can be parsed and fail without code" },
    { from: "tests", to: "verify", on: "failed", why: "no tests could be used" },
    { from: "tests", to: "verify", on: "limit", why: LIMIT },
    { from: "ask", to: "tasks", on: "accepted", why: "accepted, or nobody is to be asked" },
    { from: "ask", to: "ask", on: "edited", why: "changed by hand: looked at again" },
    { from: "ask", to: "refused", on: "stopped", why: "a person said stop" },
    { from: "tasks", to: "merge", on: "done", why: "each task is green, red or skipped" },
    { from: "merge", to: "merge", on: "merged", why: "one branch more, and the tests pass with it" },
    { from: "merge", to: "integrate", on: "broken", why: "a conflict, or a test that is red after the merge" },
    { from: "merge", to: "verify", on: "complete", why: "every green branch is in" },
    { from: "merge", to: "verify", on: "limit", why: LIMIT },
    { from: "integrate", to: "merge", on: "mended", why: "both sides' tests pass" },
    { from: "integrate", to: "merge", on: "left-out", why: "the branch stays outside, and is reported" },
    { from: "verify", to: "deliver", on: "checked", why: "what is true of it is known" },
    { from: "deliver", to: "green", on: "green", why: "every check passed" },
    { from: "deliver", to: "red", on: "red", why: "a check failed, or something is missing" },
  ],
  bounds: {
    ask: "a person ends it",
    merge: "once for each task",
    integrate: "once for each task",
  },
};
