// Puts the held-out cases to the GGUF, through node-llama-cpp, the guard and the parsers that ATOS itself uses.
// Usage: node training/nano/evaluate.ts model.gguf domain.yaml cases.json replies.json
import { readFileSync, writeFileSync } from "node:fs";
import { getLlama } from "node-llama-cpp";
import { agrees, familiesOf, readClosedDomain } from "../../src/agents/closed-domain.ts";
import { readFileBlocks, showFile } from "../../src/agents/file-blocks.ts";
import { readPlan } from "../../src/agents/read-plan.ts";
import { readReview, showFinding } from "../../src/agents/read-review.ts";
import { type KnownLanguages, readSpec, showSpec } from "../../src/agents/read-spec.ts";
import { showTask } from "../../src/agents/show-plan.ts";

type GoalCase = { readonly goal: string };
type Cases = {
  readonly goals: readonly GoalCase[];
  readonly refusals: readonly GoalCase[];
  readonly mends: readonly { readonly messages: readonly string[] }[];
  readonly reviews: readonly { readonly message: string }[];
};

const MAX_TOKENS = { spec: 160, plan: 120, tests: 420, code: 320, review: 60 } as const;

const LANGUAGES: KnownLanguages = {
  names: ["python", "typescript"],
  find: (name) => LANGUAGES.names.find((known) => known === name),
};

const [modelPath = "", domainPath = "", casesPath = "", outPath = ""] = process.argv.slice(2);
const cases: Cases = JSON.parse(readFileSync(casesPath, "utf8"));
const domain = readClosedDomain(readFileSync(domainPath, "utf8"));
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, maxThreads: 1 });
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({ contextSize: 1024, threads: 1 });
const sequence = context.getSequence();

async function reply(messages: readonly string[], limit: number): Promise<string> {
  const tokens = messages.flatMap((text, index) => [
    ...model.tokenize(`<|im_start|>${index % 2 === 0 ? "user" : "assistant"}\n`, true),
    ...model.tokenize(text, false),
    ...model.tokenize("<|im_end|>", true),
    ...model.tokenize("\n", false),
  ]);
  tokens.push(...model.tokenize("<|im_start|>assistant\n", true));
  await sequence.clearHistory();
  const said = [];
  if (tokens.length + limit > 1024) limit = 1024 - tokens.length;
  for await (const token of sequence.evaluate(tokens, { temperature: 0 })) {
    if (model.isEogToken(token) || said.length >= limit) break;
    said.push(token);
  }
  return model.detokenize(said);
}

async function build(goal: string): Promise<Record<string, unknown>> {
  const families = familiesOf(goal, domain);
  const specText = await reply([`spec\n${goal}`], MAX_TOKENS.spec);
  const spec = readSpec(specText, LANGUAGES);
  const result = { guard: families, specText };
  if (!spec.ok) return { ...result, stopped: `spec: ${spec.why}` };
  if (spec.value.kind === "refused") return { ...result, refusedByModel: true, stopped: "refused by the model" };
  if (!agrees(spec.value.spec.summary, families)) return { ...result, stopped: "refused by the guard" };
  const told = showSpec(spec.value.spec);
  const planText = await reply([`plan\n${told}`], MAX_TOKENS.plan);
  const plan = readPlan(planText);
  if (!plan.ok) return { ...result, stopped: `plan: ${plan.why}` };
  const task = plan.value.map(showTask).join("\n");
  const testsText = await reply([`tests\n${told}\n${task}`], MAX_TOKENS.tests);
  const tests = readFileBlocks(testsText);
  if (!tests.ok) return { ...result, testsText, stopped: `tests: ${tests.why}` };
  const shown = tests.value.map((file) => showFile(file, spec.value.kind === "spec" ? spec.value.spec.language : "")).join("\n");
  const codeText = await reply([`code\n${task}\n${told}\n${shown}`], MAX_TOKENS.code);
  const code = readFileBlocks(codeText);
  if (!code.ok) return { ...result, codeText, stopped: `code: ${code.why}` };
  return { ...result, spec: spec.value.spec, plan: plan.value, files: [...tests.value, ...code.value] };
}

const started = performance.now();
const goals = [];
for (const row of cases.goals) goals.push(await build(row.goal));
const refusals = [];
for (const row of cases.refusals) {
  const guarded = familiesOf(row.goal, domain);
  const spec = readSpec(await reply([`spec\n${row.goal}`], MAX_TOKENS.spec), LANGUAGES);
  const taken = spec.ok && spec.value.kind === "spec";
  refusals.push({ guard: guarded, model: !taken, both: !(taken && spec.value.kind === "spec" && agrees(spec.value.spec.summary, guarded)) });
}
const mends = [];
for (const row of cases.mends) {
  const files = readFileBlocks(await reply(row.messages, MAX_TOKENS.code));
  mends.push(files.ok ? { files: files.value } : { stopped: files.why });
}
const reviews = [];
for (const row of cases.reviews) {
  const review = readReview(await reply([row.message], MAX_TOKENS.review));
  reviews.push(review.ok ? { ...review.value, findings: review.value.findings.map(showFinding) } : { stopped: review.why });
}
writeFileSync(outPath, JSON.stringify({ goals, refusals, mends, reviews, seconds: (performance.now() - started) / 1000 }));
await context.dispose();
