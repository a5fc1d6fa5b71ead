import { createHash } from "node:crypto";
import { pathConflict } from "../base/safe-path.ts";
import { readFileBlocks } from "../agents/file-blocks.ts";
import { fill } from "../agents/fill.ts";
import type { Read } from "../agents/read.ts";
import { modelFor } from "../agents/roster.ts";
import { interfacesOf, showTask } from "../agents/show-task.ts";
import { roleFor } from "../agents/team.ts";
import type { WorkspaceFile } from "../journal/workspaces.ts";
import { explainFailure, explainSyntax } from "../tools/explain-failure.ts";
import { isTestFile, type Language, scaffold } from "../tools/language.ts";
import type { TestRun } from "../tools/run-tests.ts";
import { NO_TEST } from "../tools/test-report.ts";
import { parseTree, testTree } from "./check-code.ts";
import type { WorkPackage } from "./decompose.ts";
import { styleSample } from "./describe-project.ts";
import { existingFiles } from "./repository.ts";
import { LEADING_TIER, type Strand } from "./strand.ts";

const MAX_DRAFTS = 2;

/** The tests of one task. */
export type TaskTests = { readonly task: string; readonly files: readonly WorkspaceFile[] };

export type FrozenTests = {
  readonly tasks: readonly TaskTests[];
  readonly hashes: readonly { readonly path: string; readonly sha256: string }[];
  /** The repository as it stands before any code: scaffold and tests. */
  readonly tree: string;
};

export type Freezing =
  | { readonly kind: "frozen"; readonly tests: FrozenTests }
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "limit" };

/** Where a build begins: an empty tree and its scaffold, or the repository it works on. */
export type Beginning = { readonly tree: string; readonly language: Language };

/** The tree of a new repository, before its tests. */
export function newTree(
  strand: Strand,
  language: Language,
  { name, summary }: { name: string; summary: string },
): Promise<string> {
  return strand.build.deps.workspaces.write(scaffold(language, name, summary));
}

/**
 * Tasks → acceptance tests, by the tester, for each task by itself, frozen before any code exists.
 *
 * Tests that can't be parsed, or that already pass without code, prove nothing and are sent back. A task without
 * criteria has no tests of its own: those of the tasks that build on it go through it.
 */
export async function freezeTests(
  strand: Strand,
  packages: readonly WorkPackage[],
  beginning: Beginning,
): Promise<Freezing> {
  const asked = packages.filter(({ task }) => task.covers.length > 0 || packages.length === 1);
  const drafting = { packages, beginning };
  const drafts = await strand.build.sideBySide(strand, asked, (own, one) =>
    own.withinLimit(() => draftTests(own, one, { ...drafting, others: [] })),
  );
  const tested: TaskTests[] = [];
  for (const [index, one] of asked.entries()) {
    const others = tested.flatMap(({ files }) => files.map(({ path }) => path));
    // Two testers that did not know of each other may have chosen one name: the later one is asked again.
    const first = drafts[index];
    const drafted =
      first?.ok === true && first.value.some(({ path }) => others.includes(path))
        ? await strand.withinLimit(() => draftTests(strand, one, { ...drafting, others }))
        : first;
    if (drafted === undefined) return { kind: "limit" };
    if (!drafted.ok)
      return { kind: "failed", why: `the tester's tests for ${one.task.id} can't be used: ${drafted.why}` };
    tested.push({ task: one.task.id, files: drafted.value });
  }
  return { kind: "frozen", tests: await freeze(strand, { tasks: tested, beginning }) };
}

type Freeze = { readonly tasks: readonly TaskTests[]; readonly beginning: Beginning; readonly name?: string };

/** Puts tests over the beginning and names what they are by their hashes; also those that a person has changed. */
export async function freeze(
  strand: Strand,
  { tasks, beginning, name = "tests frozen" }: Freeze,
): Promise<FrozenTests> {
  const files = tasks.flatMap((one) => one.files);
  const tree = await strand.build.deps.workspaces.write(files, beginning.tree);
  const hashes = files.map((file) => ({ path: file.path, sha256: sha256(file.content) }));
  await strand.record(name, {
    type: "tests-frozen",
    files: files.map((file) => file.path),
    // Of one file its own hash, which anybody can compute; of several the hash of their list.
    sha256: hashes.length === 1 ? (hashes[0]?.sha256 ?? "") : sha256(JSON.stringify(hashes)),
  });
  return { tasks, hashes, tree };
}

type Drafting = {
  readonly packages: readonly WorkPackage[];
  readonly beginning: Beginning;
  /** Test files of the tasks before. */
  readonly others: readonly string[];
};

async function draftTests(
  strand: Strand,
  one: WorkPackage,
  { packages, beginning, others }: Drafting,
): Promise<Read<readonly WorkspaceFile[]>> {
  const { team, roster, domain } = strand.build.request;
  const { task } = one;
  const { language } = beginning;
  const role = roleFor(team, "tester", LEADING_TIER);
  const tasks = packages.map((each) => each.task);
  const taken = [...tasks.flatMap(({ files }) => files), ...others];
  // A closed domain's criteria all have one form, so it can be seen that each is asserted, with its value.
  const assertions =
    domain === undefined ? [] : one.spec.criteria.map((criterion) => `(${criterion.replace(" returns ", ", ")})`);
  const { paths: existing, files: there } = await existingFiles(strand);
  const sample = styleSample(there, { language, path: "", tests: true });
  const again = others.length === 0 ? "" : "/again";
  const name = packages.length === 1 ? "tests" : `tests/${task.id}${again}`;
  const shown = showTask({ ...task, id: one.calledAs });
  let conversation = strand.open({ role, source: modelFor(roster, role, LEADING_TIER), task: "tests", name });
  let content = fill(role.user, {
    spec: one.shown,
    plan: shown,
    task: shown,
    interfaces: interfacesOf(task, tasks),
    language: strand.build.adviceFor(language, "tester"),
    map: [strand.build.repositoryMap, sample].filter((text) => text !== "").join("\n\n"),
    rules: strand.build.rules,
  });
  for (let draft = 1; ; draft++) {
    const answer = await strand.ask(conversation, content, (reply) =>
      readTests({ language, taken, others, existing, assertions }, reply),
    );
    if (!answer.read.ok) return answer.read;
    const files = answer.read.value;
    const problem = await checkTests(strand, { files, beginning, name: `${name}/check-${draft}` });
    if (problem === undefined) return answer.read;
    if (role.rejected === undefined || draft === MAX_DRAFTS) return { ok: false, why: problem };
    conversation = answer.conversation;
    content = fill(role.rejected, { why: problem });
  }
}

/** What is wrong with tests where there is no code yet: each file must be red, and of its own. */
export async function checkTests(
  strand: Strand,
  {
    files,
    beginning,
    name,
  }: { readonly files: readonly WorkspaceFile[]; readonly beginning: Beginning; readonly name: string },
): Promise<string | undefined> {
  const { language } = beginning;
  const tree = await strand.build.deps.workspaces.write(files, beginning.tree);
  const request = { task: "tests", tree, language };
  const problems = await parseTree(strand, { ...request, name: `${name}/parse` });
  if (problems.length > 0) return explainSyntax(problems);
  const paths = files.map(({ path }) => path);
  return redProblem(await testTree(strand, { ...request, name: `${name}/test` }, paths), paths);
}

/** A file that passes without code can't fail for what the code will be. Pure. */
export function redProblem(run: TestRun, paths: readonly string[]): string | undefined {
  const { tests } = run;
  if (tests.some((test) => test.file === "")) return explainFailure(run);
  for (const path of paths) {
    const own = tests.filter((test) => test.file === path);
    if (own.every((test) => test.outcome === "passed")) return `${path} passes although there is no code yet`;
    if (own.every((test) => test.outcome !== "failed" || test.message === NO_TEST))
      return `${path} has no test that is run`;
  }
  return undefined;
}

type Expected = {
  readonly language: Language;
  /** Paths that are somebody else's. */
  readonly taken: readonly string[];
  readonly others: readonly string[];
  /** Paths of the repository that is built on. */
  readonly existing?: ReadonlySet<string>;
  readonly assertions: readonly string[];
};

/** The test files of a reply. Pure. */
export function readTests(
  { language, taken, others, existing = new Set(), assertions }: Expected,
  reply: string,
): Read<readonly WorkspaceFile[]> {
  const files = readFileBlocks(reply);
  if (!files.ok) return files;
  const other = files.value.find((file) => !isTestFile(language, file.path));
  if (other !== undefined)
    return { ok: false, why: `${other.path} is not a test file; it is named ${language.testFile.example}` };
  const again = files.value.find((file) => others.includes(file.path));
  if (again !== undefined)
    return { ok: false, why: `${again.path} holds the tests of another task already; choose another name` };
  const old = files.value.find((file) => existing.has(file.path));
  if (old !== undefined) return { ok: false, why: `${old.path} is there already; write a new file with another name` };
  const untested = assertions.find((one) => !files.value.some((file) => file.content.includes(one)));
  if (untested !== undefined) return { ok: false, why: `no test asserts ${untested}` };
  const conflict = pathConflict([...files.value.map((file) => file.path), ...taken, ...existing]);
  return conflict === undefined ? files : { ok: false, why: conflict };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
