import type { Step } from "../base/run-graph.ts";
import { showFile } from "../agents/file-blocks.ts";
import { fill } from "../agents/fill.ts";
import { mustRevise, readReview, showFinding } from "../agents/read-review.ts";
import { reviewerModel } from "../agents/roster.ts";
import { showTask } from "../agents/show-task.ts";
import { roleFor } from "../agents/team.ts";
import type { TestRun } from "../tools/run-tests.ts";
import type { Strand } from "./strand.ts";
import { failed, stepOf, type TaskJob, type TaskWork, workerAt } from "./task-work.ts";

/** The reviewer judges what passed its tests; what must be fixed goes back while a round is left. */
export async function reviewTask(strand: Strand, job: TaskJob, work: TaskWork): Promise<Step<TaskWork>> {
  const { roster, team } = strand.build.request;
  const role = roleFor(team, "reviewer", work.tier);
  const source = reviewerModel(roster, team, work.tier);
  const files = await strand.texts(work.tree, [...job.mayWrite]);
  // A conversation of its own each time: the reviewer judges what is there, not what it said before.
  const name = `${stepOf(job, work)}/review-${work.checks}`;
  const conversation = strand.open({ role, source, task: job.task.id, name });
  const content = fill(role.user, {
    ...job.values,
    spec: job.shown,
    task: showTask({ ...job.task, id: job.calledAs }),
    files: files.map((file) => showFile(file, job.language.fence)).join("\n\n"),
    results: resultsOf(work.run),
  });
  const { read } = await strand.ask(conversation, content, readReview);
  const said = read.ok ? read.value : undefined;
  if (said !== undefined)
    strand.tell({
      type: "reviewed",
      task: job.task.id,
      score: said.score,
      verdict: said.verdict,
      findings: said.findings.map(showFinding),
    });
  const passed = { ...work, passed: true, review: said, kept: { tree: work.tree, review: said } };
  if (said === undefined || !mustRevise(said)) return { on: "accept", state: passed };
  if (work.rounds >= workerAt(strand, job, work.tier).rounds) return { on: "no-round", state: passed };
  const text = said.findings.map(showFinding).join("\n") || `the reviewer gave ${said.score} of 10`;
  return { on: "revise", state: failed(passed, { failing: 0, key: "review", text }) };
}

function resultsOf(run: TestRun | undefined): string {
  if (run === undefined) return "TESTS: none are this task's";
  const passed = run.tests.filter((one) => one.outcome === "passed").length;
  return `TESTS: ${passed} passed, ${run.tests.length - passed} failed`;
}
