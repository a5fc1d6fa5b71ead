import type { Sandbox } from "../sandbox/sandbox.ts";
import { isSourceFile, isTestFile, type Language } from "./language.ts";
import { checkSyntax, measureCoverage, runTests, type SyntaxProblem, type TestRun } from "./run-tests.ts";
import type { FileCoverage } from "./test-report.ts";

export type CodeCheck =
  | { readonly kind: "syntax"; readonly problems: readonly SyntaxProblem[] }
  | {
      readonly kind: "tests";
      readonly run: TestRun;
      /** Of the source files that are no tests. Only where it was asked for, the run was green, and it can be told. */
      readonly coverage?: readonly FileCoverage[];
    };

export type Folder = {
  readonly root: string;
  /** The relative paths of its files. */
  readonly paths: readonly string[];
  readonly language: Language;
  /** Runs green tests a second time, to see which lines they reach. */
  readonly coverage?: boolean;
};

/**
 * Parses the source files of a folder and, when all of them parse, runs its test files; all in the sandbox.
 *
 * @throws `tools/python-missing` and `tools/toolchain-missing` where the machine can't run the language.
 */
export async function checkFolder(sandbox: Sandbox, folder: Folder, signal: AbortSignal): Promise<CodeCheck> {
  const { root, language } = folder;
  const sources = folder.paths.filter((path) => isSourceFile(language, path));
  const problems = sources.length === 0 ? [] : await checkSyntax(sandbox, { root, language, files: sources }, signal);
  if (problems.length > 0) return { kind: "syntax", problems };
  const files = folder.paths.filter((path) => isTestFile(language, path));
  const code = { root, language, files, sources };
  const run = await runTests(sandbox, code, signal);
  if (folder.coverage !== true || !run.green) return { kind: "tests", run };
  const covered = sources.filter((path) => !files.includes(path));
  const coverage = await measureCoverage(sandbox, { ...code, covered }, signal);
  return coverage === undefined ? { kind: "tests", run } : { kind: "tests", run, coverage };
}
