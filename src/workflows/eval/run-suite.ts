import type { EvalResult, Solution, Solve, Way } from "./eval-result.ts";
import type { Grade } from "./grade-solution.ts";
import type { EvalTask } from "./suite.ts";

export type SuiteDeps = {
  readonly solve: Solve;
  readonly grade: (task: EvalTask, solution: Solution, signal: AbortSignal) => Promise<Grade>;
  /** Called with each result before the next task begins. */
  readonly record: (result: EvalResult) => Promise<void>;
};

export type SuiteRun = {
  readonly tasks: readonly EvalTask[];
  readonly ways: readonly Way[];
  /** Results of an earlier run: what they are of is not done again. */
  readonly done: readonly EvalResult[];
};

/**
 * Solves every task in every way, one after the other, and returns the results that were not there yet.
 *
 * One way goes before the next, so that none pays for models that the other one had to evict.
 *
 * @throws what `solve`, `grade` or `record` throws; the results so far were recorded.
 */
export async function runSuite(deps: SuiteDeps, run: SuiteRun, signal: AbortSignal): Promise<readonly EvalResult[]> {
  const done = new Set(run.done.map(({ way, task }) => `${way} ${task}`));
  const results: EvalResult[] = [];
  for (const way of run.ways) {
    for (const task of run.tasks) {
      if (done.has(`${way} ${task.id}`)) continue;
      signal.throwIfAborted();
      const solution = await deps.solve(way, task, signal);
      const grade = await deps.grade(task, solution, signal);
      const result = resultOf({ way, task, solution, grade });
      await deps.record(result);
      results.push(result);
    }
  }
  return results;
}

function resultOf(done: { way: Way; task: EvalTask; solution: Solution; grade: Grade }): EvalResult {
  const { way, task, grade } = done;
  const { files, ...solution } = done.solution;
  const without = files.length === 0 && !grade.passed;
  return {
    type: "result",
    task: task.id,
    way,
    language: task.language.id,
    ...(task.tier === undefined ? {} : { tier: task.tier }),
    ...solution,
    passed: grade.passed,
    // Of a goal that came to nothing the solver knows why, and the tests don't.
    why: grade.passed || without ? solution.why : grade.why,
    testsPassed: grade.testsPassed,
    testsFailed: grade.testsFailed,
  };
}
