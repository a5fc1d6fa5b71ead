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
  const fileOf = testFiles(told, run.sources);
  const known = new Set(sources);
  const tests = told.map((test): ReportedTest => {
    const file = fileOf(test);
    const message = test.outcome === "failed" ? (test.message || "failed").slice(0, MAX_MESSAGE) : "";
    const at = message === "" ? undefined : frameIn(message, { folder: run.folder, sources: known, beside: file });
    return {
      file,
      name: test.name,
      outcome: test.outcome,
      message,
      error: false,
      ...(at === undefined ? {} : { at }),
    };
  });
  const heard = new Set(tests.map(({ file }) => file));
  const silent = files.filter((file) => !heard.has(file));
  const why = silent.length === 0 || run.exitCode === 0 ? NOTHING_WRONG : whyNotRun(run, toolchain);
  return [...tests, ...silent.map((file) => notRun(from, file, why))];
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

/** Everything a command wrote, out of the events in which Go wraps it. Pure. */
export function written({ stdout, stderr }: Pick<CommandRun, "stdout" | "stderr">): string {
  const lines = stdout.split("\n").flatMap((line) => (line.startsWith("{") ? (outputsOf(line) ?? line) : line));
  return `${stderr}\n${lines.join("\n")}`;
}

/** What an event says, none where it only tells that something went on; undefined for a line that is no event. */
function outputsOf(line: string): readonly string[] | undefined {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== "object" || event === null || !("Action" in event)) return undefined;
    return "Output" in event && typeof event.Output === "string" ? [event.Output.replace(/\n$/, "")] : [];
  } catch {
    return undefined;
  }
}

/** What can be told of a file that was not run: the compiler's complaints, and the end of what was written. */
type Why = { readonly problems: readonly Problem[]; readonly end: string };

const NOTHING_WRONG: Why = { problems: [], end: "" };

function whyNotRun(run: CommandRun, toolchain: Toolchain): Why {
  return { problems: readProblems(run, toolchain), end: written(run).trim().split("\n").slice(-3).join(" ") };
}

function notRun({ run, sources }: ReadFrom, file: string, { problems, end }: Why): ReportedTest {
  const failed = { file, name: file, outcome: "failed", error: true } as const;
  if (run.exitCode === 0) return { ...failed, message: NO_TEST };
  // A package that can't be built says nothing of one that has no tests.
  const own = problems.filter((problem) => folderOf(problem.file) === folderOf(file));
  const about = own.length > 0 ? own : problems;
  if (about.length === 0) {
    return { ...failed, message: end === "" ? NO_TEST : `it was not run: ${end}`.slice(0, MAX_MESSAGE) };
  }
  const at = about.find((problem) => sources.includes(problem.file) && problem.line !== undefined);
  return {
    ...failed,
    message: about.slice(0, MAX_PROBLEMS).map(problemText).join("\n").slice(0, MAX_MESSAGE),
    ...(at?.line === undefined ? {} : { at: { file: at.file, line: at.line } }),
  };
}

/**
 * Finds the file of a test: the one told, else the one whose text has its name, the nearest to its package first. Each
 * text is looked through once, however many tests there are.
 */
function testFiles(tests: readonly ToldTest[], sources: CommandRun["sources"]): (test: ToldTest) => string {
  const texts = Object.entries(sources);
  const told = new Set(texts.map(([path]) => path));
  const wanted = new Set(tests.map((test) => wordIn(nameOf(test))));
  const holders = new Map<string, (readonly [path: string, text: string])[]>();
  for (const word of wanted) holders.set(word, []);
  for (const [path, text] of texts)
    for (const word of new Set(text.match(/\w+/g))) holders.get(word)?.push([path, text]);
  const found = new Map<string, string>();
  return (test) => {
    if (test.file !== undefined && told.has(test.file)) return test.file;
    const name = nameOf(test);
    const key = JSON.stringify([test.package, name]);
    const known = found.get(key);
    if (known !== undefined) return known;
    const word = wordIn(name);
    const candidates = word === "" ? texts : (holders.get(word) ?? []);
    const file = nearest(test.package, name === word ? candidates : candidates.filter(([, text]) => holds(text, name)));
    found.set(key, file);
    return file;
  };
}

/** What is looked for in the texts: of a subtest the test that holds it, of a path its last part. */
function nameOf({ name }: ToldTest): string {
  return (name.split("/", 1)[0] ?? "").split("::").at(-1) ?? "";
}

/** The first word of a name. */
function wordIn(name: string): string {
  return /\w+/.exec(name)?.[0] ?? "";
}

function holds(text: string, name: string): boolean {
  return new RegExp(String.raw`(?<!\w)${RegExp.escape(name)}(?!\w)`, "u").test(text);
}

function nearest(inPackage: string | undefined, files: readonly (readonly [path: string, text: string])[]): string {
  const paths = files.map(([path]) => path).filter((path) => isIn(path, inPackage));
  return paths.toSorted((one, other) => folderOf(other).length - folderOf(one).length)[0] ?? "";
}

function isIn(path: string, named: string | undefined): boolean {
  const folder = folderOf(path);
  return named === undefined || folder === "" || named === folder || named.endsWith(`/${folder}`);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
