import type { EvalResult } from "./eval-result.ts";
import type { EvalHeader } from "./results-file.ts";
import { type EvalScore, scoreEval } from "./score.ts";
import type { EvalSuite, EvalTask } from "./suite.ts";

/** Everything that is known of a run: what `--json` prints, and what the other reports are drawn from. */
export type EvalReport = {
  readonly type: "eval-report";
  readonly suite: string;
  readonly sha256: string;
  readonly models: readonly string[];
  readonly seats: EvalHeader["seats"];
  readonly effort: string;
  readonly seed: number;
  /** Whether every task has a result in every way. */
  readonly complete: boolean;
  readonly score: EvalScore;
  /** What a reader must know before believing the figures. */
  readonly notes: readonly string[];
  readonly results: readonly EvalResult[];
};

export type ReportedRun = {
  readonly suite: EvalSuite;
  /** Those of the suite that were chosen. */
  readonly tasks: readonly EvalTask[];
  readonly header: EvalHeader;
  readonly results: readonly EvalResult[];
};

/** Fewer tasks tell little, and the report says so. */
const MANY_TASKS = 20;

/** Pure. */
export function makeReport({ suite, tasks, header, results }: ReportedRun): EvalReport {
  const score = scoreEval(tasks, results, header.ways);
  const chosen = new Set(tasks.map(({ id }) => id));
  return {
    type: "eval-report",
    suite: header.suite,
    sha256: header.sha256,
    models: header.models,
    seats: header.seats,
    effort: header.effort,
    seed: header.seed,
    complete: score.ways.every(({ tried }) => tried === tasks.length),
    score,
    notes: [...warningsOf(score, suite), ...suite.notes],
    results: results.filter(({ task }) => chosen.has(task)),
  };
}

function warningsOf({ tasks, ways, comparison }: EvalScore, suite: EvalSuite): readonly string[] {
  const notes: string[] = [];
  for (const { way, tried } of ways)
    if (tried < tasks) notes.push(`${way}: only ${tried} of ${tasks} tasks were done; --resume goes on`);
  if (tasks < MANY_TASKS)
    notes.push(
      `${tasks === 1 ? "1 task is" : `${tasks} tasks are`} few: one more or less moves pass@1 by ${(100 / tasks).toFixed(0)} points, and the intervals say how little is known. Take ${MANY_TASKS} or more before believing a difference`,
    );
  if (tasks < suite.tasks.length) notes.push(`${tasks} of the suite's ${suite.tasks.length} tasks were chosen`);
  if (comparison !== undefined && comparison.onlyFirst + comparison.onlySecond > 0 && comparison.p > 0.05)
    notes.push("the difference between the ways may well be chance (p above 0.05)");
  return notes;
}
