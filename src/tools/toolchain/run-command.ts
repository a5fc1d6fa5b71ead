import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { missingError } from "../../base/errors.ts";
import type { Sandbox, SandboxReport } from "../../sandbox/sandbox.ts";
import { newMark, readMarked } from "../test-report.ts";
import { runnersFor } from "../test-request.ts";
import type { Toolchain } from "./toolchain.ts";

/** Reports hold what was printed, at most 8 MB of each stream, and the sources that were asked for, as JSON. */
const OUTPUT_BYTES = 64 * 1024 * 1024;

const commandRun = z.object({
  /** Whether there is no such program. */
  missing: z.boolean(),
  exitCode: z.number().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  /** Whether it wrote so much that the beginning is left out. */
  cut: z.boolean(),
  /** Where it ran, as it saw it. */
  folder: z.string(),
  /** The texts of the files that were asked for. */
  sources: z.record(z.string(), z.string()),
  coverage: z.string(),
});
export type CommandRun = z.infer<typeof commandRun>;

export type CommandJob = {
  /** Host folder with the code. */
  readonly root: string;
  readonly toolchain: Pick<Toolchain, "folders" | "show" | "env" | "limits">;
  readonly command: readonly [string, ...string[]];
  /** What `{files}` and `{folders}` stand for. */
  readonly files: readonly string[];
  /** Files whose texts the answer is to hold. */
  readonly sources?: readonly string[];
  readonly coverage?: boolean;
  /** A test file that is not among `files` and matches this is out of the way meanwhile: it would be built with them. */
  readonly testFile?: string;
};

export type CommandEnd = {
  readonly report: SandboxReport;
  /** Absent when the run ended without saying how, which `report` tells. */
  readonly run: CommandRun | undefined;
};

/** Runs one command of a toolchain in the sandbox, without network. */
export async function runCommand(sandbox: Sandbox, job: CommandJob, signal: AbortSignal): Promise<CommandEnd> {
  const mark = newMark();
  const { path, readOnly } = runnersFor(sandbox);
  const { env, limits } = job.toolchain;
  const atHome = (path: string): string => path.replace(/^~/, homedir());
  const folders = job.toolchain.folders.map(atHome);
  const words = {
    command: job.command.flatMap((word) => filled(word, job.files)),
    env,
    folders,
    sources: job.sources ?? [],
    coverage: job.coverage === true,
    ...(job.testFile === undefined ? {} : { only: { files: job.files, pattern: job.testFile } }),
  };
  const report = await sandbox.run(
    {
      command: [
        sandbox.nodePath,
        "--no-warnings",
        `${path}/command-runner.mjs`,
        mark,
        ...inParts(JSON.stringify(words)),
      ],
      root: job.root,
      readOnly: [...readOnly, ...shown(sandbox, [...folders, ...job.toolchain.show.map(atHome)])],
      limits: { ...limits, outputBytes: OUTPUT_BYTES },
    },
    signal,
  );
  const parsed = commandRun.safeParse(readMarked(report.stdout, mark));
  return { report, run: parsed.success ? parsed.data : undefined };
}

/** As {@link runCommand}. @throws `tools/toolchain-missing` where its program is not there. */
export async function runInstalled(
  sandbox: Sandbox,
  job: CommandJob & { readonly toolchain: Toolchain },
  signal: AbortSignal,
): Promise<CommandEnd> {
  const end = await runCommand(sandbox, job, signal);
  if (end.run?.missing === true) throw missingToolchain(job.toolchain, job.command[0]);
  return end;
}

/**
 * The version of a toolchain, in its own words.
 *
 * @throws `tools/toolchain-missing` where it is not there, or does not say its version.
 */
export async function toolchainVersion(
  sandbox: Sandbox,
  job: Pick<CommandJob, "root"> & { readonly toolchain: Toolchain },
  signal: AbortSignal,
): Promise<string> {
  const { root, toolchain } = job;
  const { run } = await runCommand(sandbox, { root, toolchain, command: toolchain.version, files: [] }, signal);
  const version = run?.stdout.trim().split("\n")[0] ?? "";
  if (run?.exitCode !== 0 || version === "") throw missingToolchain(toolchain, toolchain.version[0]);
  return version;
}

function missingToolchain({ install }: Pick<Toolchain, "install">, program: string): Error {
  return missingError(
    "tools/toolchain-missing",
    `this goal needs the program ${program}, which the sandbox does not find or can't run; install it: ${install}`,
  );
}

/** In arguments that the system takes: one may have 128 KiB, and a character has at most four bytes. Pure. */
function inParts(text: string): readonly string[] {
  return text.match(/[^]{1,30000}/gu) ?? [];
}

/** `{files}` and `{folders}` become arguments of their own; a folder as `./folder`. Pure. */
function filled(word: string, files: readonly string[]): readonly string[] {
  if (word === "{files}") return files;
  if (word !== "{folders}") return [word];
  const folders = files.map((file) => `./${file.slice(0, Math.max(0, file.lastIndexOf("/")))}`);
  return [...new Set(folders)].toSorted();
}

/** What of the toolchain the sandbox has to be shown: what lies outside of what it shows anyway. */
function shown(sandbox: Sandbox, paths: readonly string[]): readonly { source: string; target: string }[] {
  if (sandbox.level === "none") return [];
  return paths
    .filter((path) => isAbsolute(path) && !/^\/(usr|opt\/homebrew)\//.test(`${path}/`) && existsSync(path))
    .map((path) => ({ source: path, target: path }));
}
