import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildEvent } from "../base/events.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { isSourceFile, type Language } from "../tools/language.ts";
import { checkSyntax, runTests, type SyntaxProblem, type TestRun } from "../tools/run-tests.ts";
import type { BuildRun } from "./build-run.ts";
import { equipSandbox } from "./equip-sandbox.ts";
import { runOwnTests } from "./own-tests.ts";
import { isDeterministic } from "./is-deterministic.ts";
import { type Packages, showDependencies } from "./project-dependencies.ts";
import type { Strand } from "./strand.ts";

/** What a tree is checked as; a recorded step. */
export type CheckRequest = {
  /** The step's name. */
  readonly name: string;
  readonly task: string;
  readonly tree: string;
  readonly language: Language;
  /** Files of the tree that are left alone: tests of other tasks, whose code is not there yet. */
  readonly without?: readonly string[];
};

/** Parses every source file of a tree. */
export function parseTree(strand: Strand, request: CheckRequest): Promise<readonly SyntaxProblem[]> {
  const { name, task, tree, language, without = [] } = request;
  const input = { tree, language: language.id, without };
  return strand.effect<readonly SyntaxProblem[]>({ name, kind: "tests", task, input }, () =>
    inCheckout(strand.build, tree, async ({ root, paths, sandbox }) => {
      const own = await ownPaths(strand.build, tree, paths);
      const files = own.filter((path) => isSourceFile(language, path) && !without.includes(path));
      const problems = files.length === 0 ? [] : await checkSyntax(sandbox, { root, language, files }, strand.signal);
      const failed = problems.length;
      const events: BuildEvent[] =
        failed === 0 ? [] : [{ type: "tests-ran", step: name, task, passed: 0, failed, durationMs: 0 }];
      return { result: problems, events };
    }),
  );
}

/** Runs test files of a tree, those named and no others. */
export function testTree(strand: Strand, request: CheckRequest, tests: readonly string[]): Promise<TestRun> {
  const { name, task, tree, language } = request;
  const input = { tree, language: language.id, tests };
  return strand.effect<TestRun>({ name, kind: "tests", task, input }, () =>
    inCheckout(strand.build, tree, async ({ root, paths, sandbox }) => {
      const sources = paths.filter((path) => isSourceFile(language, path));
      const run = await runTests(sandbox, { root, language, files: tests, sources }, strand.signal);
      return { result: run, events: [testsRan(name, task, run)] };
    }),
  );
}

/** Runs the repository's own tests that were green before the build; undefined where there are none. */
export async function testOwn(strand: Strand, { name, task, tree }: CheckRequest): Promise<TestRun | undefined> {
  const { greenTests } = strand.build;
  if (greenTests === undefined) return undefined;
  const { language, files: tests } = greenTests;
  const input = { tree, language: language.id, tests };
  return strand.effect<TestRun>({ name, kind: "tests", task, input }, () =>
    inCheckout(strand.build, tree, async ({ root, sandbox }) => {
      const run = await runOwnTests(tests, (files) => runTests(sandbox, { root, language, files }, strand.signal));
      return { result: run, events: [testsRan(name, task, run)] };
    }),
  );
}

export type Checkout = { readonly root: string; readonly paths: readonly string[]; readonly sandbox: Sandbox };

/** A fresh checkout of a tree, which goes when `work` ends. Only so many at once as the machine has processors. */
export async function inCheckout<T>(
  build: BuildRun,
  tree: string,
  work: (checkout: Checkout) => Promise<T>,
): Promise<T> {
  return checkoutWith(build, { tree, ...packagesOf(build) }, work);
}

/** What is installed beside the code; nothing for a new repository. */
export function packagesOf({ repository }: BuildRun): Packages {
  const { directory = "", dependencies = [] } = repository ?? {};
  return { directory, dependencies };
}

/** The files of a tree that are the build's own: all of them, or where it builds on a repository, those that differ. */
export async function ownPaths(build: BuildRun, tree: string, paths: readonly string[]): Promise<readonly string[]> {
  if (build.repository === undefined) return paths;
  const changes = await build.deps.workspaces.changedPaths(build.repository.tree, tree);
  const changed = new Set(changes.map(({ path }) => path));
  return paths.filter((path) => changed.has(path));
}

/** A tree, and where installed packages are shown from. */
type ToCheckOut = Packages & { readonly tree: string };

/** As {@link inCheckout}, with packages that are named. */
export async function checkoutWith<T>(
  build: BuildRun,
  { tree, ...packages }: ToCheckOut,
  work: (checkout: Checkout) => Promise<T>,
): Promise<T> {
  const { workspaces, scratchDirectory, openSandbox, checks } = build.deps;
  using _turn = await checks.take(build.signal);
  const sandbox = await openSandbox(build.request.unsafe);
  const root = await mkdtemp(join(scratchDirectory, "check-"));
  try {
    await workspaces.checkOut(tree, root);
    const shown = await showDependencies(sandbox, root, packages);
    // Python's sets are else in another order in each run, and so is what a failing test says of them.
    const env = isDeterministic(build.request) ? { PYTHONHASHSEED: "0" } : {};
    const steady = equipSandbox(shown, { env });
    return await work({ root, paths: await workspaces.list(tree), sandbox: steady });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

export function testsRan(step: string, task: string, { tests, durationMs }: TestRun): BuildEvent {
  const passed = tests.filter((test) => test.outcome === "passed").length;
  return { type: "tests-ran", step, task, passed, failed: tests.length - passed, durationMs };
}
