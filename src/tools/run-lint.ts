import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { Lint } from "./find-lint.ts";
import type { Language } from "./language.ts";
import { explainRun } from "./test-report.ts";
import { runCommand } from "./toolchain/run-command.ts";

const MAX_EXCERPT = 1200;
/** Where a project has its own programs, in what is checked. */
const ENVIRONMENT = ["bin", "lib", "lib64", "pyvenv.cfg"];
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
  // Not all of it: settings of pip lie there too, and hold passwords.
  const shown = beside
    .flatMap((path) => ENVIRONMENT.map((name) => join(path, name)))
    .filter((path) => existsSync(path));
  const toolchain = { ...known, folders, show: [...known.show, ...shown] };
  const { report, run } = await runCommand(sandbox, { root, toolchain, command: lint.command, files: [] }, signal);
  if (run === undefined || report.limitHit !== undefined) return { kind: "not-run", what, why: explainRun(report) };
  // A shell says so by its exit.
  if (run.missing || run.exitCode === 127) {
    const hidden = programs.map((path) => join(path, lint.program)).find((path) => existsSync(path));
    const none = `${lint.program} is neither in the project nor on this machine`;
    const why = hidden === undefined ? none : `what ${hidden} runs by is not within its environment, and so not seen`;
    return { kind: "not-run", what, why };
  }
  if (run.exitCode === 0) return { kind: "passed", what };
  const texts = [run.stdout, run.stderr].map((text) => text.trim()).filter((text) => text !== "");
  const said = excerptOf(texts.join("\n"));
  // Not what it said: a reason goes into the receipt.
  if (run.exitCode === null)
    return { kind: "not-run", what, why: `${lint.program} could not be started, or was ended by a signal` };
  return { kind: "failed", what, excerpt: said || `it ended with exit ${run.exitCode}` };
}

/** The first lines: linters tell the first file first, and end with a sum. */
function excerptOf(text: string): string {
  return text.length <= MAX_EXCERPT ? text : `${text.slice(0, MAX_EXCERPT - 1)}…`;
}
