import type { Sandbox, SandboxReport } from "../../sandbox/sandbox.ts";
import { completed, explainRun, failedRun, newMark, type ReportedTest } from "../test-report.ts";
import { readCommandTests } from "./command-report.ts";
import { type CommandJob, type CommandRun, runInstalled } from "./run-command.ts";
import type { Toolchain } from "./toolchain.ts";

const REPORT_CUT = "its report was cut: the tests wrote over 8 MB, so what they came to is not known; print less";

export type CommandTests = {
  readonly runner: string;
  readonly tests: readonly ReportedTest[];
  /** As the command itself ended, and what it wrote. */
  readonly ended: SandboxReport;
  /** Absent when the run ended without saying how, which `ended` tells. */
  readonly run: CommandRun | undefined;
};

export type CommandTestsJob = Pick<CommandJob, "root" | "testFile"> & {
  readonly toolchain: Toolchain;
  readonly files: readonly string[];
  /** The project's source files, tests included. */
  readonly sources: readonly string[];
  /** Whether lines are watched too, where the language's tools can do that. */
  readonly measured: boolean;
};

/**
 * Runs test files by a language's own commands, and reads what they tell of each test.
 *
 * @throws `tools/toolchain-missing`
 */
export async function runCommandTests(
  sandbox: Sandbox,
  { measured, sources, ...asked }: CommandTestsJob,
  signal: AbortSignal,
): Promise<CommandTests> {
  const { toolchain, files } = asked;
  const coverage = measured ? toolchain.tests.coverage : undefined;
  const { command } = coverage ?? toolchain.tests;
  const job = { ...asked, command, sources: files, coverage: coverage !== undefined };
  const { report, run } = await runInstalled(sandbox, job, signal);
  const exitCode = run?.exitCode ?? null;
  const ended = run === undefined ? report : { ...report, exitCode, stdout: run.stdout, stderr: run.stderr };
  const runner = command.slice(0, 2).join(" ");
  if (run === undefined || run.cut) {
    const why = run === undefined ? explainRun(report) : REPORT_CUT;
    return { runner, tests: [failedRun(why)], ended, run };
  }
  const told = inOrderOf(files, readCommandTests({ run, toolchain, files, sources }));
  return { runner, tests: completed(told, { report: ended, mark: newMark(), files }), ended, run };
}

/** As the files were asked for, each in the order it was told: they may be tested side by side, and the first that is done comes first. */
function inOrderOf(files: readonly string[], tests: readonly ReportedTest[]): readonly ReportedTest[] {
  const places = new Map(files.map((file, index) => [file, index]));
  const placeOf = ({ file }: ReportedTest): number => places.get(file) ?? files.length;
  return tests.toSorted((one, other) => placeOf(one) - placeOf(other));
}
