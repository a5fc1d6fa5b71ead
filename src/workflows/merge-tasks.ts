import type { PlannedTask } from "../base/events.ts";
import { showFile } from "../agents/file-blocks.ts";
import { showTask } from "../agents/show-task.ts";
import type { Step } from "../base/run-graph.ts";
import { insertTasks } from "../store/tasks.ts";
import { explainFailure } from "../tools/explain-failure.ts";
import type { TestRun } from "../tools/run-tests.ts";
import { testOwn, testTree } from "./check-code.ts";
import type { WorkPackage } from "./decompose.ts";
import { runTask } from "./run-task.ts";
import type { Commit, TaskGraph, TaskResult } from "./run-tasks.ts";
import type { Strand } from "./strand.ts";

/** How far the merging is. `waiting` are green tasks in the order of the plan. */
export type Merging = {
  readonly line: Commit;
  readonly waiting: readonly TaskResult[];
  readonly merged: readonly TaskResult[];
  /** Tasks whose branch stays outside, and why. */
  readonly leftOut: readonly { readonly task: string; readonly why: string }[];
  /** What the last merge broke. */
  readonly broken: Broken | undefined;
};

type Broken = {
  readonly result: TaskResult;
  readonly paths: readonly string[];
  /** The merged tree; of a conflict with the line's side of what both changed. */
  readonly tree: string;
  readonly why: string;
};

export type MergeOn = "merged" | "broken" | "complete" | "limit";

/** Takes the next green branch in. The tests of all that is in decide whether it may stay. */
export async function mergeNext(
  strand: Strand,
  graph: TaskGraph,
  merging: Merging,
): Promise<Step<Merging> & { on: MergeOn }> {
  const { line, waiting, merged } = merging;
  const [result, ...rest] = waiting;
  if (result?.end === undefined || result.base === undefined) return { on: "complete", state: merging };
  const { end, base } = result;
  const task = result.package.task.id;
  const taken = (at: Commit): Merging => ({
    ...merging,
    line: at,
    waiting: rest,
    merged: [...merged, result],
    broken: undefined,
  });
  if (base.tree === line.tree) {
    strand.tell({ type: "merged", task, how: "fast-forward", commit: end.commit, tree: end.tree, paths: [] });
    return { on: "merged", state: taken(end) };
  }
  const { workspaces } = strand.build.deps;
  const outcome = await workspaces.merge({
    base: commonTree(graph, merging, result),
    ours: line.tree,
    theirs: end.tree,
  });
  if (outcome.kind === "conflict") {
    const { paths } = outcome;
    strand.tell({ type: "merged", task, how: "conflict", commit: line.commit, tree: line.tree, paths });
    const why = `both sides changed ${paths.join(", ")}`;
    return {
      on: "broken",
      state: { ...merging, broken: { result, paths, tree: outcome.tree, why } },
    };
  }
  const checked = await strand.withinLimit(() =>
    testMerge(strand, graph, { task, tree: outcome.tree, sides: [...merged, result] }),
  );
  if (checked === undefined) return { on: "limit", state: merging };
  const { run } = checked;
  if (run?.green === false) {
    const why = explainFailure(run);
    strand.tell({ type: "merged", task, how: "red", commit: line.commit, tree: outcome.tree, paths: [] });
    return { on: "broken", state: { ...merging, broken: { result, paths: [], tree: outcome.tree, why } } };
  }
  const at = await commitMerge(strand, { task, line, end, tree: outcome.tree });
  strand.tell({ type: "merged", task, how: "merge", commit: at.commit, tree: at.tree, paths: [] });
  return { on: "merged", state: taken(at) };
}

type MergedTree = { readonly task: string; readonly tree: string; readonly sides: readonly TaskResult[] };

/** The tests of all that is in, and the repository's own: the first run that is not green, if there is one. */
async function testMerge(
  strand: Strand,
  graph: TaskGraph,
  { task, tree, sides }: MergedTree,
): Promise<{ readonly run: TestRun | undefined }> {
  const request = { name: `merge/${task}/test`, task, tree, language: graph.beginning.language };
  const tests = testsOf(graph, sides);
  const run = tests.length === 0 ? undefined : await testTree(strand, request, tests);
  if (run?.green === false) return { run };
  return { run: await testOwn(strand, { ...request, name: `${request.name}/own` }) };
}

/** What a merge broke becomes a task of its own, which is told both sides. It begins with the tree as merged so far. */
export async function integrate(strand: Strand, graph: TaskGraph, merging: Merging): Promise<Step<Merging>> {
  const { line, merged, waiting, broken, leftOut } = merging;
  if (broken === undefined) throw new Error("nothing is to be integrated");
  const { result } = broken;
  const sides = [...merged, result];
  const task = integrationTask(result.package, sides, broken);
  await addTask(strand, task, graph.packages.length);
  const outcome = await runTask(strand, {
    task,
    shown: sides.map(({ package: one }) => one.shown).join("\n\n"),
    calledAs: task.id,
    language: graph.beginning.language,
    seat: "integrator",
    base: broken.tree,
    tests: testsOf(graph, sides),
    otherTests: testsOf(graph, waiting.slice(1)),
    mayWrite: new Set(task.files),
    values: await sidesOf(strand, graph, { merging, task, broken }),
  });
  const green = outcome.kind === "green";
  await strand.setTask(task.id, green ? "green" : "red", green ? undefined : outcome.why);
  const rest = { ...merging, waiting: waiting.slice(1), broken: undefined };
  if (!green) {
    const name = result.package.task.id;
    strand.tell({ type: "merged", task: name, how: "left-out", commit: line.commit, tree: line.tree, paths: [] });
    return {
      on: "left-out",
      state: { ...rest, leftOut: [...leftOut, { task: name, why: `it could not be merged: ${outcome.why}` }] },
    };
  }
  const end = result.end ?? line;
  const at = await commitMerge(strand, { task: result.package.task.id, line, end, tree: outcome.tree });
  return { on: "mended", state: { ...rest, line: at, merged: sides } };
}

/**
 * Puts what red tasks made over the rest, and what the limit left no time to merge, where it fits: it is delivered as
 * what it is, on a branch that is not green.
 */
export async function takeUnproven(
  strand: Strand,
  graph: TaskGraph,
  { merging, results }: { readonly merging: Merging; readonly results: readonly TaskResult[] },
): Promise<Merging> {
  let { line } = merging;
  const settled = new Set([
    ...merging.merged.map(({ package: one }) => one.task.id),
    ...merging.leftOut.map(({ task }) => task),
  ]);
  for (const { package: one, base, end } of results) {
    if (settled.has(one.task.id) || base === undefined || end === undefined || end.commit === base.commit) continue;
    const { workspaces } = strand.build.deps;
    const outcome = await workspaces.merge({ base: graph.frozen.tree, ours: line.tree, theirs: end.tree });
    if (outcome.kind === "conflict") continue;
    line =
      base.tree === line.tree ? end : await commitMerge(strand, { task: one.task.id, line, end, tree: outcome.tree });
  }
  return { ...merging, line };
}

/** What both sides have: all that the task came after, once that is in; else what every task began with. */
function commonTree({ frozen }: TaskGraph, { merged }: Merging, { package: one, base }: TaskResult): string {
  const done = new Set(merged.map((each) => each.package.task.id));
  return base !== undefined && one.task.after.every((id) => done.has(id)) ? base.tree : frozen.tree;
}

function testsOf({ tests }: TaskGraph, results: readonly TaskResult[]): readonly string[] {
  const ids = new Set(results.map(({ package: one }) => one.task.id));
  return tests.tasks.filter(({ task }) => ids.has(task)).flatMap(({ files }) => files.map(({ path }) => path));
}

function integrationTask(one: WorkPackage, sides: readonly TaskResult[], broken: Broken): PlannedTask {
  const files =
    broken.paths.length > 0 ? broken.paths : [...new Set(sides.flatMap(({ package: side }) => side.task.files))];
  return {
    id: `merge:${one.task.id}`,
    tier: "complex",
    files,
    after: sides.map(({ package: side }) => side.task.id),
    description: `Put ${one.task.id} together with the rest: ${broken.why.split("\n")[0] ?? ""}`,
    covers: [],
    kind: "debugging",
  };
}

async function addTask(strand: Strand, task: PlannedTask, from: number): Promise<void> {
  const { id: buildId, deps } = strand.build;
  await strand.once(`tasks/${task.id}: added`, async (trx) => {
    await insertTasks(trx, { buildId, tasks: [task], from, at: deps.journal.now() });
    return { result: null, events: [{ type: "task-added", task }] };
  });
  await strand.setTask(task.id, "running");
}

/** Both sides' files, and what is wrong with them together. */
async function sidesOf(
  strand: Strand,
  graph: TaskGraph,
  { merging, task, broken }: { readonly merging: Merging; readonly task: PlannedTask; readonly broken: Broken },
) {
  const { language } = graph.beginning;
  const shown = async (tree: string): Promise<string> => {
    const files = await strand.texts(tree, task.files);
    return files.map((file) => showFile(file, language.fence)).join("\n\n");
  };
  const tests = await strand.texts(graph.tests.tree, testsOf(graph, [...merging.merged, broken.result]));
  return {
    ours: await shown(merging.line.tree),
    theirs: await shown(broken.result.end?.tree ?? merging.line.tree),
    failure: broken.why,
    tests: tests.map((file) => showFile(file, language.fence)).join("\n\n"),
    done: merging.merged.map(({ package: one }) => showTask(one.task)).join("\n\n"),
    interfaces: "",
    files: "",
    map: "",
    rules: strand.build.rules,
    language: strand.build.adviceFor(language, "developer"),
  };
}

function commitMerge(
  strand: Strand,
  {
    task,
    line,
    end,
    tree,
  }: { readonly task: string; readonly line: Commit; readonly end: Commit; readonly tree: string },
): Promise<Commit> {
  return strand.commit(`merge/${task}/commit`, {
    tree,
    parents: [line.commit, end.commit],
    message: `Merge ${task}\n`,
  });
}
