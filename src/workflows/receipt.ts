import { z } from "zod";

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
    ...receipt.frozenTests.map((file) => `- frozen before the code: \`${file.path}\`, sha256 \`${file.sha256}\``),
    "",
    "| test | outcome | message |",
    "| --- | --- | --- |",
    ...verification.tests.map((test) => `| ${cell(test.name)} | ${test.outcome} | ${cell(test.message)} |`),
    "",
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

/** One line without control characters, which tests and models may have said. */
function plain(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, " ").trim();
}

function cell(text: string): string {
  return plain(text).replaceAll("|", "\\|").slice(0, 200);
}
