import { z } from "zod";
import type { SandboxRequest } from "../../../sandbox/sandbox.ts";
import { defineTool, type Tool, type ToolServer } from "../../tool.ts";
import { commandOutcome, outcomeOf } from "../shell/command-outcome.ts";
import { runInWorkspace, type WorkspaceCommands } from "../shell/run-in-workspace.ts";
import { asResult } from "../tool-failure.ts";
import { noPython, runTestsTool, type TestCommands } from "./run-tests-tool.ts";

const WALL_MS = 60_000;

/** Tests and pieces of code, run in the workspace and in the sandbox. */
export function openCodeRunnerServer(deps: TestCommands): ToolServer {
  const { nodePath, pythonPath } = deps.sandbox;
  const python = codeTool(deps, {
    name: "run_python",
    title: "Run Python",
    description: "Run a piece of Python in the workspace; print what you want to see. Tests: run_tests.",
    example: "print(1 + 1)",
    command: (code) => {
      if (pythonPath === undefined) throw noPython();
      return [pythonPath, "-u", "-c", code];
    },
  });
  const node = codeTool(deps, {
    name: "run_node",
    title: "Run JavaScript or TypeScript",
    description:
      "Run a piece of JavaScript or TypeScript in Node, in the workspace; log what you want to see. Tests: run_tests.",
    example: "console.log(1 + 1)",
    command: (code) => [nodePath, "--no-warnings", `--eval=${code}`],
  });
  return {
    name: "code-runner",
    instructions:
      "Runs tests (pytest, unittest, node:test, other languages by their own tools) and pieces of code in one folder, confined and without network.",
    tools: [runTestsTool(deps), python, node],
  };
}

type CodeTool = Pick<Tool, "name" | "title" | "description"> & {
  readonly example: string;
  readonly command: (code: string) => SandboxRequest["command"];
};

function codeTool(deps: WorkspaceCommands, { command, example, ...told }: CodeTool): Tool {
  return defineTool({
    ...told,
    input: z.strictObject({
      code: z
        .string()
        .min(1)
        .max(100_000)
        .meta({ "x-verbatim": true, "x-aliases": ["script", "source", "content"] }),
    }),
    output: commandOutcome,
    annotations: { readOnly: false, destructive: true, idempotent: false, openWorld: false },
    effect: "workspace",
    example: { code: example },
    run: ({ code }, { signal }) =>
      asResult(async () => outcomeOf(await runInWorkspace(deps, { command: command(code), wallMs: WALL_MS }, signal))),
  });
}
