import { join } from "node:path";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { Lint } from "./find-lint.ts";
import type { Language } from "./language.ts";
import { explainRun } from "./test-report.ts";
import { runCommand } from "./toolchain/run-command.ts";

const MAX_EXCERPT = 1200;
/** Where a project has its own programs, in what is checked. */
const PROJECT_FOLDERS = ["node_modules/.bin", ".venv/bin"];

export type LintResult =
  | { readonly kind: "passed"; readonly what: string }
  | { readonly kind: "failed"; readonly what: string; readonly excerpt: string }
  /** Its program is not there, or did not come to an end: it says nothing of the code. */
  | { readonly kind: "not-run"; readonly what: string; readonly why: string };

export type LintJob = {
  /** Host folder with the code; only this run uses it. */
  readonly root: string;
  readonly lint: Lint;
  readonly language?: Pick<Language, "runner">;
  /** A virtual environment of Python that is installed beside the code; shown by its own path. */
  readonly environment?: string | undefined;
};

/** Runs one lint in the sandbox, without network, with what the project and the machine have. Nothing is installed. */
export async function runLint(sandbox: Sandbox, job: LintJob, signal: AbortSignal): Promise<LintResult> {
  const { root, lint, language, environment } = job;
  const what = lint.name;
  const known = typeof language?.runner === "object" ? language.runner : { folders: [], show: [], env: {}, limits: {} };
  const beside = environment === undefined ? [] : [environment];
  const programs = beside.map((path) => join(path, "bin"));
  const folders = [...PROJECT_FOLDERS, ...programs, ...known.folders];
  const toolchain = { ...known, folders, show: [...known.show, ...beside] };
  const { report, run } = await runCommand(sandbox, { root, toolchain, command: lint.command, files: [] }, signal);
  if (run === undefined || report.limitHit !== undefined) return { kind: "not-run", what, why: explainRun(report) };
  // A shell says so by its exit.
  if (run.missing || run.exitCode === 127)
    return { kind: "not-run", what, why: `${lint.program} is neither in the project nor on this machine` };
  if (run.exitCode === 0) return { kind: "passed", what };
  const texts = [run.stdout, run.stderr].map((text) => text.trim()).filter((text) => text !== "");
  const said = excerptOf(texts.join("\n"));
  // Not started, or ended by a signal.
  if (run.exitCode === null) return { kind: "not-run", what, why: said || `${lint.program} was ended by a signal` };
  return { kind: "failed", what, excerpt: said || `it ended with exit ${run.exitCode}` };
}

/** The first lines: linters tell the first file first, and end with a sum. */
function excerptOf(text: string): string {
  return text.length <= MAX_EXCERPT ? text : `${text.slice(0, MAX_EXCERPT - 1)}…`;
}
