import type { FileCoverage } from "../tools/test-report.ts";
import { explainFailure, explainSyntax } from "../tools/explain-failure.ts";
import { isSourceFile, isTestFile, type Language } from "../tools/language.ts";
import { findLint } from "../tools/find-lint.ts";
import { type LintResult, runLint } from "../tools/run-lint.ts";
import {
  checkSyntax,
  languageVersion,
  measureCoverage,
  runTests,
  type SyntaxProblem,
  type TestRun,
} from "../tools/run-tests.ts";
import { type Checkout, inCheckout, ownPaths, packagesOf, testsRan } from "./check-code.ts";
import { runOwnTests } from "./own-tests.ts";
import { presentEnvironment } from "./project-dependencies.ts";
import type { Strand } from "./strand.ts";

/** What was found in a clean checkout of what is delivered. */
export type Verification = {
  readonly problems: readonly SyntaxProblem[];
  /** The frozen tests; absent when nothing was run. */
  readonly acceptance: TestRun | undefined;
  /** Tests that the repository had before; absent where it had none. */
  readonly own: TestRun | undefined;
  readonly lints: readonly LintResult[];
  readonly coverage: readonly FileCoverage[] | undefined;
  /** What the frozen tests were run by, in its own words. Absent when nothing was run. */
  readonly toolchain?: string;
  readonly sandbox: string;
  /** Milliseconds since 1970. */
  readonly endedAtMs: number;
};

export type VerifyRequest = {
  readonly tree: string;
  readonly language: Language;
  readonly frozen: readonly string[];
  /** Tests that were green before the build, and must be after it; the language is the repository's. */
  readonly own: { readonly language: Language; readonly files: readonly string[] } | undefined;
};

/** Checks everything once more, in a clean checkout. A recorded step; no limit keeps it from being done. */
export function verifyBuild(strand: Strand, request: VerifyRequest): Promise<Verification> {
  const { tree, language, frozen, own } = request;
  const input = { tree, language: language.id, frozen, own: own?.files ?? [] };
  return strand.effect<Verification>({ name: "verify", kind: "tests", task: "verify", input }, () =>
    inCheckout(strand.build, tree, async (checkout) => {
      const result = await verifyCheckout(strand, request, checkout);
      const events = [result.acceptance, result.own].flatMap((run) =>
        run === undefined ? [] : [testsRan("verify", "verify", run)],
      );
      return { result, events };
    }),
  );
}

async function verifyCheckout(
  strand: Strand,
  { tree, language, frozen, own }: VerifyRequest,
  { root, paths, sandbox }: Checkout,
): Promise<Verification> {
  const { signal, build } = strand;
  const sources = paths.filter((path) => isSourceFile(language, path));
  const written = (await ownPaths(build, tree, paths)).filter((path) => isSourceFile(language, path));
  const problems = written.length === 0 ? [] : await checkSyntax(sandbox, { root, language, files: written }, signal);
  const code = { root, language, sources };
  const parsed = problems.length === 0;
  const acceptance =
    parsed && frozen.length > 0 ? await runTests(sandbox, { ...code, files: frozen }, signal) : undefined;
  const before =
    parsed && own !== undefined
      ? await runOwnTests(own.files, (files) => runTests(sandbox, { root, language: own.language, files }, signal))
      : undefined;
  const toolchain = acceptance === undefined ? undefined : await languageVersion(sandbox, { root, language }, signal);
  const covered = written.filter((path) => !isTestFile(language, path));
  const coverage =
    acceptance?.green === true && covered.length > 0
      ? await measureCoverage(sandbox, { ...code, files: frozen, covered }, signal)
      : undefined;
  // The last, because a lint may change what it looks at.
  const lints = parsed ? await lintsOf(strand, { tree, language }, { root, paths, sandbox }) : [];
  const endedAtMs = build.deps.journal.now().getTime();
  const result = { problems, acceptance, own: before, lints, coverage, sandbox: sandbox.level, endedAtMs };
  return toolchain === undefined ? result : { ...result, toolchain };
}

/** What the project itself asks for. */
async function lintsOf(
  strand: Strand,
  { tree, language }: Pick<VerifyRequest, "tree" | "language">,
  { root, paths, sandbox }: Checkout,
): Promise<readonly LintResult[]> {
  const texts = new Map((await strand.texts(tree)).map(({ path, content }) => [path, content]));
  const environment = await presentEnvironment(packagesOf(strand.build));
  const results: LintResult[] = [];
  for (const lint of findLint(paths, (path) => texts.get(path) ?? "", language))
    results.push(await runLint(sandbox, { root, lint, language, environment }, strand.signal));
  return results;
}

/** Why a verification is red, or undefined. A lint that fails is told and does not make it red: it is no test. Pure. */
export function redReason({ problems, acceptance, own }: Verification): string | undefined {
  if (problems.length > 0) return explainSyntax(problems);
  if (acceptance === undefined) return "there is no acceptance test";
  if (!acceptance.green) return explainFailure(acceptance);
  if (own?.green === false) return `the repository's own tests, green before: ${explainFailure(own)}`;
  return undefined;
}
