import type { SyntaxProblem, TestRun } from "./run-tests.ts";

const MAX_LINES = 3;
const MAX_MESSAGE = 160;

/**
 * The smallest useful account of a red run, for the model that wrote the code: at most three
 * lines of `name: message`, each message on one line and cut at 160 characters.
 */
export function explainFailure(run: TestRun): string {
  const failed = run.tests.filter((test) => test.outcome !== "passed");
  return failed
    .slice(0, MAX_LINES)
    .map((test) => `${test.name}: ${oneLine(test.outcome === "skipped" ? "skipped" : test.message)}`)
    .join("\n");
}

/** As {@link explainFailure}, for files that can't be parsed. */
export function explainSyntax(problems: readonly SyntaxProblem[]): string {
  return problems
    .slice(0, MAX_LINES)
    .map((problem) => oneLine(problem.message))
    .join("\n");
}

function oneLine(text: string): string {
  const flat = text
    .replace(/^AssertionError: (?=Expected values)/, "")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return flat.length <= MAX_MESSAGE ? flat : `${flat.slice(0, MAX_MESSAGE - 1)}…`;
}
