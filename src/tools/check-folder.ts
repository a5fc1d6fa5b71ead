import type { Sandbox } from "../sandbox/sandbox.ts";
import { type LanguageId, LANGUAGES } from "./language.ts";
import { checkSyntax, runTests, type SyntaxProblem, type TestRun } from "./run-tests.ts";

export type CodeCheck =
  | { readonly kind: "syntax"; readonly problems: readonly SyntaxProblem[] }
  | { readonly kind: "tests"; readonly run: TestRun };

export type Folder = {
  readonly root: string;
  /** The relative paths of its files. */
  readonly paths: readonly string[];
  readonly language: LanguageId;
};

/** Parses the source files of a folder and, when all of them parse, runs its test files; all in the sandbox. */
export async function checkFolder(sandbox: Sandbox, folder: Folder, signal: AbortSignal): Promise<CodeCheck> {
  const { root } = folder;
  const language = LANGUAGES[folder.language];
  const sources = folder.paths.filter((path) => language.isSourceFile(path));
  const problems = sources.length === 0 ? [] : await checkSyntax(sandbox, { root, language, files: sources }, signal);
  if (problems.length > 0) return { kind: "syntax", problems };
  const tests = folder.paths.filter((path) => language.isTestFile(path));
  return { kind: "tests", run: await runTests(sandbox, { root, language, files: tests }, signal) };
}
