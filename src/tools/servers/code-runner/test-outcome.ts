import { z } from "zod";
import { SANDBOX_LEVELS, type SandboxReport } from "../../../sandbox/sandbox.ts";
import type { TestReport } from "../../test-report.ts";
import type { ToolResult } from "../../tool.ts";
import { tailOf } from "../shell/command-outcome.ts";

const MAX_TESTS = 500;
const MAX_MESSAGE = 1000;
const MAX_OUTPUT = 8000;
const MAX_LEFT_OPEN = 20;
/** For a model. */
const MAX_TOLD = 5;
const MAX_TOLD_MESSAGE = 300;
const MAX_TOLD_OUTPUT = 1500;

/** What a run of tests came to, as programs read it. */
export const testOutcome = z.object({
  passed: z.int(),
  failed: z.int(),
  /** Tests and files that could not be run at all. */
  errors: z.int(),
  skipped: z.int(),
  /** The first 500, those that did not pass before the others. */
  tests: z.array(
    z.object({
      file: z.string(),
      name: z.string(),
      outcome: z.enum(["passed", "failed", "error", "skipped"]),
      message: z.string(),
    }),
  ),
  /** What the code and the runner wrote, its end. */
  output_tail: z.string(),
  duration_ms: z.int(),
  framework: z.string(),
  /** What tests of Node left running when they had ended. */
  left_open: z.array(z.string()).optional(),
  limit_hit: z.enum(["wall", "cpu", "memory", "disk", "file", "output"]).optional(),
  level: z.enum(SANDBOX_LEVELS),
});
type TestOutcome = z.infer<typeof testOutcome>;

export type TestsRun = Pick<TestReport, "runner" | "durationMs" | "tests" | "leftOpen"> & {
  /** What the code and the runner wrote. */
  readonly output: string;
  readonly report: Pick<SandboxReport, "limitHit" | "level">;
};

const ORDER = { error: 0, failed: 1, skipped: 2, passed: 3 } as const;

/** A run of tests as a tool's result. Red tests are a result too. Pure. */
export function outcomeOfTests({ report, output: written, ...read }: TestsRun): ToolResult<TestOutcome> {
  const tests = read.tests
    .map(({ file, name, outcome, message, error }) => ({
      file,
      name: name.slice(0, MAX_MESSAGE),
      outcome: error ? ("error" as const) : outcome,
      message: message.slice(0, MAX_MESSAGE),
    }))
    .toSorted((one, other) => ORDER[one.outcome] - ORDER[other.outcome]);
  const count = (outcome: keyof typeof ORDER) => tests.filter((test) => test.outcome === outcome).length;
  const output: TestOutcome = {
    passed: count("passed"),
    failed: count("failed"),
    errors: count("error"),
    skipped: count("skipped"),
    tests: tests.slice(0, MAX_TESTS),
    output_tail: tailOf(written, MAX_OUTPUT),
    duration_ms: Math.round(read.durationMs),
    framework: read.runner,
    ...(read.leftOpen.length === 0 ? {} : { left_open: read.leftOpen.slice(0, MAX_LEFT_OPEN) }),
    ...(report.limitHit === undefined ? {} : { limit_hit: report.limitHit }),
    level: report.level,
  };
  return { ok: true, output, text: textOf(output) };
}

function textOf(outcome: TestOutcome): string {
  const { passed, failed, errors, skipped, framework, tests, output_tail, left_open = [] } = outcome;
  const lines = [`${passed} passed, ${failed} failed, ${errors} errors, ${skipped} skipped (${framework})`];
  if (left_open.length > 0)
    lines.push(
      `Left open when the tests had ended: ${left_open.join(", ")}; end it in after(), or the run may not end.`,
    );
  if (failed + errors === 0) return lines.join("\n");
  const bad = tests.filter(({ outcome }) => outcome === "failed" || outcome === "error");
  for (const { file, name, outcome, message } of bad.slice(0, MAX_TOLD)) {
    const place = file === "" || file === name ? name : `${file} ${name}`;
    lines.push(`${outcome.toUpperCase()} ${place}: ${message.slice(0, MAX_TOLD_MESSAGE)}`);
  }
  if (bad.length > MAX_TOLD) lines.push(`and ${bad.length - MAX_TOLD} more`);
  if (output_tail !== "") lines.push("Output:", tailOf(output_tail, MAX_TOLD_OUTPUT));
  return lines.join("\n");
}
