import type { ModelIdentity } from "../engine/model.ts";
import type { Review } from "../agents/read-review.ts";
import type { Spec } from "../agents/read-spec.ts";
import { explainFailure, explainSyntax } from "../tools/explain-failure.ts";
import type { BuildRun } from "./build-run.ts";
import { type CheckResult, checkCode } from "./check-code.ts";
import { deliver } from "./deliver.ts";
import { type FrozenTests, sha256 } from "./freeze-tests.ts";
import { type Receipt, RECEIPT_JSON, RECEIPT_MARKDOWN, receiptToJson, receiptToMarkdown } from "./receipt.ts";

/** What the stages before left behind; the later ones are absent in a build that stopped early. */
export type Work = {
  readonly models: readonly ModelIdentity[];
  readonly spec?: Spec | undefined;
  readonly tests?: FrozenTests | undefined;
  /** The last commit; absent when there is nothing to commit. */
  readonly commits: readonly { readonly commit: string; readonly tree: string }[];
  readonly review?: Review | undefined;
  /** Why the build stopped before its end, if it did. */
  readonly stopped?: string | undefined;
};

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
};

/**
 * Final verification on a clean checkout of the delivered commit, then the receipt in one commit
 * of its own, then delivery: on `main` when green, on a branch named for the build when not.
 */
export async function finishBuild(build: BuildRun, work: Work): Promise<BuildResult> {
  const { workspaces } = build.deps;
  const verified = work.commits.at(-1) ?? (await emptyCommit(build));
  const verification =
    work.spec === undefined
      ? undefined
      : await checkCode(build, { name: "verify", task: "verify", tree: verified.tree, language: work.spec.language });
  const endedAtMs = verification?.endedAtMs ?? build.request.createdAtMs;
  const verdict = await judge(build, work, verification);
  const { passed, failed } = countTests(verification);
  const audit = await build.record("verified", {
    type: "verified",
    commit: verified.commit,
    green: verdict.green,
    passed,
    failed,
  });
  const receipt = makeReceipt(build, { work, verified, verification, endedAtMs, audit, ...verdict });
  const branch = verdict.green ? "main" : `atos/${build.id}`;
  const directory = build.request.outDirectory;
  const receiptCommit = await build.effect(
    { name: "deliver", kind: "deliver", task: "deliver", input: { receipt, directory, branch } },
    async () => {
      const tree = await workspaces.write(
        [
          { path: RECEIPT_JSON, content: receiptToJson(receipt) },
          { path: RECEIPT_MARKDOWN, content: receiptToMarkdown(receipt) },
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
      await deliver({ buildId: build.id, repository: workspaces.repository, commit, branch, directory });
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
    durationMs: endedAtMs - build.request.createdAtMs,
  };
}

async function judge(
  build: BuildRun,
  work: Work,
  verification: CheckResult | undefined,
): Promise<{ green: boolean; why: string }> {
  if (work.stopped !== undefined) return { green: false, why: work.stopped };
  if (verification === undefined || work.tests === undefined)
    return { green: false, why: "there is nothing to verify" };
  const tree = work.commits.at(-1)?.tree ?? "";
  const paths = new Set(await build.deps.workspaces.list(tree));
  for (const { path, sha256: frozen } of work.tests.hashes) {
    if (!paths.has(path) || sha256(await build.deps.workspaces.read(tree, path)) !== frozen)
      return { green: false, why: `${path} is not the file that was frozen` };
  }
  const { check } = verification;
  if (check.kind === "syntax") return { green: false, why: explainSyntax(check.problems) };
  if (!check.run.green) return { green: false, why: explainFailure(check.run) };
  return {
    green: true,
    why: "The acceptance tests, frozen before the code was written, pass on this commit in a clean checkout.",
  };
}

function makeReceipt(
  build: BuildRun,
  found: {
    work: Work;
    verified: { commit: string; tree: string };
    verification: CheckResult | undefined;
    endedAtMs: number;
    audit: NonNullable<Receipt["audit"]>;
    green: boolean;
    why: string;
  },
): Receipt {
  const { work, verified, verification } = found;
  const run = verification?.check.kind === "tests" ? verification.check.run : undefined;
  const tests = run?.tests ?? [];
  const { review } = work;
  return {
    format: "atos-receipt/1",
    build: build.id,
    verdict: found.green ? "green" : "red",
    why: found.why,
    goal: build.request.goal,
    criteria: [...(work.spec?.criteria ?? [])],
    commit: verified.commit,
    tree: verified.tree,
    frozenTests: [...(work.tests?.hashes ?? [])],
    verification: {
      language: work.spec?.language ?? "none",
      runner: run?.runner ?? "none",
      sandbox: verification?.sandbox ?? "none",
      ...countTests(verification),
      tests: tests.map((test) => ({ ...test, message: test.message.slice(0, 500) })),
    },
    review:
      review === undefined ? null : { score: review.score, verdict: review.verdict, findings: [...review.findings] },
    models: work.models.map((model) => ({ ...model })),
    turns: build.turns,
    tokens: build.tokens,
    audit: found.audit,
    startedAt: new Date(build.request.createdAtMs).toISOString(),
    finishedAt: new Date(found.endedAtMs).toISOString(),
  };
}

function countTests(verification: CheckResult | undefined): { readonly passed: number; readonly failed: number } {
  const tests = verification?.check.kind === "tests" ? verification.check.run.tests : [];
  const passed = tests.filter((test) => test.outcome === "passed").length;
  return { passed, failed: tests.length - passed };
}

/** A build that stopped before its first file still delivers its red receipt. */
async function emptyCommit(build: BuildRun): Promise<{ commit: string; tree: string }> {
  const tree = await build.deps.workspaces.write([]);
  const at = new Date(build.request.createdAtMs);
  return {
    tree,
    commit: await build.deps.workspaces.commit({ tree, parents: [], message: "Nothing was built\n", at }),
  };
}
