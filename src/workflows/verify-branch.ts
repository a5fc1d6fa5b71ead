import { git } from "../journal/git.ts";
import type { Workspaces } from "../journal/workspaces.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { explainFailure, explainSyntax } from "../tools/explain-failure.ts";
import { findLanguage } from "../tools/find-language.ts";
import { isSourceFile, type Language } from "../tools/language.ts";
import { checkSyntax, runTests } from "../tools/run-tests.ts";
import { sha256 } from "./freeze-tests.ts";
import { runOwnTests } from "./own-tests.ts";
import { presentDependencies, showDependencies, withPackages } from "./project-dependencies.ts";
import { PULL_REQUEST } from "./pull-request.ts";
import type { Receipt } from "./receipt.ts";
import type { Finding } from "./verify-receipt.ts";

/** A copy of the history to check, and the repository's part of its receipt. */
export type BranchCopy = {
  readonly workspaces: Workspaces;
  readonly receipt: Receipt;
  readonly builtOn: NonNullable<Receipt["repository"]>;
  readonly languages: readonly Language[];
};

/** What a branch of an existing repository must hold besides: its summary, and that repository's tests as they were. */
export async function checkBranch(
  { workspaces, receipt, builtOn }: BranchCopy,
  receiptCommit: string,
): Promise<readonly Finding[]> {
  const summary = await workspaces.read(receiptCommit, PULL_REQUEST).catch(() => undefined);
  const told: Finding = {
    check: `${PULL_REQUEST} is the one of this build`,
    ok: summary !== undefined && sha256(summary) === builtOn.pullRequest,
    detail: PULL_REQUEST,
  };
  const { base } = builtOn;
  const { repository } = workspaces;
  const follows = await git(repository, ["merge-base", "--is-ancestor", base, receipt.commit]).then(
    () => true,
    () => false,
  );
  const begins = { check: "the branch begins with the commit it was built on", ok: follows, detail: base.slice(0, 10) };
  if (!follows) return [told, begins];
  const changed = new Set((await workspaces.changedPaths(base, receipt.commit)).map(({ path }) => path));
  const touched = builtOn.greenTests.filter((path) => changed.has(path));
  const kept = {
    check: "the repository's own tests are as they were",
    ok: touched.length === 0,
    detail: touched.length === 0 ? `${builtOn.greenTests.length} that passed before` : touched.join(", "),
  };
  return [told, begins, kept];
}

/** The first commit of the branch must add the frozen tests and nothing else: that is what "before the code" means. */
export async function checkBranchTestsFirst({ workspaces, receipt, builtOn }: BranchCopy): Promise<Finding> {
  const check = "the tests were committed before any code";
  const { base } = builtOn;
  const out = await git(workspaces.repository, ["rev-list", "--parents", `${base}..${receipt.commit}`]);
  const commits = out
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  const own = new Set(commits.map(([commit = ""]) => commit));
  const firsts = commits.filter(([, ...parents]) => !parents.some((parent) => own.has(parent)));
  const [first = "", ...parents] = firsts[0] ?? [];
  if (firsts.length !== 1 || parents.join() !== base)
    return { check, ok: false, detail: `${firsts.length} first commits` };
  const changes = await workspaces.changedPaths(base, first);
  const frozen = new Map(receipt.frozenTests.map(({ path, sha256: hash }) => [path, hash]));
  for (const { path, kind } of changes) {
    const there = kind === "added" && sha256(await workspaces.read(first, path)) === frozen.get(path);
    if (!there) return { check, ok: false, detail: `${first.slice(0, 10)} holds ${path}, which is no frozen test` };
  }
  const ok = changes.length === frozen.size;
  return { check, ok, detail: ok ? first.slice(0, 10) : `${first.slice(0, 10)} lacks a frozen test` };
}

type Again = BranchCopy & {
  readonly sandbox: Sandbox;
  /** An empty folder, and the repository that its packages are beside. */
  readonly root: string;
  readonly directory: string;
};

/** Runs the frozen tests and the repository's own green ones again, in a clean checkout; the packages beside it are shown. */
export async function runBranchAgain(
  { workspaces, receipt, builtOn, languages, sandbox: plain, root, directory }: Again,
  signal: AbortSignal,
): Promise<Omit<Finding, "check">> {
  const language = findLanguage(receipt.verification.language, languages);
  const ownLanguage = builtOn.greenTests.length === 0 ? language : findLanguage(builtOn.language, languages);
  if (language === undefined || ownLanguage === undefined)
    return { ok: false, detail: `nothing was built (language: ${receipt.verification.language})` };
  await workspaces.checkOut(receipt.commit, root);
  const dependencies = await presentDependencies({ directory, dependencies: builtOn.dependencies });
  const sandbox = await showDependencies(plain, root, { directory, dependencies });
  const changes = await workspaces.changedPaths(builtOn.base, receipt.commit);
  const written = changes.filter(({ path, kind }) => kind !== "removed" && isSourceFile(language, path));
  const files = written.map(({ path }) => path);
  const problems = files.length === 0 ? [] : await checkSyntax(sandbox, { root, language, files }, signal);
  if (problems.length > 0) return { ok: false, detail: explainSyntax(problems) };
  const sources = (await workspaces.list(receipt.commit)).filter((path) => isSourceFile(language, path));
  const frozen = receipt.frozenTests.map(({ path }) => path);
  const run = await runTests(sandbox, { root, language, files: frozen, sources }, signal);
  if (!run.green) return { ok: false, detail: explainFailure(run) };
  const own =
    builtOn.greenTests.length === 0
      ? undefined
      : await runOwnTests(builtOn.greenTests, (some) =>
          runTests(sandbox, { root, language: ownLanguage, files: some }, signal),
        );
  if (own?.green === false) return { ok: false, detail: explainFailure(own) };
  const count = run.tests.length + (own?.tests.length ?? 0);
  const { passed, failed } = receipt.verification;
  // Names may differ between pytest and unittest; how many there are may not.
  if (count !== passed + failed)
    return { ok: false, detail: `${count} tests were run; the receipt tells of ${passed + failed}` };
  const packages = dependencies.map(({ path }) => path).join(", ");
  const besides = packages === "" ? "" : `, with packages that are not in the commit: ${packages}`;
  return { ok: true, detail: `${count} passed (${run.runner})${besides}` };
}

/** What mutants of a branch are made of, and where they run: the files it changed, with the packages its tests saw. */
export async function mutatedBranch(
  { workspaces, receipt, builtOn }: BranchCopy,
  sandbox: Sandbox,
  directory: string,
): Promise<{ readonly sandbox: Sandbox; readonly only: readonly string[] }> {
  const changes = await workspaces.changedPaths(builtOn.base, receipt.commit);
  const only = changes.filter(({ kind }) => kind !== "removed").map(({ path }) => path);
  return { sandbox: withPackages(sandbox, { directory, dependencies: builtOn.dependencies }), only };
}
