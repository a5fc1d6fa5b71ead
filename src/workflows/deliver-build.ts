import { showFinding } from "../agents/read-review.ts";
import type { TestResult } from "../tools/run-tests.ts";
import { trailHead } from "../journal/audit-chain.ts";
import type { Work } from "./build-work.ts";
import { deliver } from "./deliver.ts";
import { changedLines } from "./changed-lines.ts";
import { deliverToRepository } from "./deliver-to-repository.ts";
import { sha256 } from "./freeze-tests.ts";
import { PULL_REQUEST, pullRequestText } from "./pull-request.ts";
import { type Receipt, RECEIPT_JSON, RECEIPT_MARKDOWN, receiptToJson, receiptToMarkdown } from "./receipt.ts";
import type { Commit } from "./run-tasks.ts";
import type { Strand } from "./strand.ts";
import { redReason } from "./verify-build.ts";

export type BuildResult = {
  readonly outcome: "green" | "red";
  readonly why: string;
  readonly directory: string;
  readonly branch: string;
  readonly commit: string;
  readonly receiptCommit: string;
  readonly passed: number;
  readonly failed: number;
  readonly turns: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly durationMs: number;
  /** Of a build on an existing repository: what a pull request may say. */
  readonly summary?: string;
};

type Verdict = { readonly green: boolean; readonly why: string };

/**
 * The receipt in one commit of its own, then delivery: a new repository on `main` when green, on a branch named for
 * the build when not; an existing one always on a branch.
 */
export async function deliverBuild(strand: Strand, work: Work): Promise<BuildResult> {
  const { build } = strand;
  const { workspaces } = build.deps;
  const { repository } = work;
  const verified = work.merging?.line ?? work.frozen ?? (await emptyCommit(strand, work));
  const verdict = await judge(strand, work, verified.tree);
  const { passed, failed } = countTests(work);
  const audit = await strand.once("verified", async (trx) => {
    const { commit } = verified;
    const { seq, hash } = await trailHead(trx, build.id);
    const event = { type: "verified", commit, green: verdict.green, passed, failed } as const;
    return { result: { events: seq, head: hash }, events: [event] };
  });
  const drafted = makeReceipt(strand, work, { verified, audit, ...verdict });
  const made = await summaryOf(strand, work, drafted);
  // Made by git, which another day may count otherwise; what is recorded counts.
  const summary =
    made === undefined ? undefined : await strand.once("summary", async () => ({ result: made, events: [] }));
  const receipt = { ...drafted, ...builtOn(strand, work, summary) };
  const branch = build.request.repository?.branch ?? (verdict.green ? "main" : `atos/${build.id}`);
  const directory = build.request.outDirectory;
  const receiptCommit = await strand.effect(
    { name: "deliver", kind: "deliver", task: "deliver", input: { receipt, directory, branch } },
    async () => {
      const tree = await workspaces.write(
        [
          { path: RECEIPT_JSON, content: receiptToJson(receipt) },
          { path: RECEIPT_MARKDOWN, content: receiptToMarkdown(receipt) },
          ...(summary === undefined ? [] : [{ path: PULL_REQUEST, content: summary }]),
        ],
        verified.tree,
      );
      const commit = await workspaces.commit({
        tree,
        parents: [verified.commit],
        message: `Receipt: ${receipt.verdict}\n`,
        at: new Date(build.request.createdAtMs),
      });
      await workspaces.setBranch(`builds/${build.id}`, commit);
      const delivery = { buildId: build.id, repository: workspaces.repository, commit, branch, directory };
      await (repository === undefined ? deliver(delivery) : deliverToRepository(delivery, repository.commit));
      return { result: commit, events: [{ type: "delivered", directory, branch, receiptCommit: commit }] };
    },
  );
  return {
    outcome: receipt.verdict,
    why: receipt.why,
    directory,
    branch,
    commit: verified.commit,
    receiptCommit,
    passed,
    failed,
    turns: receipt.turns,
    promptTokens: receipt.tokens.prompt,
    outputTokens: receipt.tokens.output,
    durationMs: endedAtMs(strand, work) - build.request.createdAtMs,
    ...(summary === undefined ? {} : { summary }),
  };
}

/** What a pull request may say of a build on an existing repository. */
async function summaryOf({ build }: Strand, work: Work, receipt: Receipt): Promise<string | undefined> {
  const { repository, spec, results } = work;
  const branch = build.request.repository?.branch;
  if (repository === undefined || branch === undefined) return undefined;
  const changes = await changedLines(build.deps.workspaces, repository.tree, receipt.tree);
  const tasks = results.map(({ package: { task }, state }) => ({ id: task.id, description: task.description, state }));
  const { redTests } = repository;
  return pullRequestText({ summary: spec?.summary ?? "", tasks, changes, branch, receipt, redTests });
}

function builtOn({ build }: Strand, { repository }: Work, summary: string | undefined): Pick<Receipt, "repository"> {
  const branch = build.request.repository?.branch;
  if (repository === undefined || branch === undefined || summary === undefined) return {};
  const { commit: base, language, greenTests, redTests, dependencies } = repository;
  return {
    repository: {
      base,
      branch,
      language: language ?? "none",
      greenTests: [...greenTests],
      redTests: redTests.map((one) => ({ ...one })),
      dependencies: dependencies.map((one) => ({ ...one })),
      pullRequest: sha256(summary),
    },
  };
}

async function judge(strand: Strand, work: Work, tree: string): Promise<Verdict> {
  const { tests, verification, stopped } = work;
  if (stopped !== undefined) return { green: false, why: stopped };
  if (verification === undefined || tests === undefined) return { green: false, why: "there is nothing to verify" };
  const { workspaces } = strand.build.deps;
  const paths = new Set(await workspaces.list(tree));
  for (const { path, sha256: frozen } of tests.hashes) {
    if (!paths.has(path) || sha256(await workspaces.read(tree, path)) !== frozen)
      return { green: false, why: `${path} is not the file that was frozen` };
  }
  for (const path of work.repository?.greenTests ?? []) {
    const before = await workspaces.read(work.repository?.tree ?? tree, path);
    if (!paths.has(path) || (await workspaces.read(tree, path)) !== before)
      return { green: false, why: `${path}, a test that the repository had before, is not as it was` };
  }
  const why = redReason(verification);
  if (why !== undefined) return { green: false, why };
  const frozen = "The acceptance tests, frozen before the code was written, pass on this commit in a clean checkout";
  const own = verification.own === undefined ? "" : ", as do the repository's own tests that passed before";
  return { green: true, why: `${frozen}${own}.` };
}

type Found = Verdict & { readonly verified: Commit; readonly audit: NonNullable<Receipt["audit"]> };

function makeReceipt(strand: Strand, work: Work, { verified, audit, green, why }: Found): Receipt {
  const { build } = strand;
  const { verification, spec, tests } = work;
  return {
    format: "atos-receipt/1",
    build: build.id,
    verdict: green ? "green" : "red",
    why,
    goal: build.request.goal,
    criteria: [...(spec?.criteria ?? [])],
    reviewed: work.reviewed,
    commit: verified.commit,
    tree: verified.tree,
    frozenTests: [...(tests?.hashes ?? [])],
    verification: {
      language: spec?.language ?? "none",
      runner: verification?.acceptance?.runner ?? "none",
      sandbox: verification?.sandbox ?? "none",
      ...countTests(work),
      tests: testsOf(work).map(({ name, outcome, message }) => ({ name, outcome, message: message.slice(0, 500) })),
    },
    checks: checksOf(work),
    ...(verification?.coverage === undefined ? {} : { coverage: verification.coverage.map((one) => ({ ...one })) }),
    tasks: work.results.map(({ package: one, state, tier, model, samples, rounds, why: told }) => ({
      id: one.task.id,
      state,
      tier,
      model: model ?? "",
      samples,
      rounds,
      ...(state === "green" ? {} : { why: told }),
    })),
    review: reviewOf(work),
    models: work.models.map((model) => ({ ...model })),
    turns: build.turns,
    tokens: build.tokens,
    audit,
    startedAt: new Date(build.request.createdAtMs).toISOString(),
    finishedAt: new Date(endedAtMs(strand, work)).toISOString(),
  };
}

/** What was checked in the clean checkout, and how it ended. */
function checksOf({ verification, tests, repository }: Work): NonNullable<Receipt["checks"]> {
  if (verification === undefined) return [];
  const { problems, acceptance, own, lints, toolchain } = verification;
  const ended = (run: { readonly green: boolean } | undefined) =>
    run === undefined ? "not run" : run.green ? "passed" : "failed";
  return [
    { what: "syntax", outcome: problems.length === 0 ? "passed" : "failed" },
    { what: `${tests?.hashes.length ?? 0} frozen test files`, outcome: ended(acceptance) },
    ...(repository === undefined
      ? []
      : [{ what: `${repository.greenTests.length} test files of the repository`, outcome: ended(own) }]),
    ...(toolchain === undefined ? [] : [{ what: "toolchain", outcome: toolchain }]),
    ...lints.map((lint) => ({
      what: `lint: ${lint.what}`,
      outcome: lint.kind === "not-run" ? `not run: ${lint.why}` : lint.kind,
    })),
  ];
}

/** The weakest verdict counts; findings of all tasks are kept. */
function reviewOf({ results }: Work): Receipt["review"] {
  const reviews = results.flatMap(({ review }) => (review === undefined ? [] : [review]));
  const [weakest] = reviews.toSorted((a, b) => a.score - b.score);
  if (weakest === undefined) return null;
  const verdict = reviews.some((review) => review.verdict === "revise") ? "revise" : "accept";
  return { score: weakest.score, verdict, findings: reviews.flatMap(({ findings }) => findings.map(showFinding)) };
}

function testsOf({ verification }: Work): readonly TestResult[] {
  return [...(verification?.acceptance?.tests ?? []), ...(verification?.own?.tests ?? [])];
}

function countTests(work: Work): { readonly passed: number; readonly failed: number } {
  const problems = work.verification?.problems.length ?? 0;
  const tests = testsOf(work);
  const passed = tests.filter((test) => test.outcome === "passed").length;
  return { passed, failed: tests.length - passed + problems };
}

function endedAtMs(strand: Strand, { verification }: Work): number {
  return verification?.endedAtMs ?? strand.build.request.createdAtMs;
}

/** A build that stopped before its first file still delivers its red receipt. */
async function emptyCommit(strand: Strand, work: Work): Promise<Commit> {
  const { repository } = work;
  if (repository !== undefined) return { commit: repository.commit, tree: repository.tree };
  const { workspaces } = strand.build.deps;
  const tree = work.tests?.tree ?? work.beginning?.tree ?? (await workspaces.write([]));
  return strand.commit("nothing/commit", { tree, parents: [], message: "Nothing was built\n" });
}
