import { EXIT } from "../base/errors.ts";
import { runGraph, type Step } from "../base/run-graph.ts";
import type { Spec } from "../agents/read-spec.ts";
import { askPlan, parkPlanOnly } from "./ask-plan.ts";
import { BUILD_GRAPH, type BuildNode } from "./build-graph.ts";
import { NOTHING, type Work } from "./build-work.ts";
import { startBuild } from "./start-build.ts";
import type { BuildRun } from "./build-run.ts";
import { decompose } from "./decompose.ts";
import { type BuildResult, deliverBuild } from "./deliver-build.ts";
import { type Beginning, freezeTests, type FrozenTests, newTree } from "./freeze-tests.ts";
import { integrate, mergeNext, type Merging, takeUnproven } from "./merge-tasks.ts";
import { runTasks, type TaskGraph, type TaskResult } from "./run-tasks.ts";
import type { Strand } from "./strand.ts";
import { verifyBuild } from "./verify-build.ts";
import { writeSpec } from "./write-spec.ts";

export type BuildOutcome =
  | BuildResult
  /** Nothing was built; `exitCode` says whether the wish or the machine would have to change. */
  | { readonly outcome: "refused"; readonly why: string; readonly exitCode: number };

/** More than any plan's tasks, each merged and integrated once. */
const MOST_STEPS = 500;
const LIMIT = "the build's limit was reached before it was done";

/**
 * A whole build by the graph `BUILD_GRAPH`.
 *
 * Every way out is a value: green, red with the reason, or refused. What is thrown is no outcome
 * of the work (a server that is down, a full disk, a pause) and leaves the build resumable.
 */
export async function runBuild(build: BuildRun): Promise<BuildOutcome> {
  build.foresee();
  const strand = build.main;
  const { state } = await runGraph<BuildNode, Work>(
    {
      graph: BUILD_GRAPH,
      work: {
        start: (work) => startBuild(strand, work),
        spec: (work) => spec(build, strand, work),
        plan: (work) => plan(build, strand, work),
        tests: (work) => tests(build, strand, work),
        ask: (work) => ask(strand, work),
        tasks: (work) => tasks(strand, work),
        merge: (work) => merge(strand, work),
        integrate: async (work) => {
          const { on, state: merging } = await integrate(strand, graphOf(work), mergingOf(work));
          return { on, state: { ...work, merging } };
        },
        verify: (work) => verify(build, strand, work),
        deliver: (work) => deliver(strand, work),
      },
      taken: (edge) => strand.took(BUILD_GRAPH.name, "", edge),
      mostSteps: MOST_STEPS,
    },
    NOTHING,
  );
  if (state.refused !== undefined) return { outcome: "refused", ...state.refused };
  if (state.result === undefined) throw new Error(`build ${build.id} ended without a result`);
  return state.result;
}

async function spec(build: BuildRun, strand: Strand, work: Work): Promise<Step<Work>> {
  const outcome = await strand.withinLimit(() => writeSpec(strand));
  if (outcome === undefined) return { on: "limit", state: { ...work, stopped: LIMIT } };
  if (outcome.kind === "refused")
    return { on: "refused", state: { ...work, refused: { why: outcome.why, exitCode: EXIT.missing } } };
  if (outcome.kind === "failed") return { on: "failed", state: { ...work, stopped: outcome.why } };
  build.foresee("spec");
  return { on: "written", state: { ...work, spec: outcome.spec, parts: outcome.parts } };
}

async function plan(build: BuildRun, strand: Strand, work: Work): Promise<Step<Work>> {
  const outcome = await decompose(strand, specOf(work), work.parts);
  if (outcome.kind === "limit") return { on: "limit", state: { ...work, stopped: LIMIT } };
  if (outcome.kind === "failed") return { on: "failed", state: { ...work, stopped: outcome.why } };
  build.foreseeTasks(outcome.packages.map(({ task }) => task));
  return { on: "ready", state: { ...work, packages: outcome.packages } };
}

async function tests(build: BuildRun, strand: Strand, work: Work): Promise<Step<Work>> {
  const written = specOf(work);
  const language = build.languageOf(written);
  const tree = work.repository?.tree ?? (await newTree(strand, language, written));
  const beginning = { tree, language };
  const outcome = await freezeTests(strand, work.packages, beginning);
  if (outcome.kind === "limit") return { on: "limit", state: { ...work, stopped: LIMIT } };
  if (outcome.kind === "failed") return { on: "failed", state: { ...work, stopped: outcome.why } };
  build.foresee("tests");
  return { on: "frozen", state: { ...work, beginning, tests: outcome.tests } };
}

async function ask(strand: Strand, work: Work): Promise<Step<Work>> {
  const beginning = beginningOf(work);
  const before = { spec: specOf(work), packages: work.packages, tests: testsOf(work), asking: work.asking };
  const { on, why, ...answer } = await askPlan(strand, { ...before, beginning });
  const state = { ...work, ...answer };
  if (on === "stopped") return { on, state: { ...state, refused: { why, exitCode: EXIT.failed } } };
  if (on === "edited") return { on, state };
  const { repository } = work;
  const frozen = await strand.commit("tests/commit", {
    tree: answer.tests.tree,
    parents: repository === undefined ? [] : [repository.commit],
    message: "Acceptance tests, frozen before the code\n",
  });
  const isResumed = await parkPlanOnly(strand, { ...answer, beginning });
  const reviewed = isResumed && answer.reviewed === "not asked" ? "resumed" : answer.reviewed;
  return { on, state: { ...state, reviewed, frozen } };
}

async function tasks(strand: Strand, work: Work): Promise<Step<Work>> {
  const graph = graphOf(work);
  // Else the trail would hear of it when all tasks are done.
  await strand.record("tasks begun");
  const results = await runTasks(strand, graph);
  const merging = {
    line: graph.frozen,
    waiting: results.filter(({ state, end }) => state === "green" && end !== undefined),
    merged: [],
    leftOut: [],
    broken: undefined,
  };
  return { on: "done", state: { ...work, results, merging } };
}

async function merge(strand: Strand, work: Work): Promise<Step<Work>> {
  const { on, state: merging } = await mergeNext(strand, graphOf(work), mergingOf(work));
  if (on !== "complete" && on !== "limit") return { on, state: { ...work, merging } };
  // What is not proven is delivered too, as what it is.
  const whole = await takeUnproven(strand, graphOf(work), { merging, results: work.results });
  return { on, state: { ...work, merging: whole, stopped: stoppedBy(work.results, whole, on === "limit") } };
}

function stoppedBy(results: readonly TaskResult[], { leftOut }: Merging, limit: boolean): string | undefined {
  const [first] = [
    ...results.filter(({ state }) => state !== "green").map(({ package: one, why }) => ({ task: one.task.id, why })),
    ...leftOut,
  ];
  if (first !== undefined) return `task ${first.task}: ${first.why}`;
  return limit ? LIMIT : undefined;
}

async function verify(build: BuildRun, strand: Strand, work: Work): Promise<Step<Work>> {
  const { spec: written } = work;
  if (written === undefined) return { on: "checked", state: work };
  const tree = work.merging?.line.tree ?? work.frozen?.tree ?? work.tests?.tree ?? work.beginning?.tree;
  if (tree === undefined) return { on: "checked", state: work };
  // Nothing keeps a build from saying what is true of it.
  const verification = await verifyBuild(strand.unlimited(), {
    tree,
    language: build.languageOf(written),
    frozen: (work.tests?.hashes ?? []).map(({ path }) => path),
    own: build.greenTests,
  });
  return { on: "checked", state: { ...work, verification } };
}

async function deliver(strand: Strand, work: Work): Promise<Step<Work>> {
  const result = await deliverBuild(strand.unlimited(), work);
  return { on: result.outcome, state: { ...work, result } };
}

function specOf({ spec: written }: Work): Spec {
  return had(written, "specification");
}

function testsOf({ tests: frozen }: Work): FrozenTests {
  return had(frozen, "tests");
}

function beginningOf({ beginning }: Work): Beginning {
  return had(beginning, "beginning");
}

function mergingOf({ merging }: Work): Merging {
  return had(merging, "merging");
}

function graphOf(work: Work): TaskGraph {
  return {
    packages: work.packages,
    tests: testsOf(work),
    beginning: beginningOf(work),
    frozen: had(work.frozen, "commit of its tests"),
  };
}

function had<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the build has no ${what} yet`);
  return value;
}
