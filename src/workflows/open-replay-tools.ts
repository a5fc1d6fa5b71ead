import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Workspaces } from "../journal/workspaces.ts";
import { openGate } from "../tools/gate/open-gate.ts";
import type { OpenedTools, ToolsRequest } from "./open-tools.ts";

/**
 * What stands in for the tools where everything is recorded: a gate without any, and a folder that nothing is put into.
 * Recorded calls come out as they were; one that is not recorded is refused by the journal.
 */
export async function openReplayTools(
  workspaces: Workspaces,
  { journal, buildId, task }: Pick<ToolsRequest, "journal" | "buildId" | "task">,
): Promise<OpenedTools> {
  const directory = await mkdtemp(join(tmpdir(), "atos-replay-"));
  const folder = workspaces.openFolder(directory);
  const gate = openGate({
    run: { journal, buildId, task, folder },
    tools: [],
    decide: () => ({ decision: "deny", because: "it is replayed" }),
    ask: () => Promise.reject(new Error("a replay asked a person")),
    secrets: [],
  });
  return {
    gate,
    folder,
    definitions: [],
    format: "hermes-xml",
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
