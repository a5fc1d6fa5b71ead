import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messageOf, usageError } from "../base/errors.ts";
import { git } from "../journal/git.ts";
import { Workspaces } from "../journal/workspaces.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { checkFolder } from "../tools/check-folder.ts";
import { explainFailure, explainSyntax } from "../tools/explain-failure.ts";
import { findLanguage } from "../tools/find-language.ts";
import { isSourceFile, isTestFile, type Language } from "../tools/language.ts";
import { BUILT_IN_LANGUAGES } from "../tools/built-in-languages.ts";
import { type MutantsReport, runMutants } from "../tools/mutants/run-mutants.ts";
import { sha256 } from "./freeze-tests.ts";
import { type BranchCopy, checkBranch, checkBranchTestsFirst, mutatedBranch, runBranchAgain } from "./verify-branch.ts";
import { judgeMutants, MUTANTS_CHECK } from "./judge-mutants.ts";
import { PULL_REQUEST } from "./pull-request.ts";
import { type Receipt, RECEIPT_JSON, RECEIPT_MARKDOWN, receiptSchema, receiptToMarkdown } from "./receipt.ts";
import { FILES_ONLY, whyNotFetched } from "./why-not-fetched.ts";

export const GREEN_CHECK = "the receipt is green";
export const RERUN_CHECK = "the tests pass again, in a clean checkout in the sandbox";

export type Finding = { readonly check: string; readonly ok: boolean; readonly detail: string };

export type Verification = {
  /** True when every check holds and the receipt is green. */
  readonly ok: boolean;
  readonly receipt: Receipt;
  readonly findings: readonly Finding[];
  /** Commits after the receipt, which it says nothing about. */
  readonly laterCommits: number;
  /** Absent when none were asked for, and when something before them does not hold. */
  readonly mutants?: MutantsReport;
};

export type VerifyOptions = {
  readonly sandbox: Sandbox;
  /** Changes the code at so many places and sees whether the frozen tests notice. Default: nothing is changed. */
  readonly mutants?: number | undefined;
  /** The languages that are known here. A receipt can't bring its own: it would say how it is judged. */
  readonly languages?: readonly Language[];
  /** Of a repository with several: whose receipt. Default: what is checked out. */
  readonly branch?: string | undefined;
};

/**
 * Checks a delivered repository against its receipt: that the receipt was added in one commit
 * that follows the verified one and touches nothing else, that commit, tree and frozen tests are
 * the ones it names, and, by running them again in the sandbox, that the tests pass. When asked, also that the tests
 * can fail.
 *
 * Trusts nothing in `directory`: its history is copied first, and none of its hooks, filters or
 * settings ever runs.
 *
 * @throws {AtosError} `workflows/no-receipt` when there is no repository or no receipt to check.
 */
export async function verifyReceipt(
  directory: string,
  { sandbox, mutants: most, languages = BUILT_IN_LANGUAGES, branch }: VerifyOptions,
  signal: AbortSignal,
): Promise<Verification> {
  return withCopy({ directory, languages, branch, signal }, async (copy) => {
    const receiptCommit = await findReceiptCommit(copy);
    const receipt = await readReceipt(copy, receiptCommit);
    const onBranch = branchOf(copy, receipt);
    const findings = [
      ...(await checkCommits(copy, receipt, receiptCommit)),
      ...(await checkFrozenTests(copy, receipt)),
    ];
    if (onBranch !== undefined && findings.every((finding) => finding.ok))
      findings.push(...(await checkBranch(onBranch, receiptCommit)));
    // What follows reads commits that are known to be there only now.
    const whole = findings.every((finding) => finding.ok);
    if (whole && receipt.verdict === "green")
      findings.push(
        await (onBranch === undefined ? checkTestsCameFirst(copy, receipt) : checkBranchTestsFirst(onBranch)),
      );
    const intact = findings.every((finding) => finding.ok);
    findings.push({ check: GREEN_CHECK, ok: receipt.verdict === "green", detail: receipt.why });
    // Running the tests of a repository that is not what the receipt says would prove nothing.
    if (intact) findings.push(await runAgain({ copy, receipt, sandbox }, signal));
    const holds = findings.every((finding) => finding.ok);
    const mutants =
      most === undefined || !holds ? undefined : await tryMutants({ copy, receipt, sandbox, most }, signal);
    if (mutants !== undefined) findings.push({ check: MUTANTS_CHECK, ...judgeMutants(mutants) });
    const later = await git(copy.repository, ["rev-list", "--count", `${receiptCommit}..${copy.tip}`]);
    return {
      ok: findings.every((finding) => finding.ok),
      receipt,
      findings,
      laterCommits: Number(later.trim()),
      ...(mutants === undefined ? {} : { mutants }),
    };
  });
}

/** The receipt of a delivered repository as it stands; nothing is checked but its form. */
export async function readReceiptOf(directory: string, signal?: AbortSignal): Promise<Receipt> {
  return withCopy({ directory, languages: [], signal }, async (copy) =>
    readReceipt(copy, await findReceiptCommit(copy)),
  );
}

/** A private copy of a repository's history. */
type Copy = {
  readonly origin: string;
  readonly repository: string;
  readonly tip: string;
  readonly workspaces: Workspaces;
  readonly scratch: string;
  readonly languages: readonly Language[];
};

type Origin = {
  readonly directory: string;
  readonly languages: readonly Language[];
  readonly branch?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

async function withCopy<T>(
  { directory: origin, languages, branch, signal }: Origin,
  work: (copy: Copy) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), "atos-verify-"));
  try {
    const workspaces = await Workspaces.open(join(scratch, "copy.git"));
    const { repository } = workspaces;
    const revision = branch === undefined ? "HEAD" : `refs/heads/${branch}`;
    const fetch = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", origin, revision];
    await git(repository, fetch, {
      env: FILES_ONLY,
      ...(signal === undefined ? {} : { signal }),
    }).catch(async (error: unknown) => {
      signal?.throwIfAborted();
      throw usageError("workflows/no-receipt", await whyNotFetched({ origin, repository, branch }, error));
    });
    const tip = (await git(repository, ["rev-parse", "FETCH_HEAD"])).trim();
    return await work({ origin, repository, tip, workspaces, scratch, languages });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function findReceiptCommit({ origin, repository, tip }: Copy): Promise<string> {
  const found = await git(repository, ["log", "-1", "--format=%H", tip, "--", RECEIPT_JSON]);
  if (found.trim() === "")
    throw usageError("workflows/no-receipt", `${origin} has no receipt (${RECEIPT_JSON}) in its history`);
  return found.trim();
}

async function readReceipt({ origin, repository }: Copy, commit: string): Promise<Receipt> {
  const text = await git(repository, ["cat-file", "blob", `${commit}:${RECEIPT_JSON}`]).catch((error: unknown) => {
    throw usageError("workflows/no-receipt", `the receipt was removed by commit ${commit}: ${messageOf(error)}`);
  });
  try {
    return receiptSchema.parse(JSON.parse(text));
  } catch (error) {
    throw usageError("workflows/no-receipt", `the receipt in ${origin} can't be read: ${messageOf(error)}`);
  }
}

function branchOf({ workspaces, languages }: Copy, receipt: Receipt): BranchCopy | undefined {
  const { repository: builtOn } = receipt;
  return builtOn === undefined ? undefined : { workspaces, receipt, builtOn, languages };
}

async function checkCommits({ repository }: Copy, receipt: Receipt, receiptCommit: string): Promise<Finding[]> {
  const parents = (await git(repository, ["log", "-1", "--format=%P", receiptCommit])).trim();
  const follows = parents === receipt.commit;
  const findings: Finding[] = [
    {
      check: "the receipt's commit follows the verified one",
      ok: follows,
      detail: `${receiptCommit.slice(0, 10)} follows ${parents.slice(0, 10) || "nothing"}; verified is ${receipt.commit.slice(0, 10)}`,
    },
  ];
  if (!follows) return findings;
  const touched = (
    await git(repository, ["diff-tree", "-r", "-z", "--name-status", "--no-renames", receipt.commit, receiptCommit])
  )
    .split("\0")
    .filter((text) => text !== "");
  // A repository may have the receipt of an earlier build, which is replaced.
  const how = receipt.repository === undefined ? "A" : "[AM]";
  const paths = [...(receipt.repository === undefined ? [] : [PULL_REQUEST]), RECEIPT_JSON, RECEIPT_MARKDOWN];
  const expected = paths.map((path) => `${how}\n${RegExp.escape(path)}`).join("\n");
  findings.push({
    check: "it adds the receipt and touches nothing else",
    ok: new RegExp(`^${expected}$`).test(touched.join("\n")),
    detail: touched.filter((_, index) => index % 2 === 1).join(", "),
  });
  const tree = (await git(repository, ["rev-parse", `${receipt.commit}^{tree}`])).trim();
  findings.push({ check: "the verified tree is the one named", ok: tree === receipt.tree, detail: tree });
  const markdown = await git(repository, ["cat-file", "blob", `${receiptCommit}:${RECEIPT_MARKDOWN}`]).catch(() => "");
  findings.push({
    check: "RECEIPT.md says what the receipt says",
    ok: markdown === receiptToMarkdown(receipt),
    detail: RECEIPT_MARKDOWN,
  });
  return findings;
}

async function checkFrozenTests({ workspaces }: Copy, receipt: Receipt): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { path, sha256: frozen } of receipt.frozenTests) {
    const content = await workspaces.read(receipt.commit, path).catch(() => undefined);
    findings.push({
      check: `${path} is the test that was frozen`,
      ok: content !== undefined && sha256(content) === frozen,
      detail: frozen,
    });
  }
  if (receipt.verdict === "green" && findings.length === 0)
    findings.push({ check: "there are frozen tests", ok: false, detail: "none" });
  return findings;
}

/** The first commit must hold the frozen tests and no code: that is what "before the code" means. */
async function checkTestsCameFirst({ repository, workspaces, languages }: Copy, receipt: Receipt): Promise<Finding> {
  const check = "the tests were committed before any code";
  const roots = (await git(repository, ["rev-list", "--max-parents=0", receipt.commit])).trim().split("\n");
  const root = roots[0] ?? "";
  const language = findLanguage(receipt.verification.language, languages);
  if (roots.length !== 1 || language === undefined)
    return { check, ok: false, detail: `${roots.length} first commits` };
  const paths = await workspaces.list(root);
  const code = paths.filter((path) => isSourceFile(language, path) && !isTestFile(language, path));
  if (code.length > 0) return { check, ok: false, detail: `${root.slice(0, 10)} holds ${code.join(", ")}` };
  for (const { path, sha256: frozen } of receipt.frozenTests) {
    const there = paths.includes(path) && sha256(await workspaces.read(root, path)) === frozen;
    if (!there) return { check, ok: false, detail: `${root.slice(0, 10)} lacks ${path}` };
  }
  return { check, ok: true, detail: root.slice(0, 10) };
}

async function runAgain(
  { copy, receipt, sandbox }: { copy: Copy; receipt: Receipt; sandbox: Sandbox },
  signal: AbortSignal,
): Promise<Finding> {
  const check = RERUN_CHECK;
  const language = findLanguage(receipt.verification.language, copy.languages);
  if (language === undefined)
    return { check, ok: false, detail: `nothing was built (language: ${receipt.verification.language})` };
  const root = join(copy.scratch, "checkout");
  await mkdir(root);
  const onBranch = branchOf(copy, receipt);
  if (onBranch !== undefined)
    return { check, ...(await runBranchAgain({ ...onBranch, sandbox, root, directory: copy.origin }, signal)) };
  await copy.workspaces.checkOut(receipt.commit, root);
  const result = await checkFolder(
    sandbox,
    { root, paths: await copy.workspaces.list(receipt.commit), language },
    signal,
  );
  if (result.kind === "syntax") return { check, ok: false, detail: explainSyntax(result.problems) };
  const { tests } = result.run;
  const { passed, failed } = receipt.verification;
  // Names may differ between pytest and unittest; how many there are may not.
  if (result.run.green && tests.length !== passed + failed) {
    return { check, ok: false, detail: `${tests.length} tests were run; the receipt tells of ${passed + failed}` };
  }
  return {
    check,
    ok: result.run.green,
    detail: result.run.green ? `${tests.length} passed (${result.run.runner})` : explainFailure(result.run),
  };
}

async function tryMutants(
  { copy, receipt, sandbox, most }: { copy: Copy; receipt: Receipt; sandbox: Sandbox; most: number },
  signal: AbortSignal,
): Promise<MutantsReport> {
  const { workspaces, scratch } = copy;
  const language = findLanguage(receipt.verification.language, copy.languages);
  // The run before this one knew it.
  if (language === undefined) throw new Error(`no language is called ${receipt.verification.language}`);
  const tests = receipt.frozenTests.map(({ path }) => path).filter((path) => isTestFile(language, path));
  const onBranch = branchOf(copy, receipt);
  const where = onBranch === undefined ? { sandbox } : await mutatedBranch(onBranch, sandbox, copy.origin);
  const project = { tree: receipt.tree, language, tests, most };
  const { sandbox: shown, ...only } = where;
  return runMutants({ sandbox: shown, workspaces, scratch }, { ...project, ...only }, signal);
}
