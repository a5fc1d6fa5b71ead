import type { PlannedTask } from "../base/events.ts";
import { pathConflict } from "../base/safe-path.ts";
import { assignCriteria } from "../agents/assign-criteria.ts";
import { classifyTask } from "../agents/classify-task.ts";
import type { Read } from "../agents/read.ts";
import { orderTasks, readPlan } from "../agents/read-plan.ts";
import { readSpec, showNumberedSpec, type Spec } from "../agents/read-spec.ts";
import { isTestFile, type Language } from "../tools/language.ts";
import { planProblem } from "./decompose.ts";
import type { TaskTests } from "./freeze-tests.ts";
import type { PlanEdit, PlanTestFile, ShownPlan } from "./plan-question.ts";
import type { ExistingFiles } from "./repository.ts";

/** What stands, and what a change of it must keep to. */
export type Standing = Pick<ShownPlan, "spec" | "tasks" | "tests"> & {
  readonly language: Language;
  readonly isNew: boolean;
  readonly languages: readonly Language[];
  /** Its model was trained on the words of its specification and its plan; only its tests can be changed. */
  readonly closedDomain: boolean;
  /** Of the repository that is built on, as far as it is known. */
  readonly existing: Pick<ExistingFiles, "paths" | "texts">;
};

export type EditedPlan = {
  readonly spec: Spec;
  /** In an order that respects their dependencies. */
  readonly tasks: readonly PlannedTask[];
  readonly tests: readonly TaskTests[];
};

const SPEC_HEAD =
  "<!-- What must be true of the result. Only the lines under CRITERIA can be changed; COVERS in the plan means their numbers. -->";
const PLAN_HEAD = `<!-- Who does what. A block of these six lines for each task; DO may go on over more lines.
     TIER is simple, medium or complex; each file belongs to one task; AFTER and COVERS may be none.
     The tests of a task are in the folder tests/ID beside this file. -->`;

/** What stands as texts to be changed; read back unchanged they say the same. Pure. */
export function planEditOf({ spec, tasks, tests }: Pick<ShownPlan, "spec" | "tasks" | "tests">): PlanEdit {
  return {
    spec: `${SPEC_HEAD}\n\n${showNumberedSpec(spec)}\n`,
    plan: `${PLAN_HEAD}\n\n${planText(tasks)}\n`,
    tests,
  };
}

/** Reads specification, plan and tests as a person has changed them. `why` is meant for that person. Pure. */
export function readPlanEdit(edit: PlanEdit, standing: Standing): Read<EditedPlan> {
  const spec = readCriteria(edit.spec, standing);
  if (!spec.ok) return { ok: false, why: `spec.md: ${spec.why}` };
  const tasks = readTasks(edit.plan, spec.value, standing);
  if (!tasks.ok) return { ok: false, why: `plan.md: ${tasks.why}` };
  const problem = testsProblem(edit.tests, tasks.value, standing);
  if (problem !== undefined) return { ok: false, why: `tests: ${problem}` };
  const tests = tasks.value.flatMap(({ id }) => {
    const files = edit.tests.filter(({ task }) => task === id).map(({ path, content }) => ({ path, content }));
    return files.length === 0 ? [] : [{ task: id, files }];
  });
  return { ok: true, value: { spec: spec.value, tasks: tasks.value, tests } };
}

/** The specification with other criteria. */
function readCriteria(text: string, { spec, closedDomain }: Standing): Read<Spec> {
  const languages = {
    names: [spec.language],
    find: (name: string) => (name.toLowerCase() === spec.language.toLowerCase() ? spec.language : undefined),
  };
  const read = readSpec(text, languages);
  if (!read.ok) return read;
  // What is read is compared with what is read: a reader may take off marks around a word.
  const known = readSpec(planEditOf({ spec, tasks: [], tests: [] }).spec, languages);
  if (read.value.kind !== "spec" || !known.ok || known.value.kind !== "spec")
    return { ok: false, why: "it is no specification; to end the build, answer stop" };
  const [edited, before] = [read.value.spec, known.value.spec];
  if (edited.name !== before.name || edited.summary !== before.summary)
    return { ok: false, why: "NAME, LANGUAGE and SUMMARY stay as they are; only the CRITERIA can be changed" };
  if (edited.criteria.join("\n") === before.criteria.join("\n")) return { ok: true, value: spec };
  if (closedDomain) return { ok: false, why: "the specification can't be changed: its model knows only these words" };
  return { ok: true, value: { ...spec, criteria: edited.criteria } };
}

function readTasks(text: string, spec: Spec, standing: Standing): Read<readonly PlannedTask[]> {
  const read = readPlan(text, spec.criteria.length);
  if (!read.ok) return read;
  const known = readPlan(planText(standing.tasks));
  if (known.ok && spec === standing.spec && planText(known.value) === planText(read.value))
    return { ok: true, value: standing.tasks };
  if (standing.closedDomain)
    return { ok: false, why: "the plan can't be changed: its model knows only these words. Its tests can" };
  const { language, languages, existing, isNew } = standing;
  const problem = planProblem({ language, languages, existing, isNew, part: false }, read.value);
  if (problem !== undefined) return { ok: false, why: problem };
  const assigned = assignCriteria(read.value, spec.criteria.length);
  const order = orderTasks(assigned) ?? [];
  // The tier is what the person says, whatever the words of the task make of it.
  const tasks = assigned.map((task) => ({ ...task, kind: classifyTask(task).kind }));
  return { ok: true, value: tasks.toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id)) };
}

function testsProblem(
  tests: readonly PlanTestFile[],
  tasks: readonly PlannedTask[],
  { language, existing }: Standing,
): string | undefined {
  for (const { path, task } of tests) {
    if (!tasks.some(({ id }) => id === task)) return `there is no task ${task} for ${path}; move it, or remove it`;
    if (!isTestFile(language, path)) return `${path} is not a test file; it is named ${language.testFile.example}`;
    if (tests.filter((other) => other.path === path).length > 1) return `${path} is there twice`;
    if (existing.paths.has(path)) return `${path} is a file of the repository already; choose another name`;
  }
  const untested = tasks.find(({ id, covers }) => covers.length > 0 && !tests.some(({ task }) => task === id));
  if (untested !== undefined) return `task ${untested.id} covers criteria and has no test file in tests/${untested.id}`;
  return pathConflict([...tests.map(({ path }) => path), ...tasks.flatMap(({ files }) => files), ...existing.paths]);
}

/** The plan in the tech lead's form, COVERS too where there is one task. */
function planText(tasks: readonly PlannedTask[]): string {
  return tasks
    .map(({ id, tier, files, after, covers, description }) =>
      [
        `TASK: ${id}`,
        `TIER: ${tier}`,
        `FILES: ${files.join(", ")}`,
        `AFTER: ${after.length === 0 ? "none" : after.join(", ")}`,
        `COVERS: ${covers.length === 0 ? "none" : covers.map((number) => `C${number}`).join(", ")}`,
        `DO: ${description}`,
      ].join("\n"),
    )
    .join("\n\n");
}
