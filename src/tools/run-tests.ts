import { z } from "zod";
import type { Sandbox, SandboxRequest } from "../sandbox/sandbox.ts";
import type { Language } from "./language.ts";
import { explainRun, newMark, readMarked, readTestReport } from "./test-report.ts";
import { requiredPython, runnersFor, testRequest } from "./test-request.ts";

export type TestResult = {
  /** Relative path of the test file; empty when the run as a whole failed. */
  readonly file: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly message: string;
};

export type TestRun = {
  readonly runner: string;
  readonly tests: readonly TestResult[];
  readonly durationMs: number;
  /** True only when every file has a test, every test passed (none was skipped), and the runner ended well by itself. */
  readonly green: boolean;
};

export type SyntaxProblem = { readonly file: string; readonly message: string };

export type CodeRun = {
  /** Host folder with the code; only this run uses it. */
  readonly root: string;
  readonly language: Language;
  /** Relative paths of the files to run or to check. */
  readonly files: readonly string[];
};

const syntaxSchema = z.object({ problems: z.array(z.object({ file: z.string(), message: z.string() })) });

/**
 * Runs test files in the sandbox and reads the runner's machine-readable report.
 *
 * A run that never got to its report (a crash, an exit, a limit) is one failed test that says
 * so. The report comes from the process that also ran the code: it protects against accidents
 * and prints, not against code written to forge it.
 */
export async function runTests(sandbox: Sandbox, run: CodeRun, signal: AbortSignal): Promise<TestRun> {
  const mark = newMark();
  const how = run.language.id === "python" ? "verify-python" : "verify-node";
  const request = testRequest(sandbox, { how, files: run.files }, mark);
  const report = await sandbox.run({ ...request, root: run.root }, signal);
  const { runner, tests: reported, durationMs } = readTestReport(report, mark, run.files);
  const tests = reported.map(({ file, name, outcome, message }) => ({ file, name, outcome, message }));
  const green = report.exitCode === 0 && tests.every((test) => test.outcome === "passed");
  return { runner, tests, durationMs, green };
}

/** The files that can't be parsed, each with the parser's words. Nothing of theirs is run. */
export async function checkSyntax(
  sandbox: Sandbox,
  run: CodeRun,
  signal: AbortSignal,
): Promise<readonly SyntaxProblem[]> {
  const mark = newMark();
  const { path, readOnly } = runnersFor(sandbox);
  const command: SandboxRequest["command"] =
    run.language.id === "python"
      ? [requiredPython(sandbox), "-I", `${path}/python-runner.py`, mark, "syntax", ...run.files]
      : [sandbox.nodePath, "--no-warnings", `${path}/check-typescript.mjs`, mark, ...run.files];
  const report = await sandbox.run({ command, root: run.root, readOnly }, signal);
  const parsed = syntaxSchema.safeParse(readMarked(report.stdout, mark));
  if (parsed.success) return parsed.data.problems;
  return [{ file: run.files[0] ?? "", message: explainRun(report) }];
}
