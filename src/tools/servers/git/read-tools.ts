import { z } from "zod";
import { defineTool, type Tool } from "../../tool.ts";
import { partsOf } from "../filesystem/opened-folder.ts";
import { filePath } from "../filesystem/path-argument.ts";
import { shownPath } from "../filesystem/shown-path.ts";
import { asResult } from "../tool-failure.ts";
import { diffFiles } from "./diff-files.ts";
import { readStatus } from "./read-status.ts";
import type { Repository } from "./repository.ts";

const MAX_CHANGES = 500;
const MAX_STATUS_BYTES = 200_000;
const MAX_DIFF_BYTES = 32_000;
const MAX_COMMITS = 50;
const DEFAULT_COMMITS = 10;

const READING = {
  annotations: { readOnly: true, destructive: false, idempotent: true, openWorld: false },
  effect: "none",
} as const;

export function gitStatusTool(repository: Repository): Tool {
  return defineTool({
    ...READING,
    name: "git_status",
    title: "Changed files",
    description: "List the files changed since the last commit. For the lines use git_diff.",
    input: z.strictObject({}),
    output: z.object({
      branch: z.string(),
      changes: z.array(z.object({ path: z.string(), state: z.enum(["new", "changed", "deleted", "conflict"]) })),
      cut: z.boolean(),
    }),
    example: {},
    run: (_input, { signal }) =>
      asResult(async () => {
        const flags = ["--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames"];
        const printed = await repository.run(["status", ...flags, "--ignore-submodules=all"], {
          maxBytes: MAX_STATUS_BYTES,
          signal,
        });
        const { branch, changes } = readStatus(printed);
        const output = {
          branch,
          changes: changes.slice(0, MAX_CHANGES),
          cut: changes.length > MAX_CHANGES || Buffer.byteLength(printed) > MAX_STATUS_BYTES,
        };
        const lines = output.changes.map(({ path, state }) => `${state} ${shownPath(path)}`);
        if (output.cut) lines.push(`[the first ${lines.length} only]`);
        return { ok: true, output, text: lines.length === 0 ? "[nothing has changed]" : lines.join("\n") };
      }),
  });
}

export function gitDiffTool(repository: Repository): Tool {
  return defineTool({
    ...READING,
    name: "git_diff",
    title: "Changed lines",
    description: "Show the lines changed since the last commit, of all files or one.",
    input: z.strictObject({ path: filePath.optional() }),
    output: z.object({ diff: z.string(), cut: z.boolean() }),
    pathArguments: ["path"],
    walks: true,
    example: {},
    run: ({ path }, { signal }) =>
      asResult(async () => {
        const only = pathsOf(path);
        const { diff: printed, nested } = await repository.withIndex((index) =>
          diffFiles(repository, { index, only, maxBytes: MAX_DIFF_BYTES }, signal),
        );
        const bytes = Buffer.from(printed);
        const cut = bytes.length > MAX_DIFF_BYTES;
        const diff = cut ? wholeLines(bytes.toString("utf8", 0, MAX_DIFF_BYTES)) : printed;
        const notes = nested.map((folder) => `[${shownPath(folder)} is a git repository of its own, and not shown]`);
        if (cut) notes.push("[cut; ask for one file with path]");
        const text = diff === "" ? ["[nothing has changed]", ...notes].join("\n") : diff + notes.join("\n");
        return { ok: true, output: { diff, cut }, text };
      }),
  });
}

export function gitLogTool(repository: Repository): Tool {
  return defineTool({
    ...READING,
    name: "git_log",
    title: "Commits",
    description: "List the newest commits, of all files or one.",
    input: z.strictObject({
      path: filePath.optional(),
      limit: z
        .int()
        .min(1)
        .max(MAX_COMMITS)
        .meta({ "x-aliases": ["n", "max_count", "count"] })
        .optional(),
    }),
    output: z.object({
      commits: z.array(z.object({ hash: z.string(), author: z.string(), date: z.string(), subject: z.string() })),
    }),
    pathArguments: ["path"],
    example: { limit: 5 },
    run: ({ path, limit = DEFAULT_COMMITS }, { signal }) =>
      asResult(async () => {
        const only = pathsOf(path);
        if ((await repository.head(signal)) === undefined)
          return { ok: true, output: { commits: [] }, text: "[no commit yet]" };
        const flags = [
          "-z",
          "--format=%H%n%an%n%aI%n%s",
          `--max-count=${limit}`,
          "--no-mailmap",
          "--no-show-signature",
        ];
        const printed = await repository.run(["log", ...flags, "--end-of-options", "HEAD", "--", ...only], { signal });
        const commits = printed
          .split("\0")
          .filter((entry) => entry !== "")
          .map((entry) => {
            const [hash = "", author = "", date = "", subject = ""] = entry.split("\n");
            return { hash, author, date, subject: subject.slice(0, 300) };
          });
        const lines = commits.map(({ hash, date, subject }) => `${hash.slice(0, 12)} ${date.slice(0, 10)} ${subject}`);
        return { ok: true, output: { commits }, text: lines.length === 0 ? "[no commit]" : lines.join("\n") };
      }),
  });
}

/** The path as git is told of it; none for the whole work tree. */
function pathsOf(path: string | undefined): readonly string[] {
  const parts = path === undefined ? [] : partsOf(path, { root: "allowed" });
  return parts.length === 0 ? [] : [parts.join("/")];
}

function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf("\n") + 1);
}
