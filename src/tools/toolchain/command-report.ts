import type { ReportedTest } from "../test-report.ts";
import { NO_TEST } from "../test-report.ts";
import { frameIn } from "./frame-in.ts";
import { readGoTests } from "./go-tests.ts";
import { readLineTests } from "./line-tests.ts";
import type { CommandRun } from "./run-command.ts";
import type { Toolchain } from "./toolchain.ts";

const MAX_MESSAGE = 2000;
const MAX_PROBLEMS = 5;

/** A test as a tool's own report tells it. */
export type ToldTest = {
  readonly name: string;
  readonly outcome: ReportedTest["outcome"];
  readonly message: string;
  /** The file, or what the tool calls the folder that it lies in; both absent where it tells of neither. */
  readonly file?: string;
  readonly package?: string;
};

export type Problem = { readonly file: string; readonly line?: number; readonly message: string };

export type ReadFrom = {
  readonly run: CommandRun;
  readonly toolchain: Toolchain;
  /** The test files that were to run. */
  readonly files: readonly string[];
  /** The project's source files, tests included. */
  readonly sources: readonly string[];
};

/**
 * What a toolchain's run of tests came to, as our own runners would tell it: each test with its file, which is looked
 * up by the test's name where the tool does not say it. A file of which nothing is told when the run failed was not
 * built or not reached, and is told with the compiler's complaint. Pure.
 */
export function readCommandTests(from: ReadFrom): readonly ReportedTest[] {
  const { run, toolchain, files, sources } = from;
  const { report } = toolchain.tests;
  const told = report.kind === "go-json" ? readGoTests(run.stdout) : readLineTests(run, report);
  const tests = told.map((test): ReportedTest => {
    const file = fileOf(test, run.sources);
    const message = test.outcome === "failed" ? (test.message || "failed").slice(0, MAX_MESSAGE) : "";
    const at = message === "" ? undefined : frameIn(message, { folder: run.folder, sources, beside: file });
    return {
      file,
      name: test.name,
      outcome: test.outcome,
      message,
      error: false,
      ...(at === undefined ? {} : { at }),
    };
  });
  const silent = files.filter((file) => !tests.some((test) => test.file === file));
  return [...tests, ...silent.map((file) => notRun(from, file))];
}

/** The compiler's complaints in what a command wrote, each once. Pure. */
export function readProblems(run: CommandRun, toolchain: Pick<Toolchain, "problem">): readonly Problem[] {
  const found = [...written(run).matchAll(new RegExp(toolchain.problem, "gmu"))].map((match): Problem => {
    const { file = "", line, message = "" } = match.groups ?? {};
    const path = file.startsWith(`${run.folder}/`) ? file.slice(run.folder.length + 1) : file.replace(/^\.\//, "");
    return { file: path, message: message.trim(), ...(line === undefined ? {} : { line: Number(line) }) };
  });
  return [...new Map(found.map((problem) => [JSON.stringify(problem), problem])).values()];
}

/** Pure. */
export function problemText({ file, line, message }: Problem): string {
  return `${message} (${file}${line === undefined ? "" : `, line ${line}`})`;
}

/** Everything a command wrote, out of the events in which newer versions of Go wrap it. */
function written({ stdout, stderr }: CommandRun): string {
  const plain = stdout.replace(/^\{.*\}$/gm, (line) => outputOf(line) ?? line);
  return `${stderr}\n${plain}`;
}

function outputOf(line: string): string | undefined {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== "object" || event === null || !("Output" in event)) return undefined;
    return typeof event.Output === "string" ? event.Output.replace(/\n$/, "") : undefined;
  } catch {
    return undefined;
  }
}

function notRun(from: ReadFrom, file: string): ReportedTest {
  const { run, toolchain, sources } = from;
  const failed = { file, name: file, outcome: "failed", error: true } as const;
  if (run.exitCode === 0) return { ...failed, message: NO_TEST };
  const problems = readProblems(run, toolchain);
  // A package that can't be built says nothing of one that has no tests.
  const own = problems.filter((problem) => folderOf(problem.file) === folderOf(file));
  const about = own.length > 0 ? own : problems;
  if (about.length === 0) {
    const end = written(run).trim().split("\n").slice(-3).join(" ");
    return { ...failed, message: end === "" ? NO_TEST : `it was not run: ${end}`.slice(0, MAX_MESSAGE) };
  }
  const at = about.find((problem) => sources.includes(problem.file) && problem.line !== undefined);
  return {
    ...failed,
    message: about.slice(0, MAX_PROBLEMS).map(problemText).join("\n").slice(0, MAX_MESSAGE),
    ...(at?.line === undefined ? {} : { at: { file: at.file, line: at.line } }),
  };
}

/** The file of a test: the one told, else the one whose text has its name, the nearest to its package first. */
function fileOf(test: ToldTest, sources: CommandRun["sources"]): string {
  if (test.file !== undefined && Object.hasOwn(sources, test.file)) return test.file;
  const name = (test.name.split("/")[0] ?? "").split("::").at(-1) ?? "";
  const word = new RegExp(String.raw`(?<!\w)${RegExp.escape(name)}(?!\w)`, "u");
  const holding = Object.entries(sources)
    .filter(([path, text]) => word.test(text) && isIn(path, test.package))
    .map(([path]) => path);
  return holding.toSorted((one, other) => folderOf(other).length - folderOf(one).length)[0] ?? "";
}

function isIn(path: string, named: string | undefined): boolean {
  const folder = folderOf(path);
  return named === undefined || folder === "" || named === folder || named.endsWith(`/${folder}`);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
