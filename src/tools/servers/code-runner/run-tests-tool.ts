import { z } from "zod";
import { pathProblem } from "../../../base/safe-path.ts";
import { plainArgument } from "../../plain-argument.ts";
import { newMark } from "../../test-report.ts";
import { testRequest } from "../../test-request.ts";
import { defineTool, type Tool } from "../../tool.ts";
import { walkInside } from "../filesystem/walk-inside.ts";
import type { WorkspaceCommands } from "../shell/run-in-workspace.ts";
import { runInWorkspace } from "../shell/run-in-workspace.ts";
import { asResult, ToolFailure } from "../tool-failure.ts";
import { type FoundTests, findTests, type Framework, FRAMEWORKS } from "./find-tests.ts";
import { outcomeOfTests, testOutcome } from "./test-outcome.ts";

const WALL_MS = 120_000;
const DEPTH = 20;

export function runTestsTool(deps: WorkspaceCommands): Tool {
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
        const found = await look(deps.root, { path, framework }, signal);
        if (found.kind === "none") throw new ToolFailure(found.why);
        if (found.framework !== "node" && deps.sandbox.pythonPath === undefined) throw noPython();
        const mark = newMark();
        const request = testRequest(deps.sandbox, { how: found.framework, files: found.files }, mark);
        const report = await runInWorkspace(deps, { ...request, wallMs: WALL_MS }, signal);
        const files = found.named ? found.files : [];
        return outcomeOfTests({ report, mark, files, framework: found.framework });
      }),
  });
}

/** For a model that asked for Python on a machine without it. */
export function noPython(): ToolFailure {
  return new ToolFailure(
    "Python 3 is not on this machine; write it for Node instead, or ask for python3 to be installed.",
  );
}

type Look = { readonly path: string; readonly framework: Framework | undefined };

async function look(root: string, { path, framework }: Look, signal: AbortSignal): Promise<FoundTests> {
  const [file = "", inFile] = path.split("::");
  if (inFile !== undefined)
    return { kind: "none", why: `One test of a file can't be chosen; give the file alone: ${JSON.stringify(file)}.` };
  const paths: string[] = [];
  for await (const entry of walkInside(root, { path, depth: DEPTH }, signal)) {
    if (entry.kind === "file" && entry.path === path) return findTests({ file: path, paths: [], framework });
    // A name that is no plain path could be an option to the runner.
    if (entry.kind === "file" && pathProblem(entry.path) === undefined) paths.push(entry.path);
  }
  return findTests({ paths, framework });
}
