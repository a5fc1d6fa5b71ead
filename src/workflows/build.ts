import { AtosError, EXIT } from "../base/errors.ts";
import type { PlannedTask } from "../base/events.ts";
import type { ModelIdentity } from "../engine/model.ts";
import type { Spec } from "../agents/read-spec.ts";
import type { Review } from "../agents/read-review.ts";
import type { BuildRun } from "./build-run.ts";
import { type BuildResult, finishBuild, type Work } from "./finish-build.ts";
import { freezeTests, type FrozenTests } from "./freeze-tests.ts";
import { makePlan } from "./make-plan.ts";
import { runTask } from "./run-task.ts";
import { writeSpec } from "./write-spec.ts";

export type BuildOutcome =
  | BuildResult
  /** Nothing was built; `exitCode` says whether the wish or the machine would have to change. */
  | { readonly outcome: "refused"; readonly why: string; readonly exitCode: number };

type Commit = { readonly commit: string; readonly tree: string };

/**
 * The build graph: spec → plan → acceptance tests, frozen → tasks in order → verify → deliver.
 *
 * Every way out is a value: green, red with the reason, or refused. What is thrown is no outcome
 * of the work (a server that is down, a full disk, a pause) and leaves the build resumable.
 */
export async function runBuild(build: BuildRun): Promise<BuildOutcome> {
  build.foresee();
  const models = await identifyModels(build).catch((error: unknown) => {
    // Nothing is done yet, so there is nothing to keep and to resume: the build ends here.
    if (error instanceof AtosError && error.exitCode !== EXIT.failed) return error;
    throw error;
  });
  if (models instanceof AtosError) return { outcome: "refused", why: models.message, exitCode: models.exitCode };
  const spec = await writeSpec(build);
  if (spec.kind === "refused") return { outcome: "refused", why: spec.why, exitCode: EXIT.missing };
  if (spec.kind === "failed") return finishBuild(build, { models, commits: [], stopped: spec.why });
  build.foresee("spec");
  const plan = await makePlan(build, spec.spec);
  if (!plan.ok) return finishBuild(build, { models, spec: spec.spec, commits: [], stopped: plan.why });
  build.foreseeTasks(plan.value);
  const tests = await freezeTests(build, spec.spec, plan.value);
  if (!tests.ok) return finishBuild(build, { models, spec: spec.spec, commits: [], stopped: tests.why });
  build.foresee("tests");
  const frozen = await commit(build, {
    tree: tests.value.tree,
    message: "Acceptance tests, frozen before the code\n",
    parent: undefined,
  });
  const work = await runTasks(build, { spec: spec.spec, tasks: plan.value, tests: tests.value, commits: [frozen] });
  return finishBuild(build, { models, spec: spec.spec, tests: tests.value, ...work });
}

async function runTasks(
  build: BuildRun,
  start: { spec: Spec; tasks: readonly PlannedTask[]; tests: FrozenTests; commits: readonly Commit[] },
): Promise<Pick<Work, "commits" | "review" | "stopped">> {
  const { spec, tasks, tests } = start;
  const commits = [...start.commits];
  const planned = new Set(tasks.flatMap((task) => task.files));
  let review: Review | undefined;
  for (const [index, task] of tasks.entries()) {
    const last = index === tasks.length - 1;
    await build.setTask(task.id, "running");
    const before = commits.at(-1);
    const mayWrite = last ? planned : new Set(task.files);
    const outcome = await runTask(build, { spec, task, tests, tree: before?.tree ?? tests.tree, last, mayWrite });
    // A red task's work is committed too: it is delivered as what it is.
    if (outcome.tree !== before?.tree)
      commits.push(
        await commit(build, { tree: outcome.tree, message: `${task.description}\n`, parent: before?.commit }),
      );
    review = outcome.review ?? review;
    await build.setTask(task.id, outcome.green ? "green" : "red", outcome.green ? undefined : outcome.why);
    build.foresee(`tasks/${task.id}`);
    if (!outcome.green) {
      for (const skipped of tasks.slice(index + 1)) await build.setTask(skipped.id, "skipped", `${task.id} is red`);
      return { commits, review, stopped: `task ${task.id}: ${outcome.why}` };
    }
  }
  return { commits, review };
}

async function commit(
  build: BuildRun,
  { tree, message, parent }: { tree: string; message: string; parent: string | undefined },
): Promise<Commit> {
  const parents = parent === undefined ? [] : [parent];
  const made = await build.deps.workspaces.commit({ tree, parents, message, at: new Date(build.request.createdAtMs) });
  await build.record(`commit ${made.slice(0, 12)}`, { type: "committed", commit: made, tree });
  return { commit: made, tree };
}

/** First of all, so that the receipt names the very files that were used. */
async function identifyModels(build: BuildRun): Promise<readonly ModelIdentity[]> {
  const { roster, goal, unsafe } = build.request;
  return build.effect(
    { name: "start", kind: "workspace", task: "start", input: { models: roster.models } },
    async () => {
      const sandbox = await build.deps.openSandbox(unsafe);
      const models = await Promise.all(roster.models.map((source) => build.deps.identify(source)));
      await build.tryFirstModel();
      return {
        result: models,
        events: [{ type: "build-started", goal, models: models.map((model) => model.id), sandbox: sandbox.level }],
      };
    },
  );
}
