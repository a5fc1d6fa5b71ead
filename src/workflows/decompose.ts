import type { PlannedTask } from "../base/events.ts";
import { runGraph, type Step } from "../base/run-graph.ts";
import { pathConflict } from "../base/safe-path.ts";
import { assignCriteria } from "../agents/assign-criteria.ts";
import { classifyTask } from "../agents/classify-task.ts";
import { afterReply, type Conversation, drawAgain, type Heard, say, tell } from "../agents/converse.ts";
import { fill } from "../agents/fill.ts";
import type { Read } from "../agents/read.ts";
import { orderTasks, readPlan } from "../agents/read-plan.ts";
import { showNumberedSpec, showSpec, type Spec } from "../agents/read-spec.ts";
import { modelFor } from "../agents/roster.ts";
import { startTier } from "../agents/start-tier.ts";
import { roleFor } from "../agents/team.ts";
import { passRates } from "../store/task-results.ts";
import { insertTasks } from "../store/tasks.ts";
import { isTestFile, type Language, scaffold } from "../tools/language.ts";
import { DECOMPOSE_GRAPH, type DecomposeNode } from "./decompose-graph.ts";
import { type ExistingFiles, existingFiles } from "./repository.ts";
import { isDeterministic } from "./is-deterministic.ts";
import { LEADING_TIER, type Strand } from "./strand.ts";

/** A task with what it is told of the specification. */
export type WorkPackage = {
  readonly task: PlannedTask;
  /** The part of the specification that is the task's. */
  readonly spec: Spec;
  /** That part, as its tester and its developer are shown it. */
  readonly shown: string;
  /** The task as they are told of it: under the name that its model gave it. */
  readonly calledAs: string;
};

export type Decomposed =
  | { readonly kind: "ready"; readonly packages: readonly WorkPackage[] }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "limit" };

/** What the tech lead is asked about: the whole specification, or a part that is one task. */
type Question = { readonly spec: Spec; readonly name: string; readonly part: boolean };

const MOST_STEPS = 50;

/**
 * Specification → tasks in an order that respects their dependencies, by the graph `DECOMPOSE_GRAPH`.
 *
 * `parts`: what a model of a closed domain was given one at a time; each becomes one task.
 */
export async function decompose(strand: Strand, spec: Spec, parts: readonly Spec[]): Promise<Decomposed> {
  const packages: WorkPackage[] = [];
  const questions =
    parts.length === 0
      ? [{ spec, name: "plan", part: false }]
      : parts.map((part, index) => ({
          spec: part,
          name: parts.length === 1 ? "plan" : `plan/${index + 1}`,
          part: true,
        }));
  let covered = 0;
  for (const question of questions) {
    const plan = await draftPlan(strand, question);
    if (plan.kind !== "ready") return plan;
    const { tasks } = plan;
    packages.push(
      ...(question.part ? partPackages(question.spec, tasks, { covered, of: parts.length }) : packagesOf(spec, tasks)),
    );
    covered += question.spec.criteria.length;
  }
  const conflict = pathConflict(packages.flatMap(({ task }) => task.files));
  if (conflict !== undefined) return { kind: "failed", why: `the tech lead's plan can't be used: ${conflict}` };
  const { deps, id: buildId } = strand.build;
  const tasks = packages.map(({ task }) => task);
  await strand.once("plan made", async (trx) => {
    await insertTasks(trx, { buildId, tasks, at: deps.journal.now() });
    return { result: null, events: [{ type: "plan-made", tasks }] };
  });
  return { kind: "ready", packages };
}

/** A task of a part covers the part's criteria, under the numbers they have in the whole. */
function partPackages(
  spec: Spec,
  tasks: readonly PlannedTask[],
  { covered, of }: { readonly covered: number; readonly of: number },
): readonly WorkPackage[] {
  return tasks.map((task) => {
    const covers = spec.criteria.map((_, index) => covered + index + 1);
    // The model calls each of them by the same name.
    const id = of === 1 ? task.id : spec.name;
    return { task: { ...task, id, covers }, spec, shown: showSpec(spec), calledAs: task.id };
  });
}

/** The packages of a plan: each task with its criteria, or with all where it covers none. Pure. */
export function packagesOf(spec: Spec, tasks: readonly PlannedTask[]): readonly WorkPackage[] {
  return tasks.map((task) => {
    const criteria = spec.criteria.filter((_, index) => task.covers.includes(index + 1));
    return {
      task,
      spec: { ...spec, criteria: criteria.length === 0 ? spec.criteria : criteria },
      shown: tasks.length === 1 ? showSpec(spec) : showNumberedSpec(spec, task.covers),
      calledAs: task.id,
    };
  });
}

type Plan =
  | { readonly kind: "ready"; readonly tasks: readonly PlannedTask[] }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "limit" };

type Drafting = {
  readonly conversation: Conversation;
  readonly last: Heard<readonly PlannedTask[]> | undefined;
  readonly attempt: number;
  readonly told: boolean;
  readonly tasks: readonly PlannedTask[];
};

async function draftPlan(strand: Strand, question: Question): Promise<Plan> {
  const { team, roster } = strand.build.request;
  const role = roleFor(team, "tech-lead", LEADING_TIER);
  const { spec, name, part } = question;
  const content = fill(role.user, {
    spec: part || spec.criteria.length === 0 ? showSpec(spec) : showNumberedSpec(spec),
    map: strand.build.repositoryMap,
    rules: strand.build.rules,
    language: strand.build.adviceFor(strand.build.languageOf(spec), "developer"),
  });
  const existing = await existingFiles(strand);
  const reader = (reply: string): Read<readonly PlannedTask[]> => readPlanFor(strand, { ...question, existing }, reply);
  const draft = async (drafting: Drafting): Promise<Step<Drafting>> => {
    const last = await strand.withinLimit(() => strand.hear(drafting.conversation, reader));
    if (last === undefined) return { on: "limit", state: drafting };
    return { on: "drafted", state: { ...drafting, last, conversation: last.conversation } };
  };
  const opened = strand.open({ role, source: modelFor(roster, role, LEADING_TIER), task: "plan", name });
  const { end, state } = await runGraph<DecomposeNode, Drafting>(
    {
      graph: DECOMPOSE_GRAPH,
      work: {
        draft,
        validate: async (drafting) => ({ on: verdictOn(drafting), state: drafting }),
        repair: (drafting) => draft(repaired(drafting)),
        classify: async (drafting) => ({
          on: "classified",
          state: { ...drafting, tasks: await classify(strand, question, drafting) },
        }),
      },
      taken: (edge) => strand.took(DECOMPOSE_GRAPH.name, "plan", edge),
      mostSteps: MOST_STEPS,
    },
    { conversation: say(opened, content), last: undefined, attempt: 1, told: false, tasks: [] },
  );
  if (end === "stopped") return { kind: "limit" };
  if (end === "ready") return { kind: "ready", tasks: state.tasks };
  const read = state.last?.read;
  return {
    kind: "failed",
    why: `the tech lead's plan can't be used: ${read?.ok === false ? read.why : "there is none"}`,
  };
}

function verdictOn({ last, attempt, told }: Drafting): "valid" | "invalid" | "give-up" {
  if (last === undefined) throw new Error("a plan is read before there is one");
  const next = afterReply(last, { attempt, told });
  return next === "ok" ? "valid" : next === "give-up" ? "give-up" : "invalid";
}

function repaired({ last, attempt, told, ...rest }: Drafting): Drafting {
  if (last === undefined) throw new Error("a plan is repaired before there is one");
  const telling = afterReply(last, { attempt, told }) === "tell";
  const conversation = telling ? tell(last) : drawAgain(last);
  return { ...rest, last, conversation, attempt: attempt + 1, told: told || telling };
}

/** The tasks in order, each with its kind, its criteria, and the tier that it begins at. */
async function classify(
  strand: Strand,
  { spec, name, part }: Question,
  { last }: Drafting,
): Promise<readonly PlannedTask[]> {
  const read = last?.read;
  if (read?.ok !== true) throw new Error("a plan is classified before it is valid");
  const assigned = part ? read.value : assignCriteria(read.value, spec.criteria.length);
  const order = orderTasks(assigned) ?? [];
  const ordered = assigned.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
  const { request, worker } = strand.build;
  // What was learned meanwhile must not change what a replay decides.
  const rates = await strand.once(`${name}/pass rates`, async (trx) => ({
    result: isDeterministic(request) ? [] : await passRates(trx, worker),
    events: [],
  }));
  return ordered.map((task) => {
    const { kind, tier } = classifyTask(task);
    // A model of a closed domain was trained on the words it is shown.
    if (part) return { ...task, kind };
    return { ...task, kind, tier: startTier({ kind, tier }, rates, request).tier };
  });
}

function readPlanFor(
  strand: Strand,
  { spec, part, existing }: Question & { readonly existing: ExistingFiles },
  reply: string,
): Read<readonly PlannedTask[]> {
  const plan = readPlan(reply, spec.criteria.length);
  if (!plan.ok) return plan;
  const language = strand.build.languageOf(spec);
  const problem =
    planProblem(
      {
        language,
        languages: strand.build.request.languages,
        existing,
        isNew: strand.build.repository === undefined,
        part,
      },
      plan.value,
    ) ?? (part ? partProblem(language, spec, plan.value) : undefined);
  return problem === undefined ? plan : { ok: false, why: problem };
}

/** Why the files of a plan can't be those of tasks. Pure. */
export function planProblem(
  {
    language,
    languages,
    existing,
    isNew,
    part,
  }: {
    readonly language: Language;
    /** Every language that is known. */
    readonly languages: readonly Language[];
    readonly existing: Pick<ExistingFiles, "paths" | "texts">;
    readonly isNew: boolean;
    readonly part: boolean;
  },
  tasks: readonly PlannedTask[],
): string | undefined {
  const files = tasks.flatMap((task) => task.files);
  // A repository may have tests in another language than the goal's.
  const testFile = files.find((file) => [language, ...languages].some((known) => isTestFile(known, file)));
  if (testFile !== undefined) return `${testFile} is a test file; tests are not a task`;
  // A model of a closed domain is not shown what there is.
  const there = part ? files.find((file) => existing.paths.has(file)) : undefined;
  if (there !== undefined) return `${there} is there already`;
  const odd = files.find((file) => existing.paths.has(file) && !existing.texts.has(file));
  if (odd !== undefined) return `${odd} is a link or no text; it stays as it is`;
  const own = isNew ? scaffold(language, "name", "").map(({ path }) => path) : [];
  const taken = files.find((file) => own.includes(file));
  if (taken !== undefined) return `${taken} is written by ATOS itself; it is not a task's`;
  return pathConflict([...files, ...own, ...existing.paths]);
}

/** A part of a closed domain is one function in one file: a plan that says otherwise has lost its way. */
function partProblem(language: Language, spec: Spec, tasks: readonly PlannedTask[]): string | undefined {
  const file = `${spec.name}${language.endings[0] ?? ""}`;
  const [task] = tasks;
  if (tasks.length === 1 && task?.files.join() === file && task.description.includes(`${spec.name}(`)) return undefined;
  return `it is not one task that writes ${spec.name} in ${file}`;
}
