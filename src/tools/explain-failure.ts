import { createHash } from "node:crypto";
import type { SyntaxProblem, TestResult, TestRun } from "./run-tests.ts";

const MAX_LINES = 3;
const MAX_MESSAGE = 160;

/** Of the fuller account, of each of at most three failures. */
const MAX_WORDS = 320;
const MAX_CODE_LINE = 120;
const MAX_NAMES = 5;
/** Code lines shown before and after the one that failed. */
const AROUND = 1;

/**
 * The smallest useful account of a red run, for the model that wrote the code: at most three
 * lines of `name: message`, each message on one line and cut at 160 characters.
 *
 * The built-in model was trained on exactly this form; for others there is {@link explainFailureAt}.
 */
export function explainFailure(run: TestRun): string {
  return failedOf(run)
    .slice(0, MAX_LINES)
    .map((test) => `${test.name}: ${oneLine(wordsOf(test))}`)
    .join("\n");
}

/** As {@link explainFailure}, for files that can't be parsed. */
export function explainSyntax(problems: readonly SyntaxProblem[]): string {
  return problems
    .slice(0, MAX_LINES)
    .map((problem) => oneLine(problem.message))
    .join("\n");
}

/**
 * A red run in a few hundred characters a failure: of the first three, the tests' names, what they said, and where in
 * the project's own code, with the lines around it when `files` holds them. Tests that failed in one place with the
 * same words are one failure. Pure.
 */
export function explainFailureAt(
  run: Pick<TestRun, "tests">,
  files: readonly { readonly path: string; readonly content: string }[],
): string {
  const failures = [...Map.groupBy(failedOf(run), (test) => JSON.stringify([wordsOf(test), test.at])).values()];
  const shown = failures.slice(0, MAX_LINES).map((tests) => explainOne(tests, files));
  const more = failures.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("\n\n");
}

/**
 * The same for two red runs that failed in the same way: the same tests with the same words, numbers, addresses and
 * folders apart. Pure.
 */
export function failureKey(run: Pick<TestRun, "tests">): string {
  return keyOf(failedOf(run).map((test) => [test.file, test.name, normalised(wordsOf(test))]));
}

/** As {@link failureKey}, for files that can't be parsed. Pure. */
export function syntaxKey(problems: readonly SyntaxProblem[]): string {
  return keyOf(problems.map(({ file, message }) => [file, "", normalised(message)]));
}

function failedOf({ tests }: Pick<TestRun, "tests">): readonly TestResult[] {
  return tests.filter((test) => test.outcome !== "passed");
}

const ADDRESS = /\bat 0x[0-9a-f]+/gi;
/** The end of one whose beginning unittest has cut out. */
const END_OF_ADDRESS = /(?<=\[\d+ chars\])[0-9a-f]+(?=>)/gi;

/** Without addresses: they tell nothing, and are others in every run. */
function wordsOf({ outcome, message }: TestResult): string {
  return outcome === "skipped" ? "skipped" : message.replace(ADDRESS, "at 0x…").replace(END_OF_ADDRESS, "…");
}

function explainOne(
  tests: readonly TestResult[],
  files: readonly { readonly path: string; readonly content: string }[],
): string {
  const [first] = tests;
  if (first === undefined) return "";
  const names = [...new Set(tests.map(({ name }) => name))];
  const more = names.length - MAX_NAMES;
  const title = `${names.slice(0, MAX_NAMES).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  const words = cut(
    wordsOf(first)
      .replace(/^AssertionError: (?=Expected values)/, "")
      .replace(/\n\s*\n/g, "\n")
      .replace(/[^\P{Cc}\n]+/gu, " ")
      .trim(),
    MAX_WORDS,
  );
  if (first.at === undefined) return `${cut(title, MAX_WORDS)}: ${words}`;
  const { file, line } = first.at;
  const content = files.find(({ path }) => path === file)?.content;
  const code = content === undefined ? [] : codeAround(content, line);
  return [`${cut(title, MAX_WORDS)}: ${words}`, `at ${file}:${line}`, ...code].join("\n");
}

/** The line and those beside it, with their numbers; a mark at the line itself. */
function codeAround(content: string, line: number): readonly string[] {
  const lines = content.split("\n");
  const first = Math.max(1, line - AROUND);
  return lines
    .slice(first - 1, line + AROUND)
    .map((text, index) => ({ text: text.trimEnd(), number: first + index }))
    .filter(({ text, number }) => number === line || text !== "")
    .map(({ text, number }) => cut(`${number === line ? ">" : " "} ${number} ${text}`, MAX_CODE_LINE));
}

/** Without what changes from run to run although the error is the same. */
function normalised(message: string): string {
  return message
    .replace(/0x[0-9a-f]+/gi, "N")
    .replace(/(?:file:\/\/)?(?:\/[^\s/:"'()]+)+\/(?=[^\s/:"'()]+)/g, "")
    .replace(/\d+(?:\.\d+)?/g, "N")
    .replace(/\s+/g, " ")
    .trim();
}

function keyOf(failures: readonly (readonly string[])[]): string {
  const lines = [...new Set(failures.map((failure) => JSON.stringify(failure)))].toSorted();
  return createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 16);
}

function oneLine(text: string): string {
  const flat = text
    .replace(/^AssertionError: (?=Expected values)/, "")
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return cut(flat, MAX_MESSAGE);
}

function cut(text: string, size: number): string {
  return text.length <= size ? text : `${text.slice(0, size - 1)}…`;
}
