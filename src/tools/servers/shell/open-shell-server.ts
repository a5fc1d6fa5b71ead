import { z } from "zod";
import { defineTool, type ToolServer } from "../../tool.ts";
import { asResult } from "../tool-failure.ts";
import { commandOutcome, outcomeOf } from "./command-outcome.ts";
import { runInWorkspace, type WorkspaceCommands } from "./run-in-workspace.ts";

const DEFAULT_SECONDS = 60;
const MAX_SECONDS = 600;

/** Shell commands in the workspace, each in a sandbox of its own that ends with it. */
export function openShellServer(deps: WorkspaceCommands): ToolServer {
  const runCommand = defineTool({
    name: "run_command",
    title: "Run a command",
    description:
      "Run a shell command in the workspace; no network, nothing stays running. For files and tests use their own tools.",
    input: z.strictObject({
      command: z
        .string()
        .min(1)
        .max(100_000)
        .meta({ "x-aliases": ["cmd", "shell_command"] }),
      timeout_seconds: z
        .int()
        .min(1)
        .max(MAX_SECONDS)
        .meta({ description: `absent: ${DEFAULT_SECONDS}`, "x-aliases": ["timeout", "timeout_s"] })
        .optional(),
    }),
    output: commandOutcome,
    annotations: { readOnly: false, destructive: true, idempotent: false, openWorld: false },
    effect: "workspace",
    commandArgument: "command",
    example: { command: "ls -la" },
    run: ({ command, timeout_seconds: seconds = DEFAULT_SECONDS }, { signal }) =>
      asResult(async () =>
        outcomeOf(await runInWorkspace(deps, { command: ["/bin/sh", "-c", command], wallMs: seconds * 1000 }, signal)),
      ),
  });
  return {
    name: "shell",
    instructions: "Runs shell commands in one folder, confined: no network, no other files, limits on time and memory.",
    tools: [runCommand],
  };
}
