import { runGraph, type Step } from "../base/run-graph.ts";
import { TASK_TIERS, type TaskTier } from "../base/task.ts";
import { fill } from "../agents/fill.ts";
import type { Review } from "../agents/read-review.ts";
import { nextTier } from "../agents/roster.ts";
import { showTask } from "../agents/show-task.ts";
import { explainFailure, explainFailureAt, explainSyntax, failureKey, syntaxKey } from "../tools/explain-failure.ts";
import type { BuildRequest } from "./build-request.ts";
import { parseTree, testOwn, testTree } from "./check-code.ts";
import { keepLineEnds } from "./describe-project.ts";
import { readWritten } from "./read-written.ts";
import { recordTier, type TierEnd } from "./record-tier.ts";
import { reviewTask } from "./review-task.ts";
import type { Strand } from "./strand.ts";
import { reflect, TASK_GRAPH, type TaskNode } from "./task-graph.ts";
import { failed, stepOf, type TaskJob, type TaskWork, workerAt } from "./task-work.ts";
import { writeWithTools } from "./write-with-tools.ts";

export type TaskOutcome = {
  readonly kind: "green" | "red" | "stopped";
  readonly why: string;
  readonly tree: string;
  readonly review: Review | undefined;
  readonly tier: TaskTier;
  readonly model: string;
  /** Over all tiers. */
  readonly samples: number;
  readonly rounds: number;
};

/** More than all tiers with all their samples and rounds can take: its own bounds end the graph. */
function mostSteps({ samples, rounds }: BuildRequest["bounds"]): number {
  const most = Math.max(0, ...Object.values(rounds));
  return TASK_TIERS.length * samples * (10 + 5 * most);
}

/**
 * One task by the graph `TASK_GRAPH`. What was best is delivered also when it is red.
 *
 * Every turn, parse and test run is a recorded step; everything in between is decided from what they gave.
 */
export async function runTask(strand: Strand, job: TaskJob): Promise<TaskOutcome> {
  const start: TaskWork = {
    tier: job.task.tier,
    sample: 1,
    rounds: 0,
    failure: undefined,
    before: undefined,
    passed: false,
    tried: [],
    handedOver: [],
    tree: job.base,
    conversation: undefined,
    content: [],
    agent: undefined,
    run: undefined,
    review: undefined,
    kept: undefined,
    best: undefined,
    checks: 0,
    allSamples: 1,
    allRounds: 0,
    tierRounds: 0,
  };
  const limited =
    (work: (state: TaskWork) => Promise<Step<TaskWork>>) =>
    async (state: TaskWork): Promise<Step<TaskWork>> =>
      (await strand.withinLimit(() => work(state))) ?? { on: "limit", state };
  const { end, state } = await runGraph<TaskNode, TaskWork>(
    {
      graph: TASK_GRAPH,
      work: {
        context: async (work) => ({ on: "ready", state: openTask(strand, job, work) }),
        write: limited((work) => write(strand, job, work)),
        syntax: limited((work) => parse(strand, job, work)),
        test: limited((work) => test(strand, job, work)),
        reflect: async (work) => ({ on: reflection(strand, job, work), state: work }),
        fix: limited((work) => write(strand, job, oneRoundMore(work))),
        resample: async (work) => ({ on: "again", state: again(work) }),
        escalate: (work) => escalate(strand, job, work),
        review: limited((work) => reviewTask(strand, job, work)),
      },
      taken: (edge) => strand.took(TASK_GRAPH.name, job.task.id, edge),
      mostSteps: mostSteps(strand.build.request.bounds),
    },
    start,
  );
  const outcome = outcomeOf(strand, job, { end, state });
  // Of what was stopped nobody knows what would have become.
  if (outcome.kind !== "stopped")
    await recordTier(strand, tierEnd(strand, job, { work: state, green: outcome.kind === "green" }));
  return outcome;
}

function outcomeOf(
  strand: Strand,
  job: TaskJob,
  { end, state }: { readonly end: TaskNode; readonly state: TaskWork },
): TaskOutcome {
  const { kept, failure, tier } = state;
  const made = {
    tier,
    model: workerAt(strand, job, tier).source.id,
    samples: state.allSamples,
    rounds: state.allRounds,
  };
  // What passed before the limit came has passed.
  if (end === "done" || (end === "stopped" && kept !== undefined)) {
    const tree = kept?.tree ?? state.tree;
    return { ...made, kind: "green", why: "its tests pass", tree, review: kept?.review };
  }
  const rest = { ...made, tree: kept?.tree ?? state.best?.tree ?? state.tree, review: undefined };
  if (end === "stopped") return { ...rest, kind: "stopped", why: "the build's limit was reached before it was done" };
  const said = failure?.text.split("\n")[0] ?? "";
  const spent = `${count(made.samples, "sample")} and ${count(made.rounds, "repair")}`;
  return { ...rest, kind: "red", why: `still red after ${spent}: ${said}` };
}

function openTask(strand: Strand, job: TaskJob, work: TaskWork): TaskWork {
  const { task, shown, values } = job;
  const { role, source } = workerAt(strand, job, work.tier);
  const name = `tasks/${task.id}/${work.tier}-${work.sample}`;
  const content = fill(role.user, {
    ...values,
    spec: shown,
    task: showTask({ ...task, id: job.calledAs, tier: work.tier }),
    tried: work.handedOver.join("\n"),
  });
  const conversation = strand.open({ role, source, task: task.id, name, drawn: work.sample - 1 });
  return { ...work, ...FRESH, tree: job.base, conversation, content };
}

function tierEnd(strand: Strand, job: TaskJob, { work, green }: { work: TaskWork; green: boolean }): TierEnd {
  const { tier, sample: samples, tierRounds: rounds } = work;
  return { task: job.task, tier, model: workerAt(strand, job, tier).source.id, green, samples, rounds };
}

/** A sample begins with nothing. */
const FRESH = {
  agent: undefined,
  rounds: 0,
  failure: undefined,
  before: undefined,
  passed: false,
  kept: undefined,
  checks: 0,
} as const;

async function write(strand: Strand, job: TaskJob, work: TaskWork): Promise<Step<TaskWork>> {
  const { conversation, content } = work;
  if (conversation === undefined) throw new Error(`task ${job.task.id} is written before it is opened`);
  strand.build.foreseeCode(job.task.id, false);
  if (conversation.prompt.tools.length > 0) return writeWithTools(strand, job, work);
  const answer = await strand.ask(conversation, content, (reply) => readWritten(job, reply));
  const said = { ...work, conversation: answer.conversation };
  if (!answer.read.ok) {
    const { why } = answer.read;
    return { on: "unusable", state: failed(said, { failing: undefined, key: why, text: why }) };
  }
  const { repository, deps } = strand.build;
  const written = answer.read.value;
  const before = repository === undefined ? [] : await strand.texts(repository.tree, [...job.mayWrite]);
  const tree = await deps.workspaces.write(keepLineEnds(written, before), work.tree);
  const step = `${answer.conversation.name}/turn-${answer.conversation.turns}`;
  strand.tell({ type: "files-written", step, task: job.task.id, from: work.tree, tree });
  return { on: "files", state: { ...said, tree } };
}

async function parse(strand: Strand, job: TaskJob, work: TaskWork): Promise<Step<TaskWork>> {
  const checks = work.checks + 1;
  const problems = await parseTree(strand, {
    ...checkOf(job, work),
    name: `${stepOf(job, work)}/parse-${checks}`,
  });
  if (problems.length === 0) return { on: "parses", state: { ...work, checks } };
  const failure = { failing: problems.length, key: syntaxKey(problems), text: explainSyntax(problems) };
  return { on: "broken", state: failed({ ...work, checks, run: undefined }, failure) };
}

async function test(strand: Strand, job: TaskJob, work: TaskWork): Promise<Step<TaskWork>> {
  const { checks, tree, tier } = work;
  const request = { ...checkOf(job, work), name: `${stepOf(job, work)}/test-${checks}` };
  const asked = job.tests.length === 0 ? undefined : await testTree(strand, request, job.tests);
  // What the repository's own tests say counts as much, once the task does what it is for.
  const own = asked?.green === false ? undefined : await testOwn(strand, { ...request, name: `${request.name}/own` });
  const run = own?.green === false ? own : asked;
  if (run === undefined || run.green) {
    strand.build.foreseeCode(job.task.id, true);
    return { on: "green", state: { ...work, run } };
  }
  const failing = run.tests.filter(({ outcome }) => outcome !== "passed").length;
  const shown = run === own ? strand.build.greenTests?.files : [...job.mayWrite];
  const text =
    strand.build.request.domain === undefined
      ? explainFailureAt(run, await strand.texts(tree, shown))
      : explainFailure(run);
  const told = run === own ? `a test that the project had before fails now: ${text}` : text;
  const best = work.best === undefined || failing < work.best.failing ? { tree, failing, tier } : work.best;
  return { on: "red", state: failed({ ...work, run, best }, { failing, key: failureKey(run), text: told }) };
}

function reflection(strand: Strand, job: TaskJob, work: TaskWork): string {
  const { request } = strand.build;
  const { rounds } = workerAt(strand, job, work.tier);
  const next = nextTier(request.roster, request.team, work.tier);
  return reflect(work, { rounds, samples: request.bounds.samples, next });
}

function oneRoundMore(work: TaskWork): TaskWork {
  const { rounds, tierRounds, allRounds } = work;
  return { ...work, rounds: rounds + 1, tierRounds: tierRounds + 1, allRounds: allRounds + 1 };
}

function again(work: TaskWork): TaskWork {
  const tried = [...work.tried, summaryOf(work)];
  return { ...work, tried, sample: work.sample + 1, allSamples: work.allSamples + 1 };
}

async function escalate(strand: Strand, job: TaskJob, work: TaskWork): Promise<Step<TaskWork>> {
  const { request } = strand.build;
  await recordTier(strand, tierEnd(strand, job, { work, green: false }));
  const tier = nextTier(request.roster, request.team, work.tier) ?? work.tier;
  strand.build.foreseeTier(job.task.id, tier);
  const next = again(work);
  return { on: "hand-over", state: { ...next, handedOver: next.tried, tier, sample: 1, tierRounds: 0 } };
}

/** What a sample came to, for a model that goes on from there. */
function summaryOf({ tier, sample, rounds, failure }: TaskWork): string {
  const repaired = rounds === 0 ? "" : ` and ${count(rounds, "repair")}`;
  return `- ${tier} model, try ${sample}${repaired}: ${failure?.text.split("\n").slice(0, 3).join(" ") ?? ""}`;
}

function checkOf({ task, language, otherTests }: TaskJob, { tree }: TaskWork) {
  return { task: task.id, tree, language, without: otherTests };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
