import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { SandboxReport } from "../sandbox/sandbox.ts";

/** What is said of a file, or a run, in which there was nothing to run. */
export const NO_TEST = "no test was found";

/** A line of the project's own code. */
const codePlace = z.object({ file: z.string(), line: z.number() });
export type CodePlace = z.infer<typeof codePlace>;

/** How many lines of a source file there are to reach, and how many the tests reached. */
const fileCoverage = z.object({ path: z.string(), lines: z.number(), covered: z.number() });
export type FileCoverage = z.infer<typeof fileCoverage>;

const reportedTest = z.object({
  file: z.string(),
  name: z.string(),
  outcome: z.enum(["passed", "failed", "skipped"]),
  message: z.string(),
  /** It failed without having been run: its file was not loaded, or what goes before it failed. */
  error: z.boolean(),
  /** Where it failed: the deepest place in the project. */
  at: codePlace.optional(),
});
export type ReportedTest = z.infer<typeof reportedTest>;

const testReport = z.object({
  runner: z.string(),
  durationMs: z.number(),
  tests: z.array(reportedTest),
  /** What the tests left running when they had ended, in the runner's words. */
  leftOpen: z.array(z.string()).default([]),
  /** Only where it was asked for. */
  coverage: z.array(fileCoverage).optional(),
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
  if (!parsed.success) {
    const tests = [failedRun(explainRun(report))];
    return { runner: "none", tests, durationMs: report.durationMs, leftOpen: [] };
  }
  return { ...parsed.data, tests: completed(parsed.data.tests, { report, mark, files }) };
}

type RunOfFiles = { readonly report: SandboxReport; readonly mark: string; readonly files: readonly string[] };

/** With a failed test for each file that has none, for a run without any, and for one that ended badly. Pure. */
export function completed(reported: readonly ReportedTest[], { report, mark, files }: RunOfFiles): ReportedTest[] {
  const heard = new Set(reported.map(({ file }) => file));
  const silent = files.filter((file) => !heard.has(file));
  const tests = [...reported, ...silent.map((file) => failed(file, file, NO_TEST))];
  if (tests.length === 0) tests.push(failedRun(NO_TEST));
  if (report.exitCode !== 0 && tests.every((test) => test.outcome !== "failed"))
    tests.push(failedRun(explainEnd(report, mark)));
  return tests;
}

/** A run that failed as a whole. Pure. */
export function failedRun(message: string): ReportedTest {
  return failed("", "test run", message);
}

function failed(file: string, name: string, message: string): ReportedTest {
  return { file, name, outcome: "failed", message, error: true };
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
