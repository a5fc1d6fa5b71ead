import { z } from "zod";
import { AtosError, EXIT } from "../base/errors.ts";
import type { BuildEvent } from "../base/events.ts";
import type { Spec } from "../agents/read-spec.ts";
import { allBuildEvents } from "../journal/build-events.ts";
import { findRecorded } from "../journal/record-once.ts";
import { lastSeq } from "../store/events.ts";
import { replaceTasks } from "../store/tasks.ts";
import { putQuestion, waitForAnswer } from "../tools/gate/put-question.ts";
import { packagesOf, type WorkPackage } from "./decompose.ts";
import { type Beginning, checkTests, freeze, type FrozenTests } from "./freeze-tests.ts";
import { PLAN_TOOL } from "./limits.ts";
import { bindPlan, type PlanEdit, planEditSchema, type ShownPlan, shownPlanSchema } from "./plan-question.ts";
import { type EditedPlan, readPlanEdit, type Standing } from "./read-plan-edit.ts";
import { existingFiles } from "./repository.ts";
import type { Strand } from "./strand.ts";

/** Where the asking stands. */
export type Asking = {
  /** The question that is next, from 1. */
  readonly round: number;
  /** Whether a change was taken over. */
  readonly edited: boolean;
  /** The last change, where it could not be used. */
  readonly rejected?: { readonly why: string; readonly edit: PlanEdit };
};
export const FIRST_ASKING: Asking = { round: 1, edited: false };

export type Looked = {
  readonly spec: Spec;
  readonly packages: readonly WorkPackage[];
  readonly tests: FrozenTests;
  readonly beginning: Beginning;
  readonly asking: Asking;
};

/** Who has looked at plan and tests before there was code. `resumed`: they were shown alone, and then gone on with. */
export type Reviewed = "accepted" | "edited" | "resumed" | "not asked";

export type PlanAnswer = Omit<Looked, "beginning"> & {
  readonly on: "accepted" | "edited" | "stopped";
  readonly reviewed: Reviewed;
  /** Of a stop: who said so, in words. */
  readonly why: string;
};

const MAX_EDITS = 10;
/** Where the setting is not recorded. */
const EXPIRES_MS = 24 * 3_600_000;

const answerSchema = z.discriminatedUnion("on", [
  z.object({ on: z.literal("accepted") }),
  z.object({ on: z.literal("stopped"), why: z.string() }),
  z.object({ on: z.literal("edited"), edit: planEditSchema }),
]);
type Answer = z.infer<typeof answerSchema>;

/**
 * Shows a person the plan and the tests, where one is to be asked, and waits for the answer. What a person has changed
 * is asked about once more, and so is what could not be used of it.
 *
 * The time until the answer is not the build's.
 *
 * @throws {AtosError} `workflows/plan-not-answered`: the build is parked, and a resume asks again.
 */
export async function askPlan(limited: Strand, looked: Looked): Promise<PlanAnswer> {
  const strand = limited.unlimited();
  const { build } = strand;
  const { round, edited } = looked.asking;
  const name = `ask/${round}`;
  const { beginning, ...rest } = looked;
  const same = { ...rest, reviewed: edited ? "edited" : "not asked", why: "" } as const;
  const step = { buildId: build.id, name: `${name}/answer` };
  const recorded = await findRecorded(strand.deps.journal, step, answerSchema);
  // A fork may have the answer that its build was given, with nobody there to ask.
  if (recorded === undefined && !build.request.askPlan) return { ...same, on: "accepted" };
  // What was told before belongs in front of the question.
  await strand.record(name);
  const found = recorded ?? (await answerOf(strand, name, shownPlan(looked)));
  const tasks = looked.packages.map(({ task }) => task);
  const answer = await strand.once(step.name, async (trx) => {
    // A fork begins with the tasks that its build came to in the end.
    if (found.on === "accepted") await replaceTasks(trx, { buildId: build.id, tasks, at: build.deps.journal.now() });
    return { result: found, events: [] };
  });
  if (answer.on === "accepted") return { ...same, on: "accepted", reviewed: edited ? "edited" : "accepted" };
  if (answer.on === "stopped") return { ...same, on: "stopped", why: answer.why };
  if (round > MAX_EDITS)
    return { ...same, on: "stopped", why: `the plan was changed more than ${MAX_EDITS} times without being accepted` };
  return { ...same, on: "edited", ...(await takeOver(strand, { looked, beginning, edit: answer.edit, name })) };
}

/**
 * Parks a build of which only the plan was asked for, once; a resume goes on. Returns whether there was one.
 *
 * @throws {AtosError} `workflows/plan-only`, with the exit code 0.
 */
export async function parkPlanOnly(strand: Strand, looked: Looked): Promise<boolean> {
  const { id: buildId, request, deps } = strand.build;
  if (!request.planOnly) return false;
  const { seq } = await strand.once(PLAN_ONLY_STEP, async (trx) => {
    const result: PlanOnly = { seq: await lastSeq(trx, buildId), plan: shownPlan(looked) };
    return { result, events: [] };
  });
  const later = (await allBuildEvents(deps.journal.db, buildId)).filter((recorded) => recorded.seq > seq);
  // A crash before it was parked is no resume.
  if (later.some(({ event }) => event.type === "build-resumed")) return true;
  throw new AtosError("workflows/plan-only", `the plan and its tests stand; go on: atos resume ${buildId}`, {
    exitCode: EXIT.done,
  });
}

/** The step that a build is parked at of which only the plan was asked for, and what it leaves. */
export const PLAN_ONLY_STEP = "plan only";
export const planOnlySchema = z.object({ seq: z.int(), plan: shownPlanSchema });
type PlanOnly = z.infer<typeof planOnlySchema>;

function shownPlan({ spec, packages, tests, asking: { round, rejected } }: Looked): ShownPlan {
  const { name, language, summary, criteria } = spec;
  return {
    kind: "plan",
    round,
    editsLeft: Math.max(0, MAX_EDITS + 1 - round),
    spec: { name, language, summary, criteria },
    tasks: packages.map(({ task: { id, tier, files, after, description, covers, kind } }) => {
      return { id, tier, files, after, description, covers, kind };
    }),
    tests: tests.tasks.flatMap(({ task, files }) => files.map(({ path, content }) => ({ task, path, content }))),
    ...(rejected === undefined ? {} : { rejected }),
  };
}

async function answerOf(strand: Strand, step: string, shown: ShownPlan): Promise<Answer> {
  const { id: buildId, request, deps } = strand.build;
  const expiresMs = request.approvalExpiresMs ?? EXPIRES_MS;
  using _notSpent = strand.build.limits.waiting();
  const { callId, hash } = bindPlan(buildId, shown);
  const words = { text: textOf(shown), notice: noticeOf(shown) };
  const question = { buildId, task: "plan", step, callId, tool: PLAN_TOOL, shown, hash, ...words };
  const asking = { ...deps.journal, expiresMs, ...(deps.notify && { notify: deps.notify }) };
  const { id } = await putQuestion(asking, { ...question, reopens: true }, strand.signal);
  const { state, answer, reason } = await waitForAnswer(deps.journal, id, strand.signal);
  if (state === "denied")
    return { on: "stopped", why: `stopped by a person${reason === undefined ? "" : `: ${reason}`}` };
  if (state === "approved")
    return answer === null ? { on: "accepted" } : { on: "edited", edit: planEditSchema.parse(answer) };
  throw new AtosError(
    "workflows/plan-not-answered",
    `nobody answered within ${expiresMs / 60_000} minutes whether the plan and its tests are right; atos resume ${buildId} asks again`,
    { exitCode: EXIT.interrupted },
  );
}

function textOf({ tasks, tests, rejected }: ShownPlan): string {
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? "" : "s"}`;
  const text = `whether this plan is right: ${count(tasks.length, "task")}, ${count(tests.length, "test file")}`;
  return rejected === undefined ? text : `${text}\nwhat was changed can't be used: ${rejected.why}`;
}

/** Enough to know what is asked; whole files stay here. */
function noticeOf({ kind, round, spec, tasks, tests }: ShownPlan): object {
  return {
    kind,
    round,
    spec,
    tasks: tasks.map(({ id, tier, files, after }) => ({ id, tier, files, after })),
    tests: tests.map(({ task, path }) => ({ task, path })),
  };
}

type Edit = {
  readonly looked: Looked;
  readonly beginning: Beginning;
  readonly edit: PlanEdit;
  readonly name: string;
};

/** A person's change: taken over whole, or not at all. */
async function takeOver(
  strand: Strand,
  { looked, beginning, edit, name }: Edit,
): Promise<Pick<PlanAnswer, "spec" | "packages" | "tests" | "asking">> {
  const { build } = strand;
  const closedDomain = build.request.domain !== undefined;
  const { spec, packages, tests, asking } = looked;
  const round = asking.round + 1;
  const reject = (why: string): Pick<PlanAnswer, "spec" | "packages" | "tests" | "asking"> => {
    return { spec, packages, tests, asking: { round, edited: asking.edited, rejected: { why, edit } } };
  };
  const standing: Standing = {
    ...shownPlan(looked),
    spec,
    language: beginning.language,
    isNew: build.request.repository === undefined,
    languages: build.request.languages,
    closedDomain,
    existing: await existingFiles(strand),
  };
  const read = readPlanEdit(edit, standing);
  if (!read.ok) return reject(read.why);
  const problem = await redProblem(strand, read.value, { looked, beginning, name });
  if (problem !== undefined) return reject(problem);
  const { spec: changed, tasks } = read.value;
  const { name: title, language, criteria } = changed;
  await strand.once(`${name}/plan made`, async (trx) => {
    await replaceTasks(trx, { buildId: build.id, tasks, at: build.deps.journal.now() });
    const written: BuildEvent = { type: "spec-written", name: title, language, criteria };
    return { result: null, events: [...(changed === spec ? [] : [written]), { type: "plan-made", tasks }] };
  });
  build.foreseeTasks(tasks);
  return {
    spec: changed,
    // In a closed domain spec and plan are the same, each package with the words of its own part.
    packages: closedDomain ? packages : packagesOf(changed, tasks),
    tests: await freeze(strand, { tasks: read.value.tests, beginning, name: `${name}/tests frozen` }),
    asking: { round, edited: true },
  };
}

/** What is wrong with tests that a person has changed, by the same check as those that were drafted. */
async function redProblem(
  strand: Strand,
  { tests }: EditedPlan,
  { looked, beginning, name }: Omit<Edit, "edit">,
): Promise<string | undefined> {
  const before = new Map(looked.tests.tasks.map(({ task, files }) => [task, JSON.stringify(contentsOf(files))]));
  const changed = tests.filter(({ task, files }) => before.get(task) !== JSON.stringify(contentsOf(files)));
  const problems = await strand.build.sideBySide(strand, changed, (own, { task, files }) =>
    checkTests(own, { files, beginning, name: `${name}/check-${task}` }),
  );
  const index = problems.findIndex((problem) => problem !== undefined);
  return index === -1 ? undefined : `the tests of ${changed[index]?.task ?? ""}: ${problems[index] ?? ""}`;
}

function contentsOf(files: readonly { readonly path: string; readonly content: string }[]): readonly unknown[] {
  return files.map(({ path, content }) => [path, content]);
}
