import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathConflict, pathProblem } from "../../base/safe-path.ts";
import type { WorkspaceFile } from "../../journal/workspaces.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { explainFailure } from "../../tools/explain-failure.ts";
import { isTestFile } from "../../tools/language.ts";
import { runTests } from "../../tools/run-tests.ts";
import type { EvalTask } from "./suite.ts";

export type GradeDeps = {
  readonly sandbox: Sandbox;
  /** A folder of its own is made in it for each solution, and removed. */
  readonly scratchDirectory: string;
};

export type Grade = {
  readonly passed: boolean;
  /** Empty when it passed. */
  readonly why: string;
  readonly testsPassed: number;
  readonly testsFailed: number;
};

/**
 * Runs a task's hidden tests on a solution, in the sandbox, in a clean folder. They alone decide: tests that
 * came with the solution are left away, and a file of it that is named as a hidden one gives way.
 */
export async function gradeSolution(
  { sandbox, scratchDirectory }: GradeDeps,
  { task, files }: { readonly task: EvalTask; readonly files: readonly WorkspaceFile[] },
  signal: AbortSignal,
): Promise<Grade> {
  const { language } = task;
  const own = files.filter(({ path }) => !isTestFile(language, path));
  const problem = solutionProblem(task, own);
  if (problem !== undefined) return { passed: false, why: problem, testsPassed: 0, testsFailed: 0 };
  const root = await mkdtemp(join(scratchDirectory, "grade-"));
  try {
    // The hidden ones last: they take the place of what has their names.
    for (const { path, content } of [...own, ...task.hidden]) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    const run = await runTests(sandbox, { root, language, files: task.tests }, signal);
    const testsPassed = run.tests.filter(({ outcome }) => outcome === "passed").length;
    const why = run.green ? "" : explainFailure(run);
    return { passed: run.green, why, testsPassed, testsFailed: run.tests.length - testsPassed };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** Why nothing needs to be run, or undefined. Pure. */
function solutionProblem({ entry, hidden }: EvalTask, files: readonly WorkspaceFile[]): string | undefined {
  if (files.length === 0) return "there is no solution";
  const paths = files.map(({ path }) => path);
  for (const path of paths) {
    const problem = pathProblem(path);
    if (problem !== undefined) return `${JSON.stringify(path.slice(0, 80))}: ${problem}`;
  }
  const missing = entry.filter((path) => !paths.includes(path));
  if (missing.length > 0) return `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`;
  return pathConflict([...paths, ...hidden.map(({ path }) => path)]);
}
