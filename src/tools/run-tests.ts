import { z } from "zod";
import type { Sandbox, SandboxRequest } from "../sandbox/sandbox.ts";
import { fileChunks } from "./file-chunks.ts";
import type { Language } from "./language.ts";
import {
  type CodePlace,
  explainRun,
  type FileCoverage,
  newMark,
  readMarked,
  readTestReport,
  type ReportedTest,
} from "./test-report.ts";
import { requiredPython, runnersFor, testRequest } from "./test-request.ts";
import { problemText, readProblems } from "./toolchain/command-report.ts";
import { runCommandTests } from "./toolchain/command-tests.ts";
import { readCoverage } from "./toolchain/read-coverage.ts";
import { runInstalled, toolchainVersion } from "./toolchain/run-command.ts";
import type { Toolchain } from "./toolchain/toolchain.ts";

export type TestResult = {
  /** Relative path of the test file; empty when the run as a whole failed. */
  readonly file: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly message: string;
  /** Of a failed one: the deepest place in the project, where its error tells one. */
  readonly at?: CodePlace;
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
  /** The project's source files, tests included: what a failure may point at. */
  readonly sources?: readonly string[];
};

const syntaxSchema = z.object({ problems: z.array(z.object({ file: z.string(), message: z.string() })) });

/**
 * Runs test files in the sandbox and reads the runner's machine-readable report.
 *
 * A run that never got to its report (a crash, an exit, a limit) is one failed test that says
 * so. The report comes from the process that also ran the code: it protects against accidents
 * and prints, not against code written to forge it.
 *
 * @throws `tools/python-missing` and `tools/toolchain-missing` where the machine can't run the language.
 */
export async function runTests(sandbox: Sandbox, run: CodeRun, signal: AbortSignal): Promise<TestRun> {
  const runs: TestRun[] = [];
  for (const files of fileChunks(run.files))
    runs.push((await watchedRun(sandbox, { ...run, files, covered: undefined }, signal)).run);
  return {
    runner: runs[0]?.runner ?? "none",
    tests: runs.flatMap(({ tests }) => tests),
    durationMs: runs.reduce((sum, { durationMs }) => sum + durationMs, 0),
    green: runs.every(({ green }) => green),
  };
}

/**
 * Runs the tests once more with an eye on `covered`, source files that are no tests, and tells which of their lines
 * were reached. A run of its own, because watching is slow and must not make red what is green: undefined when it was
 * not green, when there are too many files for one run, or the language's tools can't tell.
 */
export async function measureCoverage(
  sandbox: Sandbox,
  run: CodeRun & { readonly covered: readonly string[] },
  signal: AbortSignal,
): Promise<readonly FileCoverage[] | undefined> {
  if ([run.files, run.covered].some((files) => fileChunks(files).length > 1)) return undefined;
  const { run: measured, coverage } = await watchedRun(sandbox, run, signal);
  return measured.green ? coverage : undefined;
}

type WatchedRun = { readonly run: TestRun; readonly coverage: readonly FileCoverage[] | undefined };
type ToWatch = CodeRun & { readonly covered: readonly string[] | undefined };

async function watchedRun(sandbox: Sandbox, run: ToWatch, signal: AbortSignal): Promise<WatchedRun> {
  const { runner } = run.language;
  if (typeof runner !== "string") return runByCommand(sandbox, { ...run, toolchain: runner }, signal);
  const mark = newMark();
  const how = runner === "python" ? "verify-python" : "verify-node";
  const { covered } = run;
  const asked = { how, files: run.files, ...(covered === undefined ? {} : { covered }) } as const;
  const report = await sandbox.run({ ...testRequest(sandbox, asked, mark), root: run.root }, signal);
  const { runner: name, tests, durationMs, coverage } = readTestReport(report, mark, run.files);
  return { run: testRun({ runner: name, durationMs, exitCode: report.exitCode }, tests), coverage };
}

type ToCommand = ToWatch & { readonly toolchain: Toolchain };

async function runByCommand(sandbox: Sandbox, asked: ToCommand, signal: AbortSignal): Promise<WatchedRun> {
  const { toolchain, root, files, sources = files, covered, language } = asked;
  const measured = covered !== undefined;
  const job = { root, toolchain, files, sources, measured, testFile: language.testFile.pattern };
  const { runner, tests, ended, run } = await runCommandTests(sandbox, job, signal);
  const { durationMs } = ended;
  const report = toolchain.tests.coverage?.report;
  const told = run === undefined || covered === undefined || report === undefined;
  const coverage = told ? undefined : readCoverage(run.coverage, report, covered);
  return { run: testRun({ runner, durationMs, exitCode: run?.exitCode ?? null }, tests), coverage };
}

type Ended = Pick<TestRun, "runner" | "durationMs"> & { readonly exitCode: number | null };

function testRun({ runner, durationMs, exitCode }: Ended, reported: readonly ReportedTest[]): TestRun {
  const tests = reported.map(({ file, name, outcome, message, at }) => ({
    file,
    name,
    outcome,
    message,
    ...(at === undefined ? {} : { at }),
  }));
  const green = exitCode === 0 && tests.every((test) => test.outcome === "passed");
  return { runner, tests, durationMs, green };
}

/**
 * The files that can't be parsed, each with the parser's words. Nothing of theirs is run.
 *
 * @throws as `runTests`.
 */
export async function checkSyntax(
  sandbox: Sandbox,
  run: CodeRun,
  signal: AbortSignal,
): Promise<readonly SyntaxProblem[]> {
  const problems: SyntaxProblem[] = [];
  for (const files of fileChunks(run.files)) problems.push(...(await checkSome(sandbox, { ...run, files }, signal)));
  return problems;
}

async function checkSome(sandbox: Sandbox, run: CodeRun, signal: AbortSignal): Promise<readonly SyntaxProblem[]> {
  const { runner } = run.language;
  if (typeof runner !== "string") return syntaxByCommand(sandbox, { ...run, toolchain: runner }, signal);
  const mark = newMark();
  const { path, readOnly } = runnersFor(sandbox);
  const command: SandboxRequest["command"] =
    runner === "python"
      ? [requiredPython(sandbox), "-I", `${path}/python-runner.py`, mark, "syntax", ...run.files]
      : [sandbox.nodePath, "--no-warnings", "--experimental-vm-modules", `${path}/check-node.mjs`, mark, ...run.files];
  const report = await sandbox.run({ command, root: run.root, readOnly }, signal);
  const parsed = syntaxSchema.safeParse(readMarked(report.stdout, mark));
  if (parsed.success) return parsed.data.problems;
  return [{ file: run.files[0] ?? "", message: explainRun(report) }];
}

async function syntaxByCommand(
  sandbox: Sandbox,
  { toolchain, root, files }: CodeRun & { readonly toolchain: Toolchain },
  signal: AbortSignal,
): Promise<readonly SyntaxProblem[]> {
  const job = { root, toolchain, command: toolchain.syntax, files };
  const { report, run } = await runInstalled(sandbox, job, signal);
  if (run?.exitCode === 0) return [];
  const problems = run === undefined ? [] : readProblems(run, toolchain);
  if (problems.length > 0) return problems.map((one) => ({ file: one.file, message: problemText(one) }));
  const why = run === undefined ? explainRun(report) : explainRun({ ...report, ...run });
  return [{ file: files[0] ?? "", message: why }];
}

/**
 * What the language's programs call their version.
 *
 * @throws `tools/python-missing` and `tools/toolchain-missing` where the machine can't run the language.
 */
export async function languageVersion(
  sandbox: Sandbox,
  { root, language }: Pick<CodeRun, "root" | "language">,
  signal: AbortSignal,
): Promise<string> {
  const { runner } = language;
  if (typeof runner !== "string") return toolchainVersion(sandbox, { root, toolchain: runner }, signal);
  const program = runner === "python" ? requiredPython(sandbox) : sandbox.nodePath;
  const { stdout } = await sandbox.run({ command: [program, "--version"], root }, signal);
  return runner === "python" ? stdout.trim() : `Node ${stdout.trim()}`;
}
