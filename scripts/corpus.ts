// Reads the cases of a corpus with the dialect parser and tells which come out wrong:
// npm run --silent corpus -- CASES.jsonl TOOLS.json
import { readFileSync } from "node:fs";
import { messageOf } from "../src/base/errors.ts";
import { checkCase, readCases, readTools } from "../test/corpus/check-case.ts";

const [casesFile, toolsFile, ...others] = process.argv.slice(2);
if (casesFile === undefined || toolsFile === undefined || others.length > 0) {
  process.stderr.write("usage: npm run --silent corpus -- CASES.jsonl TOOLS.json\n");
  process.exit(2);
}

function load<T>(file: string, parse: (content: string) => T): T {
  try {
    return parse(readFileSync(file, "utf8"));
  } catch (error) {
    process.stderr.write(`corpus: ${file} can't be read: ${messageOf(error)}\n`);
    process.exit(2);
  }
}

const tools = load(toolsFile, readTools);
const cases = load(casesFile, readCases);
const tally = new Map<string, { readonly passed: number; readonly of: number }>();
let passed = 0;
let wrongExecutions = 0;
let otherReasons = 0;

for (const one of cases) {
  const outcome = checkCase(one, tools);
  for (const group of [`family ${one.family}`, `outcome ${one.expect.kind}`]) {
    const count = tally.get(group) ?? { passed: 0, of: 0 };
    tally.set(group, { passed: count.passed + (outcome.passed ? 1 : 0), of: count.of + 1 });
  }
  if (outcome.passed) passed++;
  else process.stdout.write(`${JSON.stringify({ id: one.id, got: outcome.got, expected: one.expect })}\n`);
  if (outcome.wrong) wrongExecutions++;
  if (outcome.passed && !outcome.sameWhy) otherReasons++;
}

for (const [group, count] of [...tally].toSorted(([one], [other]) => (one < other ? -1 : 1)))
  process.stderr.write(`${group}: ${count.passed} of ${count.of}\n`);
process.stderr.write(`passed with another reason: ${otherReasons}\n`);
process.stdout.write(`passed ${passed} of ${cases.length}, wrong executions ${wrongExecutions}\n`);
process.exitCode = passed === cases.length ? 0 : 1;
