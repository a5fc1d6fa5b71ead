import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { missingError } from "../base/errors.ts";
import type { Sandbox, SandboxReport, SandboxRequest } from "../sandbox/sandbox.ts";
import type { Language } from "./language.ts";

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

const RUNNERS_ON_HOST = fileURLToPath(new URL("runners", import.meta.url));
/** What is said of a file, or a run, in which there was nothing to run. */
export const NO_TEST = "no test was found";

const RUNNERS_INSIDE = "/opt/atos/runners";
const reportSchema = z.object({
  runner: z.string(),
  durationMs: z.number(),
  tests: z.array(
    z.object({
      file: z.string(),
      name: z.string(),
      outcome: z.enum(["passed", "failed", "skipped"]),
      message: z.string(),
    }),
  ),
});
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
  const report = await sandbox.run(testRequest(sandbox, run, mark), signal);
  const parsed = reportSchema.safeParse(readMarked(report.stdout, mark));
  if (!parsed.success || report.limitHit !== undefined) {
    const failure: TestResult = { file: "", name: "test run", outcome: "failed", message: explainRun(report) };
    return { runner: "none", tests: [failure], durationMs: report.durationMs, green: false };
  }
  const { runner, tests: reported, durationMs } = parsed.data;
  const silent = run.files.filter((file) => !reported.some((test) => test.file === file));
  const tests = [
    ...reported,
    ...silent.map((file): TestResult => ({ file, name: file, outcome: "failed", message: NO_TEST })),
  ];
  if (tests.length === 0) tests.push({ file: "", name: "test run", outcome: "failed", message: NO_TEST });
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
      ? [pythonOf(sandbox), "-I", `${path}/python-runner.py`, mark, "syntax", ...run.files]
      : [sandbox.nodePath, "--no-warnings", `${path}/check-typescript.mjs`, mark, ...run.files];
  const report = await sandbox.run({ command, root: run.root, readOnly }, signal);
  const parsed = syntaxSchema.safeParse(readMarked(report.stdout, mark));
  if (parsed.success) return parsed.data.problems;
  return [{ file: run.files[0] ?? "", message: explainRun(report) }];
}

function testRequest(sandbox: Sandbox, run: CodeRun, mark: string): SandboxRequest {
  const { path, readOnly } = runnersFor(sandbox);
  const { root } = run;
  if (run.language.id === "python") {
    return { root, readOnly, command: [pythonOf(sandbox), `${path}/python-runner.py`, mark, "tests", ...run.files] };
  }
  // One process for all files: a file that can't be loaded is then a failed test with its message.
  const flags = [
    "--no-warnings",
    "--test",
    "--test-isolation=none",
    `--test-reporter=${path}/node-reporter.mjs`,
    "--test-reporter-destination=stdout",
  ];
  return { root, readOnly, command: [sandbox.nodePath, ...flags, ...run.files], env: { ATOS_REPORT_MARK: mark } };
}

/** Where a command sees our runners, and what must be shown to it for that. Without a sandbox everything is seen as it is. */
function runnersFor(sandbox: Sandbox): {
  readonly path: string;
  readonly readOnly: NonNullable<SandboxRequest["readOnly"]>;
} {
  if (sandbox.level === "none") return { path: RUNNERS_ON_HOST, readOnly: [] };
  return { path: RUNNERS_INSIDE, readOnly: [{ source: RUNNERS_ON_HOST, target: RUNNERS_INSIDE }] };
}

function pythonOf(sandbox: Sandbox): string {
  if (sandbox.pythonPath !== undefined) return sandbox.pythonPath;
  throw missingError(
    "tools/python-missing",
    "this goal needs Python 3, and /usr/bin/python3 was not found; install it: apt-get install python3",
  );
}

function newMark(): string {
  return `atos-report-${randomBytes(12).toString("hex")} `;
}

function readMarked(output: string, mark: string): unknown {
  const start = output.lastIndexOf(mark);
  if (start < 0) return undefined;
  const end = output.indexOf("\n", start);
  try {
    return JSON.parse(output.slice(start + mark.length, end < 0 ? undefined : end));
  } catch {
    return undefined;
  }
}

function explainRun(report: SandboxReport): string {
  if (report.limitHit === "wall") return `timeout: no result after ${Math.round(report.durationMs / 1000)} s`;
  if (report.limitHit !== undefined) return `stopped: it went over its ${report.limitHit} limit`;
  const last = `${report.stdout}\n${report.stderr}`.trim().split("\n").slice(-3).join(" ");
  return `the run ended (exit ${report.exitCode ?? "by a signal"}) without a report: ${last}`;
}
