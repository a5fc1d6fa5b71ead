import { createHash } from "node:crypto";
import { pathConflict, pathProblem } from "../../base/safe-path.ts";
import type { TaskTier } from "../../base/task.ts";
import { type AtosError, usageError } from "../../base/errors.ts";
import type { WorkspaceFile } from "../../journal/workspaces.ts";
import type { Language } from "../../tools/language.ts";

/** A goal, and tests that whoever solves it never sees. */
export type EvalTask = {
  readonly id: string;
  /** Whole, as its files were read: it grades without looking anything up. */
  readonly language: Language;
  /** How hard the suite says it is; a suite of others says nothing. */
  readonly tier?: TaskTier;
  readonly goal: string;
  /** Files that the goal asks for by name. */
  readonly entry: readonly string[];
  readonly hidden: readonly WorkspaceFile[];
  /** Those of the hidden files that are run. */
  readonly tests: readonly string[];
};

export type EvalSuite = {
  readonly name: string;
  readonly tasks: readonly EvalTask[];
  /** Of everything that decides its results, whatever the order of the tasks. */
  readonly sha256: string;
  /** What was left out of it, and why. */
  readonly notes: readonly string[];
};

const MAX_TASKS = 5000;

/**
 * The suite of these tasks. Pure.
 *
 * @throws {AtosError} `workflows/bad-suite` when there is none, one comes twice, or one can't be graded.
 */
export function makeSuite(name: string, tasks: readonly EvalTask[], notes: readonly string[] = []): EvalSuite {
  if (tasks.length === 0) throw badSuite(name, ["there is no task in it", ...notes].join("; "));
  if (tasks.length > MAX_TASKS) throw badSuite(name, `it has ${tasks.length} tasks, and ${MAX_TASKS} is the most`);
  const seen = new Set<string>();
  for (const task of tasks) {
    if (seen.has(task.id)) throw badSuite(name, `the task ${task.id} comes twice`);
    seen.add(task.id);
    const problem = taskProblem(task);
    if (problem !== undefined) throw badSuite(`${name}, task ${task.id}`, problem);
  }
  return { name, tasks, sha256: hashTasks(tasks), notes };
}

export function badSuite(where: string, why: string): AtosError {
  return usageError("workflows/bad-suite", `${where}: ${why}. Correct it, or name another suite: atos eval --help`);
}

function taskProblem({ goal, entry, hidden, tests }: EvalTask): string | undefined {
  if (goal.trim() === "") return "its goal is empty";
  if (tests.length === 0) return "it has no hidden test";
  const paths = hidden.map(({ path }) => path);
  const lost = tests.find((path) => !paths.includes(path));
  if (lost !== undefined) return `its test ${lost} is not among its hidden files`;
  for (const path of [...entry, ...paths]) {
    const problem = pathProblem(path);
    if (problem !== undefined) return `${JSON.stringify(path)}: ${problem}`;
  }
  return pathConflict([...entry, ...paths]);
}

function hashTasks(tasks: readonly EvalTask[]): string {
  const plain = tasks
    .map(({ id, language, goal, entry, hidden, tests }) => [
      id,
      language.id,
      goal,
      entry,
      hidden.map(({ path, content }) => [path, content]),
      tests,
    ])
    .map((task) => JSON.stringify(task))
    .toSorted();
  return createHash("sha256").update(plain.join("\n")).digest("hex");
}
