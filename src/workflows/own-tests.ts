import type { TestResult, TestRun } from "../tools/run-tests.ts";
import { NO_TEST } from "../tools/test-report.ts";

/** Of a repository's own test files those that pass, and why the others don't. */
export type OwnTests = {
  readonly green: readonly string[];
  readonly red: readonly { readonly path: string; readonly why: string }[];
};

/** A run that comes to nothing is halved; more runs than these are not made. */
const MOST_RUNS = 64;
const MAX_WHY_CHARS = 200;

/**
 * Runs a repository's own test files together. Where the run as a whole comes to nothing (a crash, a limit), halves of
 * it are run, so that one file does not speak for all. Skipped tests are left out: a file is green when something in
 * it passed and nothing failed. `run` runs test files, and is asked for the same ones in the same order each time.
 */
export async function runOwnTests(
  files: readonly string[],
  run: (files: readonly string[]) => Promise<TestRun>,
): Promise<TestRun> {
  const waiting: (readonly string[])[] = [files];
  const tests: TestResult[] = [];
  let runner = "none";
  let durationMs = 0;
  for (let runs = 0; waiting.length > 0; runs++) {
    const group = waiting.shift() ?? [];
    if (runs === MOST_RUNS) {
      tests.push(...[group, ...waiting].flat().map((path) => failed(path, "it was not run: too many others crash")));
      break;
    }
    const done = await run(group);
    runner = done.runner;
    durationMs += done.durationMs;
    const whole = done.tests.find(({ file, outcome }) => file === "" && outcome === "failed");
    if (whole !== undefined && group.length > 1) {
      const middle = Math.ceil(group.length / 2);
      waiting.push(group.slice(0, middle), group.slice(middle));
    } else if (whole !== undefined) tests.push(...group.map((path) => failed(path, whole.message)));
    else tests.push(...done.tests.filter(({ outcome }) => outcome !== "skipped"));
  }
  return { runner, tests, durationMs, green: judgeOwnTests(files, tests).red.length === 0 };
}

/** Pure. */
export function judgeOwnTests(files: readonly string[], tests: readonly TestResult[]): OwnTests {
  const red = files.flatMap((path) => {
    const own = tests.filter(({ file }) => file === path);
    const broken = own.find(({ outcome }) => outcome === "failed");
    if (broken !== undefined) return [{ path, why: broken.message.slice(0, MAX_WHY_CHARS) }];
    return own.length === 0 ? [{ path, why: NO_TEST }] : [];
  });
  const paths = new Set(red.map(({ path }) => path));
  return { green: files.filter((path) => !paths.has(path)), red };
}

function failed(file: string, message: string): TestResult {
  return { file, name: file, outcome: "failed", message };
}
