import { z } from "zod";
import { TASK_TIERS } from "../base/task.ts";
import { DEPENDENCY_PATH } from "./project-dependencies.ts";

const testFileSchema = z.object({ path: z.string(), sha256: z.string() });

/** The proof that a build's result was verified, or the honest account of why it was not. */
export const receiptSchema = z.object({
  format: z.literal("atos-receipt/1"),
  build: z.string(),
  verdict: z.enum(["green", "red"]),
  /** Why, in one sentence. */
  why: z.string(),
  goal: z.string(),
  /** What must be true, as written before the tests. */
  criteria: z.array(z.string()),
  /** Whether a person looked at plan and tests before there was code. Absent before 0.3. */
  reviewed: z.enum(["accepted", "edited", "resumed", "not asked"]).optional(),
  /** The commit and tree that were verified, in a clean checkout. */
  commit: z.string(),
  tree: z.string(),
  /** Written and frozen before the code; hashes of their bytes. */
  frozenTests: z.array(testFileSchema),
  verification: z.object({
    language: z.string(),
    runner: z.string(),
    sandbox: z.string(),
    passed: z.number(),
    failed: z.number(),
    tests: z.array(
      z.object({ name: z.string(), outcome: z.enum(["passed", "failed", "skipped"]), message: z.string() }),
    ),
  }),
  /** All that was checked in the clean checkout, and how it ended. Absent before 0.3. */
  checks: z.array(z.object({ what: z.string(), outcome: z.string() })).optional(),
  /** Lines of each source file that the frozen tests reach. */
  coverage: z.array(z.object({ path: z.string(), lines: z.number(), covered: z.number() })).optional(),
  tasks: z
    .array(
      z.object({
        id: z.string(),
        state: z.enum(["green", "red", "skipped", "stopped"]),
        tier: z.enum(TASK_TIERS),
        model: z.string(),
        samples: z.number(),
        rounds: z.number(),
        why: z.string().optional(),
      }),
    )
    .optional(),
  /** What a build on an existing repository began with. Absent for a new one. */
  repository: z
    .object({
      /** The commit that the branch begins with. */
      base: z.string(),
      branch: z.string(),
      /** Of the repository's own tests. */
      language: z.string(),
      /** Its own test files that passed before, and so must after. */
      greenTests: z.array(z.string()),
      redTests: z.array(z.object({ path: z.string(), why: z.string() })),
      /** Packages beside the code that the tests could see. */
      dependencies: z.array(z.object({ kind: z.enum(["node", "python"]), path: z.string().regex(DEPENDENCY_PATH) })),
      /** Hash of the summary for a pull request. */
      pullRequest: z.string(),
    })
    .optional(),
  review: z.object({ score: z.number(), verdict: z.string(), findings: z.array(z.string()) }).nullable(),
  models: z.array(
    z.object({ id: z.string(), source: z.string(), sha256: z.string().optional(), bytes: z.number().optional() }),
  ),
  turns: z.number(),
  tokens: z.object({ prompt: z.number(), output: z.number() }),
  /** Where the build's audit trail stood when it was verified: `atos audit verify --receipt`. Absent before 0.2. */
  audit: z.object({ events: z.int(), head: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
});

export type Receipt = z.infer<typeof receiptSchema>;

export const RECEIPT_JSON = ".atos/receipt.json";
export const RECEIPT_MARKDOWN = "RECEIPT.md";

export function receiptToJson(receipt: Receipt): string {
  return `${JSON.stringify(receipt, null, 2)}\n`;
}

/** The receipt for people. A function of the receipt alone, so that `receipt verify` can make it again and compare. */
export function receiptToMarkdown(receipt: Receipt): string {
  const { verification, review } = receipt;
  const seconds = (Date.parse(receipt.finishedAt) - Date.parse(receipt.startedAt)) / 1000;
  const lines = [
    `# Receipt: ${receipt.verdict}`,
    "",
    plain(receipt.why),
    "",
    "## Goal",
    "",
    ...receipt.goal.split("\n").map((line) => `> ${plain(line)}`),
    "",
    "## Verified",
    "",
    `- commit \`${receipt.commit}\`, tree \`${receipt.tree}\``,
    `- ${verification.passed} passed, ${verification.failed} not passed (${verification.language}, ${verification.runner}, sandbox: ${verification.sandbox}), in a clean checkout`,
    ...(receipt.checks ?? []).map(({ what, outcome }) => `- ${plain(what)}: ${plain(outcome)}`),
    ...coverageLines(receipt),
    ...reviewedLines(receipt),
    ...repositoryLines(receipt),
    ...receipt.frozenTests.map((file) => `- frozen before the code: \`${file.path}\`, sha256 \`${file.sha256}\``),
    "",
    "| test | outcome | message |",
    "| --- | --- | --- |",
    ...verification.tests.map((test) => `| ${cell(test.name)} | ${test.outcome} | ${cell(test.message)} |`),
    "",
    ...taskLines(receipt),
    "## Made by",
    "",
    ...receipt.models.map(
      (model) =>
        `- ${model.id} (${model.source})${model.sha256 === undefined ? ", a server: its weights can't be seen" : `, sha256 \`${model.sha256}\``}`,
    ),
    `- ${receipt.turns} turns, ${receipt.tokens.prompt} prompt tokens, ${receipt.tokens.output} output tokens, ${seconds.toFixed(1)} s`,
    `- build \`${receipt.build}\`, ${receipt.startedAt} to ${receipt.finishedAt}`,
    ...(receipt.audit === undefined
      ? []
      : [`- audit trail: ${receipt.audit.events} events until then, head \`${receipt.audit.head}\``]),
    ...(review === null
      ? []
      : [
          `- review: ${review.score} of 10, ${review.verdict}`,
          ...review.findings.map((finding) => `  - ${plain(finding)}`),
        ]),
    "",
    "Check it yourself: `atos receipt verify .`",
    "",
  ];
  return lines.join("\n");
}

function reviewedLines({ reviewed }: Receipt): readonly string[] {
  if (reviewed === undefined) return [];
  const how = {
    accepted: "accepted by a person",
    edited: "edited and accepted by a person",
    resumed: "shown first, and gone on with by a resume",
    "not asked": "nobody was asked",
  };
  return [`- plan and tests, before the code: ${how[reviewed]}`];
}

function coverageLines({ coverage = [] }: Receipt): readonly string[] {
  const lines = coverage.reduce((sum, file) => sum + file.lines, 0);
  const covered = coverage.reduce((sum, file) => sum + file.covered, 0);
  if (lines === 0) return [];
  return [`- lines that the frozen tests reach: ${covered} of ${lines} (${Math.floor((covered / lines) * 100)} %)`];
}

function repositoryLines({ repository }: Receipt): readonly string[] {
  if (repository === undefined) return [];
  const { base, branch, redTests, dependencies } = repository;
  return [
    `- built on commit \`${base}\`, as branch \`${branch}\``,
    ...dependencies.map(
      ({ path }) => `- the tests could see the packages in \`${path}\`, which are not part of the commit`,
    ),
    ...redTests.map(({ path, why }) => `- red before, and not held against it: ${plain(path)} (${plain(why)})`),
  ];
}

function taskLines({ tasks = [] }: Receipt): readonly string[] {
  if (tasks.length === 0) return [];
  return [
    "## Tasks",
    "",
    "| task | tier | model | samples | repairs | outcome |",
    "| --- | --- | --- | --- | --- | --- |",
    ...tasks.map(
      ({ id, tier, model, samples, rounds, state, why }) =>
        `| ${cell(id)} | ${tier} | ${cell(model)} | ${samples} | ${rounds} | ${cell(why === undefined ? state : `${state}: ${why}`)} |`,
    ),
    "",
  ];
}

/** One line without control characters, which tests and models may have said. */
function plain(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

function cell(text: string): string {
  return plain(text).replaceAll("|", "\\|").slice(0, 200);
}
