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

const testReport = z.object({ runner: z.string(), durationMs: z.number(), tests: z.array(reportedTest) });
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
 * is one failed test; both say so. Pure.
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
  if (!parsed.success || report.limitHit !== undefined) {
    const tests = [failed("", "test run", explainRun(report))];
    return { runner: "none", tests, durationMs: report.durationMs };
  }
  const { runner, tests: reported, durationMs } = parsed.data;
  const silent = files.filter((file) => !reported.some((test) => test.file === file));
  const tests = [...reported, ...silent.map((file) => failed(file, file, NO_TEST))];
  if (tests.length === 0) tests.push(failed("", "test run", NO_TEST));
  return { runner, tests, durationMs };
}

/** Why a run has no report. */
export function explainRun(report: SandboxReport): string {
  if (report.limitHit === "wall") return `timeout: no result after ${Math.round(report.durationMs / 1000)} s`;
  if (report.limitHit !== undefined) return `stopped: it went over its ${report.limitHit} limit`;
  const last = `${report.stdout}\n${report.stderr}`.trim().split("\n").slice(-3).join(" ");
  return `the run ended (exit ${report.exitCode ?? "by a signal"}) without a report: ${last}`;
}
