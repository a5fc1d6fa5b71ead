import { z } from "zod";
import { AtosError } from "../../../base/errors.ts";
import { Turnstile } from "../../../base/turnstile.ts";
import { pathProblem } from "../../../base/safe-path.ts";
import type { Sandbox } from "../../../sandbox/sandbox.ts";
import { BUILT_IN_LANGUAGES } from "../../built-in-languages.ts";
import { plainArgument } from "../../plain-argument.ts";
import type { Language } from "../../language.ts";
import { newMark, readTestReport, withoutMarked } from "../../test-report.ts";
import { testRequest } from "../../test-request.ts";
import { defineTool, type Tool, type ToolResult } from "../../tool.ts";
import { written } from "../../toolchain/command-report.ts";
import { runCommandTests } from "../../toolchain/command-tests.ts";
import { withCompiled } from "../../toolchain/with-compiled.ts";
import { walkInside } from "../filesystem/walk-inside.ts";
import { joined } from "../shell/command-outcome.ts";
import type { WorkspaceCommands } from "../shell/run-in-workspace.ts";
import { runInWorkspace } from "../shell/run-in-workspace.ts";
import { asResult, ToolFailure } from "../tool-failure.ts";
import { type FoundTests, findTests, type Framework, FRAMEWORKS } from "./find-tests.ts";
import { outcomeOfTests, testOutcome } from "./test-outcome.ts";

const WALL_MS = 120_000;
const DEPTH = 20;

export type TestCommands = WorkspaceCommands & {
  /** Default: the built-in ones. */
  readonly languages?: readonly Language[];
  /** Keeps what was compiled from one call to the next, on the workspace's file system. Absent: compiled anew. */
  readonly compiledFolder?: string;
};

export function runTestsTool(deps: TestCommands): Tool {
  const turnstile = new Turnstile(1);
  return defineTool({
    name: "run_tests",
    title: "Run tests",
    description: "Run the tests of a file or folder and tell which fail. Use it after each change of code.",
    input: z.strictObject({
      path: z
        .string()
        .min(1)
        .max(4096)
        .overwrite(plainArgument)
        .meta({ description: "test file or folder; absent: all", "x-aliases": ["paths", "files", "file"] })
        .optional(),
      framework: z.enum(FRAMEWORKS).optional(),
    }),
    output: testOutcome,
    // Tests are code, and may change the workspace.
    annotations: { readOnly: false, destructive: true, idempotent: false, openWorld: false },
    effect: "workspace",
    pathArguments: ["path"],
    example: { path: "test_name.py" },
    run: ({ path = ".", framework }, { signal }) =>
      asResult(async () => {
        const found = await look(deps, { path, framework }, signal);
        if (found.kind === "none") throw new ToolFailure(found.why);
        if (found.kind === "found") return runFound(deps, found, signal);
        return runByCommands({ ...deps, turnstile }, found, signal);
      }),
  });
}

type Found<Kind> = Extract<FoundTests, { readonly kind: Kind }>;

async function runFound(
  deps: TestCommands,
  { framework, files, named }: Found<"found">,
  signal: AbortSignal,
): Promise<ToolResult<z.infer<typeof testOutcome>>> {
  if (framework !== "node" && deps.sandbox.pythonPath === undefined) throw noPython();
  const mark = newMark();
  const request = testRequest(deps.sandbox, { how: framework, files }, mark);
  const report = await runInWorkspace(deps, { ...request, wallMs: WALL_MS }, signal);
  const read = readTestReport(report, mark, named ? files : []);
  const runner = read.runner === "none" ? framework : read.runner;
  const output = joined(withoutMarked(report.stdout, mark), report.stderr);
  return outcomeOfTests({ ...read, runner, output, report });
}

/** As verification does, but that no other test file is out of the way meanwhile: a run that is ended would leave it there. */
async function runByCommands(
  { turnstile, ...deps }: TestCommands & { readonly turnstile: Turnstile },
  { toolchain, files }: Found<"by-command">,
  signal: AbortSignal,
): Promise<ToolResult<z.infer<typeof testOutcome>>> {
  const { root, sandbox, compiledFolder } = deps;
  const { level, mounts, nodePath, pythonPath } = sandbox;
  const run: Sandbox["run"] = (asked, stop) => runInWorkspace(deps, asked, stop);
  const confined = { level, mounts, nodePath, pythonPath, run };
  const job = { root, toolchain, files, sources: files, measured: false };
  try {
    // One call at a time: what is compiled lies beside the code meanwhile.
    using _turn = await turnstile.take(signal);
    const { runner, tests, ended } = await withCompiled(root, compiledFolder, () =>
      runCommandTests(confined, job, signal),
    );
    const output = written(ended).trim();
    return outcomeOfTests({
      runner,
      tests: [...tests],
      durationMs: ended.durationMs,
      leftOpen: [],
      output,
      report: ended,
    });
  } catch (error) {
    if (error instanceof AtosError && error.code === "tools/toolchain-missing") throw new ToolFailure(error.message);
    throw error;
  }
}

/** For a model that asked for Python on a machine without it. */
export function noPython(): ToolFailure {
  return new ToolFailure(
    "Python 3 is not on this machine; write it for Node instead, or ask for python3 to be installed.",
  );
}

type Look = { readonly path: string; readonly framework: Framework | undefined };

async function look(
  { root, languages = BUILT_IN_LANGUAGES }: TestCommands,
  { path, framework }: Look,
  signal: AbortSignal,
): Promise<FoundTests> {
  const [file = "", inFile] = path.split("::");
  if (inFile !== undefined)
    return { kind: "none", why: `One test of a file can't be chosen; give the file alone: ${JSON.stringify(file)}.` };
  const paths: string[] = [];
  for await (const entry of walkInside(root, { path, depth: DEPTH }, signal)) {
    if (entry.kind === "file" && entry.path === path) return findTests({ file: path, paths: [], framework, languages });
    // A name that is no plain path could be an option to the runner.
    if (entry.kind === "file" && pathProblem(entry.path) === undefined) paths.push(entry.path);
  }
  return findTests({ paths, framework, languages });
}
