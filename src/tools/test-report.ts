import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { SandboxReport } from "../sandbox/sandbox.ts";

/** What is said of a file, or a run, in which there was nothing to run. */
export const NO_TEST = "no test was found";

const reportedTest = z.object({
  file: z.string(),
  name: z.string(),
  outcome: z.enum(["passed", "failed", "skipped"]),
  message: z.string(),
  /** It failed without having been run: its file was not loaded, or what goes before it failed. */
  error: z.boolean(),
});
export type ReportedTest = z.infer<typeof reportedTest>;

const testReport = z.object({
  runner: z.string(),
  durationMs: z.number(),
  tests: z.array(reportedTest),
  /** What the tests left running when they had ended, in the runner's words. */
  leftOpen: z.array(z.string()).default([]),
});
export type TestReport = z.infer<typeof testReport>;

/** What stands before a report in the output of the process that makes it. */
export function newMark(): string {
  return `atos-report-${randomBytes(12).toString("hex")} `;
}

/** The JSON value behind the mark, or undefined. Pure. */
export function readMarked(output: string, mark: string): unknown {
  const start = output.lastIndexOf(mark);
  if (start < 0) return undefined;
  const end = output.indexOf("\n", start);
  try {
    return JSON.parse(output.slice(start + mark.length, end < 0 ? undefined : end));
  } catch {
    return undefined;
  }
}

/** What the code itself wrote: the output without the line behind the mark. Pure. */
export function withoutMarked(output: string, mark: string): string {
  const start = output.lastIndexOf(mark);
  if (start < 0) return output;
  const end = output.indexOf("\n", start);
  return output.slice(0, start) + (end < 0 ? "" : output.slice(end + 1));
}

/**
 * The runner's report on `files`. A file that it says nothing of has no test, and a run that never got to its report
 * is one failed test; both say so. So does one that ended badly although no test failed: something went wrong outside
 * of the tests. Pure.
 */
export function readTestReport(report: SandboxReport, mark: string, files: readonly string[]): TestReport {
  const parsed = testReport.safeParse(readMarked(report.stdout, mark));
  const failed = (file: string, name: string, message: string): ReportedTest => ({
    file,
    name,
    outcome: "failed",
    message,
    error: true,
  });
  if (!parsed.success) {
    const tests = [failed("", "test run", explainRun(report))];
    return { runner: "none", tests, durationMs: report.durationMs, leftOpen: [] };
  }
  const { tests: reported } = parsed.data;
  const silent = files.filter((file) => !reported.some((test) => test.file === file));
  const tests = [...reported, ...silent.map((file) => failed(file, file, NO_TEST))];
  if (tests.length === 0) tests.push(failed("", "test run", NO_TEST));
  if (report.exitCode !== 0 && tests.every((test) => test.outcome !== "failed"))
    tests.push(failed("", "test run", explainEnd(report, mark)));
  return { ...parsed.data, tests };
}

/** Why a run whose tests all passed did not end well. */
function explainEnd({ limitHit, durationMs, exitCode, stdout, stderr }: SandboxReport, mark: string): string {
  const words = "the tests passed, but the run";
  if (limitHit === "wall")
    return `${words} did not end: stopped after ${Math.round(durationMs / 1000)} s; what the tests start must be ended too`;
  if (limitHit !== undefined) return `${words} went over its ${limitHit} limit`;
  return `${words} ended with exit ${exitCode ?? "by a signal"}: ${lastLines(withoutMarked(stdout, mark), stderr)}`;
}

function lastLines(stdout: string, stderr: string): string {
  return `${stdout}\n${stderr}`.trim().split("\n").slice(-3).join(" ");
}

/** Why a run has no report. */
export function explainRun(report: SandboxReport): string {
  if (report.limitHit === "wall") return `timeout: no result after ${Math.round(report.durationMs / 1000)} s`;
  if (report.limitHit !== undefined) return `stopped: it went over its ${report.limitHit} limit`;
  const last = lastLines(report.stdout, report.stderr);
  return `the run ended (exit ${report.exitCode ?? "by a signal"}) without a report: ${last}`;
}
