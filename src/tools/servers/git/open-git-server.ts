import { z } from "zod";
import { defineTool, type Tool, type ToolServer } from "../../tool.ts";
import { asResult, ToolFailure } from "../tool-failure.ts";
import { commitFiles, type Identity } from "./commit-files.ts";
import type { RepositoryPlace } from "./git-dir.ts";
import { gitDiffTool, gitLogTool, gitStatusTool } from "./read-tools.ts";
import { Repository } from "./repository.ts";

export type GitServerDeps = RepositoryPlace & {
  /** Of author and committer. */
  readonly identity: Identity;
  /** The date of commits. */
  readonly now: () => Date;
};

/**
 * One repository. Commits only: nothing is pushed, fetched, checked out or rewritten.
 *
 * @throws `tools/no-repository` when there is no git folder.
 */
export function openGitServer(deps: GitServerDeps): ToolServer {
  const repository = new Repository(deps);
  return {
    name: "git",
    instructions: "Shows what changed in one git repository and commits it.",
    tools: [
      gitStatusTool(repository),
      gitDiffTool(repository),
      gitLogTool(repository),
      gitCommitTool(repository, deps),
    ],
  };
}

function gitCommitTool(repository: Repository, { identity, now }: GitServerDeps): Tool {
  return defineTool({
    name: "git_commit",
    title: "Commit",
    description: "Commit all changed files. Do it when a piece of work is done and its tests pass.",
    input: z.strictObject({
      message: z
        .string()
        .min(1)
        .max(5000)
        .meta({ "x-aliases": ["msg", "commit_message"] }),
    }),
    output: z.object({ hash: z.string(), files: z.int() }),
    annotations: { readOnly: false, destructive: false, idempotent: true, openWorld: false },
    // It can be made again after a crash: the commit of a key is made once.
    effect: "workspace",
    example: { message: "Add the name function" },
    run: ({ message }, { signal, idempotencyKey: key }) =>
      asResult(async () => {
        if (message.trim() === "" || message.includes("\0"))
          throw new ToolFailure("The message is empty or holds a NUL byte; write in a line what changed.");
        const { hash, files } = await commitFiles(repository, { message, identity, at: now(), key }, signal);
        return { ok: true, output: { hash, files }, text: `committed ${hash.slice(0, 12)} (${files} files)` };
      }),
  });
}
