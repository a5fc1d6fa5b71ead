import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { WorkspaceFile, Workspaces } from "../../journal/workspaces.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { explainFailure } from "../explain-failure.ts";
import { isSourceFile, isTestFile, type Language } from "../language.ts";
import { checkSyntax, runTests, type TestRun } from "../run-tests.ts";
import { newMark, readMarked } from "../test-report.ts";
import { runnersFor } from "../test-request.ts";
import { withCompiled } from "../toolchain/with-compiled.ts";
import { codeFamily, makeMutants, type Mutant, type MutantSource } from "./make-mutants.ts";

export const DEFAULT_MUTANTS = 12;
export const MOST_MUTANTS = 100;

const MOST_FILES = 60;
const MOST_CHARACTERS = 100_000;
/** What all the files without their types may come to, as JSON. */
const STRIPPED_BYTES = 32 * 1024 * 1024;
/** A mutant's tests get this many times the time of the unchanged ones, and the time to start in. */
const SLOWER = 3;
const STARTING_MS = 5_000;

export type TriedMutant = Omit<Mutant, "text"> & {
  readonly outcome: "killed" | "survived";
  /** The first test that failed; empty when none did. */
  readonly killedBy: string;
};

export type MutantsReport =
  | {
      readonly kind: "tried";
      readonly mutants: readonly TriedMutant[];
      readonly killed: number;
      readonly survived: number;
    }
  /** The tests fail without any change. */
  | { readonly kind: "red"; readonly why: string }
  /** Nobody told ATOS how code of this language is changed. */
  | { readonly kind: "unsupported"; readonly language: string };

export type MutantsDeps = {
  readonly sandbox: Sandbox;
  readonly workspaces: Workspaces;
  /** A folder for checkouts; they go when the tests have run. */
  readonly scratch: string;
};

export type MutatedProject = {
  readonly tree: string;
  readonly language: Language;
  /** The tests that are to notice. */
  readonly tests: readonly string[];
  /** At most so many mutants. */
  readonly most: number;
  /** The files that may be changed. Default: all source files that are no tests. */
  readonly only?: readonly string[];
};

/**
 * Shows whether a project's tests can fail: makes small changes of its source files, each by itself in a clean checkout
 * in the sandbox, and runs the tests. A mutant is killed when they fail or don't end in time. Nothing is tried when
 * they fail without any change.
 */
export async function runMutants(
  deps: MutantsDeps,
  project: MutatedProject,
  signal: AbortSignal,
): Promise<MutantsReport> {
  const { language, tree, most } = project;
  if (codeFamily(language.id) === undefined) return { kind: "unsupported", language: language.id };
  let tookMs = 0;
  const watched = sandboxWith(deps.sandbox, async (request, stop) => {
    const report = await deps.sandbox.run(request, stop);
    tookMs = Math.max(tookMs, report.durationMs);
    return report;
  });
  const unchanged = await testTree(deps, { ...project, sandbox: watched }, signal);
  if (!unchanged.green) return { kind: "red", why: explainFailure(unchanged) };
  const sources = await readSources(deps, project, signal);
  // Twice as many, since some may turn out not to be code.
  const candidates = makeMutants(sources, language.id, 2 * most);
  const mutants = await thoseThatParse(deps, { candidates, language }, signal);
  const wallMs = Math.ceil(SLOWER * tookMs) + STARTING_MS;
  const sandbox = sandboxWith(deps.sandbox, (request, stop) =>
    deps.sandbox.run({ ...request, limits: { ...request.limits, wallMs } }, stop),
  );
  const tried: TriedMutant[] = [];
  for (const { text, ...mutant } of mutants) {
    if (tried.length === most) break;
    const changed = await deps.workspaces.write([{ path: mutant.path, content: text }], tree);
    const run = await testTree(deps, { ...project, tree: changed, sandbox }, signal);
    if (!wasRun(language, { run, unchanged, wallMs })) continue;
    const failed = run.tests.find((test) => test.outcome !== "passed");
    const [outcome, killedBy] = run.green ? (["survived", ""] as const) : (["killed", failed?.name ?? ""] as const);
    tried.push({ ...mutant, outcome, killedBy });
  }
  await rm(join(deps.scratch, "compiled"), { recursive: true, force: true });
  tried.sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
  const survived = tried.filter(({ outcome }) => outcome === "survived").length;
  return { kind: "tried", mutants: tried, killed: tried.length - survived, survived };
}

/** A compiler may refuse what can be parsed; then no test was run, and none noticed anything. */
function wasRun(
  { runner }: Language,
  { run, unchanged, wallMs }: { readonly run: TestRun; readonly unchanged: TestRun; readonly wallMs: number },
): boolean {
  if (typeof runner === "string" || run.durationMs >= wallMs) return true;
  const names = new Set(unchanged.tests.map(({ name }) => name));
  return run.tests.some(({ name }) => names.has(name));
}

async function testTree(
  deps: MutantsDeps,
  { sandbox, tree, language, tests }: MutatedProject & { readonly sandbox: Sandbox },
  signal: AbortSignal,
): Promise<TestRun> {
  const kept = join(deps.scratch, "compiled");
  return inCheckout(deps, tree, (root) =>
    withCompiled(root, kept, () => runTests(sandbox, { root, language, files: tests }, signal)),
  );
}

/** The source files that mutants are made of: no tests, none that is too large to be a person's or a model's. */
async function readSources(
  deps: MutantsDeps,
  { tree, language, only }: MutatedProject,
  signal: AbortSignal,
): Promise<readonly MutantSource[]> {
  const { workspaces } = deps;
  const paths = (await workspaces.list(tree)).filter(
    (path) => isSourceFile(language, path) && !isTestFile(language, path) && (only?.includes(path) ?? true),
  );
  const files: MutantSource[] = [];
  for (const path of paths.slice(0, MOST_FILES)) {
    const text = await workspaces.read(tree, path);
    // What is not UTF-8 would not come back as it was.
    if (text.length <= MOST_CHARACTERS && !text.includes("\uFFFD")) files.push({ path, text });
  }
  return language.id === "typescript" ? withoutTypes(deps, { tree, files }, signal) : files;
}

const strippedSchema = z.object({ stripped: z.array(z.object({ file: z.string(), code: z.string() })) });

/** A change of a type changes nothing at run time, so types are no code here. */
async function withoutTypes(
  deps: MutantsDeps,
  { tree, files }: { readonly tree: string; readonly files: readonly MutantSource[] },
  signal: AbortSignal,
): Promise<readonly MutantSource[]> {
  if (files.length === 0) return [];
  const { sandbox } = deps;
  const mark = newMark();
  const { path, readOnly } = runnersFor(sandbox);
  return inCheckout(deps, tree, async (root) => {
    const report = await sandbox.run(
      {
        command: [
          sandbox.nodePath,
          "--no-warnings",
          `${path}/strip-types.mjs`,
          mark,
          ...files.map((file) => file.path),
        ],
        root,
        readOnly,
        limits: { outputBytes: STRIPPED_BYTES },
      },
      signal,
    );
    const parsed = strippedSchema.safeParse(readMarked(report.stdout, mark));
    const codes = new Map(parsed.data?.stripped.map(({ file, code }) => [file, code]));
    return files.flatMap((file) => {
      const code = codes.get(file.path);
      return code === undefined ? [] : [{ ...file, code }];
    });
  });
}

/** Each in a folder of its own, and all of them looked at in one run. */
async function thoseThatParse(
  deps: MutantsDeps,
  { candidates, language }: { readonly candidates: readonly Mutant[]; readonly language: Language },
  signal: AbortSignal,
): Promise<readonly Mutant[]> {
  if (candidates.length === 0) return [];
  const files = candidates.map(({ path, text }, index): WorkspaceFile => ({ path: `${index}/${path}`, content: text }));
  const problems = await inCheckout(deps, await deps.workspaces.write(files), (root) =>
    checkSyntax(deps.sandbox, { root, language, files: files.map(({ path }) => path) }, signal),
  );
  const broken = new Set(problems.map(({ file }) => file));
  return candidates.filter(({ path }, index) => !broken.has(`${index}/${path}`));
}

async function inCheckout<T>(
  { workspaces, scratch }: MutantsDeps,
  tree: string,
  work: (root: string) => Promise<T>,
): Promise<T> {
  const root = join(scratch, "mutant");
  await mkdir(root);
  try {
    await workspaces.checkOut(tree, root);
    return await work(root);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/** The same sandbox, with another way to run. */
function sandboxWith({ level, mounts, nodePath, pythonPath }: Sandbox, run: Sandbox["run"]): Sandbox {
  return { level, mounts, nodePath, pythonPath, run };
}
