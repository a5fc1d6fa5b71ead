import type { PlannedTask } from "../base/events.ts";
import { readFileBlocks, showFile } from "../agents/file-blocks.ts";
import { fill } from "../agents/prompt-set.ts";
import type { Read } from "../agents/read.ts";
import { showTask } from "../agents/read-plan.ts";
import { type Review, readReview } from "../agents/read-review.ts";
import { showSpec, type Spec } from "../agents/read-spec.ts";
import type { WorkspaceFile } from "../journal/workspaces.ts";
import { explainFailure, explainSyntax } from "../tools/explain-failure.ts";
import type { BuildRun } from "./build-run.ts";
import { type CheckResult, checkCode } from "./check-code.ts";
import type { FrozenTests } from "./freeze-tests.ts";

export type TaskJob = {
  readonly spec: Spec;
  readonly task: PlannedTask;
  readonly tests: FrozenTests;
  /** The tree to start from: what earlier tasks left. */
  readonly tree: string;
  /** The last task makes the acceptance tests pass; an earlier one can only be parsed, as others still miss. */
  readonly last: boolean;
  /** Files this task may write: its own, and for the last task all of the plan's. */
  readonly mayWrite: ReadonlySet<string>;
};

export type TaskOutcome = {
  readonly green: boolean;
  readonly why: string;
  readonly tree: string;
  readonly review: Review | undefined;
};

/**
 * One task: code, check, and at most `maxFixRounds` rounds of fixing what a check or the
 * reviewer found. The bound is the build's, and every round is a recorded turn.
 *
 * A tree that passed is kept when a later round, asked for by the reviewer, makes it worse.
 */
export async function runTask(build: BuildRun, job: TaskJob): Promise<TaskOutcome> {
  const { task, spec } = job;
  const { prompts, maxFixRounds } = build.request;
  const prompt = prompts["developer"];
  const tests = job.tests.files.map((file) => showFile(file, spec.language)).join("\n\n");
  let conversation = build.open("developer", { task: task.id, tier: task.tier, name: `tasks/${task.id}` });
  let content = fill(prompt.user, { spec: showSpec(spec), task: showTask(task), tests });
  let passed: TaskOutcome | undefined;
  let tree = job.tree;
  for (let round = 0; ; round++) {
    const answer = await build.ask(conversation, content, (reply) => readCode(job, reply));
    if (!answer.read.ok)
      return (
        passed ?? {
          green: false,
          why: `the developer's code can't be used: ${answer.read.why}`,
          tree,
          review: undefined,
        }
      );
    tree = await build.deps.workspaces.write(answer.read.value, tree);
    const result = await checkCode(build, {
      name: `tasks/${task.id}/check-${round + 1}`,
      task: task.id,
      tree,
      language: spec.language,
    });
    let failure = failureOf(result, job.last);
    if (failure === undefined) {
      const review = await reviewTask(build, job, { tree, result, round });
      passed = { green: true, why: "its checks pass", tree, review };
      if (review?.verdict !== "revise") return passed;
      failure = review.findings.join("\n") || `the reviewer gave ${review.score} of 10`;
    }
    if (prompt.failure === undefined || round >= maxFixRounds) {
      return (
        passed ?? {
          green: false,
          why: `still red after ${round} fix rounds: ${failure.split("\n")[0] ?? ""}`,
          tree,
          review: undefined,
        }
      );
    }
    conversation = answer.conversation;
    content = fill(prompt.failure, { failure });
  }
}

/** Undefined when the check is good enough to go on. */
function failureOf({ check }: CheckResult, last: boolean): string | undefined {
  if (check.kind === "syntax") return explainSyntax(check.problems);
  return check.run.green || !last ? undefined : explainFailure(check.run);
}

function readCode(job: TaskJob, reply: string): Read<readonly WorkspaceFile[]> {
  const read = readFileBlocks(reply);
  if (!read.ok) return read;
  const frozen = new Set(job.tests.files.map((file) => file.path));
  // A model that shows the tests again has not changed them: the frozen ones stay.
  const files = read.value.filter((file) => !frozen.has(file.path));
  const foreign = files.find((file) => !job.mayWrite.has(file.path));
  if (foreign !== undefined)
    return { ok: false, why: `${foreign.path} is not a file of this task; its files are ${job.task.files.join(", ")}` };
  if (files.length === 0)
    return { ok: false, why: `none of the task's files was written; its files are ${job.task.files.join(", ")}` };
  return { ok: true, value: files };
}

async function reviewTask(
  build: BuildRun,
  job: TaskJob,
  { tree, result, round }: { tree: string; result: CheckResult; round: number },
): Promise<Review | undefined> {
  const { task, spec } = job;
  const present = new Set(await build.deps.workspaces.list(tree));
  const paths = (job.last ? [...job.mayWrite] : task.files).filter((path) => present.has(path));
  const files = await Promise.all(
    paths.map(async (path) => showFile({ path, content: await build.deps.workspaces.read(tree, path) }, spec.language)),
  );
  // A conversation of its own each time: the reviewer judges what is there, not what it said before.
  const conversation = build.open("reviewer", {
    task: task.id,
    tier: task.tier,
    name: `tasks/${task.id}/review-${round + 1}`,
  });
  const content = fill(build.request.prompts["reviewer"].user, {
    spec: showSpec(spec),
    files: files.join("\n\n"),
    results: resultsOf(result, job.last),
  });
  const { read } = await build.ask(conversation, content, readReview);
  if (!read.ok) return undefined;
  const { score, verdict, findings } = read.value;
  await build.record(`tasks/${task.id}/reviewed-${round + 1}`, {
    type: "reviewed",
    task: task.id,
    score,
    verdict,
    findings,
  });
  return read.value;
}

function resultsOf({ check }: CheckResult, last: boolean): string {
  if (!last || check.kind === "syntax") return "TESTS: not run yet, other tasks come first";
  const passed = check.run.tests.filter((test) => test.outcome === "passed").length;
  return `TESTS: ${passed} passed, ${check.run.tests.length - passed} failed`;
}
