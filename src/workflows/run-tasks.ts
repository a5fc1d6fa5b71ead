import { showFile } from "../agents/file-blocks.ts";
import type { Review } from "../agents/read-review.ts";
import { interfacesOf, tasksBefore } from "../agents/show-task.ts";
import type { PlannedTask } from "../base/events.ts";
import type { TaskTier } from "../base/task.ts";
import type { Language } from "../tools/language.ts";
import { mapRepository } from "../tools/map-repository.ts";
import type { WorkPackage } from "./decompose.ts";
import { styleSample } from "./describe-project.ts";
import type { Beginning, FrozenTests } from "./freeze-tests.ts";
import { runTask } from "./run-task.ts";
import type { TaskJob } from "./task-work.ts";
import type { Strand } from "./strand.ts";

export type Commit = { readonly commit: string; readonly tree: string };

/** What became of a task. A green or red one has a commit on its own branch. */
export type TaskResult = {
  readonly package: WorkPackage;
  readonly state: "green" | "red" | "skipped" | "stopped";
  readonly why: string;
  /** Where its branch began, and its end; absent for a task that was not begun. */
  readonly base: Commit | undefined;
  readonly end: Commit | undefined;
  readonly review: Review | undefined;
  readonly tier: TaskTier;
  readonly model: string | undefined;
  readonly samples: number;
  readonly rounds: number;
};

export type TaskGraph = {
  readonly packages: readonly WorkPackage[];
  readonly tests: FrozenTests;
  readonly beginning: Beginning;
  /** The commit of the frozen tests. */
  readonly frozen: Commit;
};

const MAP_CHARS = 2000;

/**
 * Runs every task as soon as those it comes after are green, side by side, each from its own base and on its own
 * branch. A task that is not green skips those that come after it; the rest goes on. The results are in the order of
 * the plan.
 *
 * What a task begins with depends on the tasks before it alone, and not on which of the others was quicker.
 */
export async function runTasks(strand: Strand, graph: TaskGraph): Promise<readonly TaskResult[]> {
  const running = new Map<string, Promise<TaskResult>>();
  return strand.build.sideBySide(strand, graph.packages, async (own, one) => {
    const before = one.task.after.map((id) => running.get(id)).filter((task) => task !== undefined);
    const result = runAfter(own, graph, { one, before });
    running.set(one.task.id, result);
    return result;
  });
}

async function runAfter(
  strand: Strand,
  graph: TaskGraph,
  { one, before }: { readonly one: WorkPackage; readonly before: readonly Promise<TaskResult>[] },
): Promise<TaskResult> {
  const { task } = one;
  const earlier = await Promise.all(before);
  const missing = earlier.find(({ state }) => state !== "green");
  if (missing !== undefined) {
    const why = `${missing.package.task.id} is ${missing.state}`;
    await strand.setTask(task.id, "skipped", why);
    return { ...unbegun(one), state: "skipped", why };
  }
  const base = await baseOf(strand, graph, earlier);
  if (base === undefined) {
    const why = "what the tasks before it wrote can't be put together";
    await strand.setTask(task.id, "red", why);
    return { ...unbegun(one), state: "red", why };
  }
  await strand.setTask(task.id, "running");
  const outcome = await runTask(strand, await jobOf(strand, graph, { one, base }));
  // Nothing was changed; but what was put together of several branches has no commit of its own yet.
  const isBase = outcome.tree === base.tree && base.parents.length === 1;
  const end = isBase ? base : await commitTask(strand, { one, parents: base.parents, tree: outcome.tree });
  const green = outcome.kind === "green";
  await strand.setTask(task.id, green ? "green" : "red", green ? undefined : outcome.why);
  strand.build.foresee(`tasks/${task.id}`);
  const { why, review, tier, model, samples, rounds } = outcome;
  return { package: one, state: outcome.kind, why, base, end, review, tier, model, samples, rounds };
}

function unbegun(one: WorkPackage): Omit<TaskResult, "state" | "why"> {
  const { tier } = one.task;
  return {
    package: one,
    base: undefined,
    end: undefined,
    review: undefined,
    tier,
    model: undefined,
    samples: 0,
    rounds: 0,
  };
}

type Base = Commit & { readonly parents: readonly string[] };

/** What the tasks before one left, put together in their order; undefined when two of them wrote the same in two ways. */
async function baseOf(
  strand: Strand,
  { frozen, packages }: TaskGraph,
  earlier: readonly TaskResult[],
): Promise<Base | undefined> {
  // What comes before another of them is in that one already.
  const tasks = packages.map(({ task }) => task);
  const within = new Set(earlier.flatMap((one) => tasksBefore(one.package.task, tasks).map(({ id }) => id)));
  const last = earlier.filter((one) => !within.has(one.package.task.id));
  const ends = last.map(({ end }) => end).filter((end) => end !== undefined);
  const [first] = ends;
  if (first === undefined) return { ...frozen, parents: [frozen.commit] };
  let { tree } = first;
  for (const end of ends.slice(1)) {
    const merged = await strand.build.deps.workspaces.merge({ base: frozen.tree, ours: tree, theirs: end.tree });
    if (merged.kind === "conflict") return undefined;
    tree = merged.tree;
  }
  return { commit: first.commit, tree, parents: [...new Set(ends.map(({ commit }) => commit))] };
}

async function jobOf(
  strand: Strand,
  { packages, tests, beginning }: TaskGraph,
  { one, base }: { readonly one: WorkPackage; readonly base: Commit },
): Promise<TaskJob> {
  const { task } = one;
  const { language } = beginning;
  const tasks = packages.map((each) => each.task);
  const known = new Set([task.id, ...tasksBefore(task, tasks).map(({ id }) => id)]);
  const own = tests.tasks.filter(({ task: of }) => known.has(of)).flatMap(({ files }) => files);
  const others = tests.tasks.filter(({ task: of }) => !known.has(of)).flatMap(({ files }) => files);
  const shown = tests.tasks.find(({ task: of }) => of === task.id)?.files ?? [];
  // Of a new repository the interfaces say it all.
  const map = strand.build.repository === undefined ? "" : await mapFor(strand, { task, language, tree: base.tree });
  return {
    task,
    shown: one.shown,
    calledAs: one.calledAs,
    language,
    seat: "developer",
    base: base.tree,
    tests: own.map(({ path }) => path),
    otherTests: others.map(({ path }) => path),
    mayWrite: new Set(task.files),
    values: {
      tests: shown.map((file) => showFile(file, language.fence)).join("\n\n"),
      interfaces: interfacesOf(task, tasks),
      files: (await strand.texts(base.tree, task.files)).map((file) => showFile(file, language.fence)).join("\n\n"),
      map,
      rules: strand.build.rules,
      language: strand.build.adviceFor(language, "developer"),
    },
  };
}

/** What there is, and for a new file how others look; of those that it changes the developer sees all. */
async function mapFor(
  strand: Strand,
  { task, language, tree }: { readonly task: PlannedTask; readonly language: Language; readonly tree: string },
): Promise<string> {
  const files = await strand.texts(tree);
  const [path = ""] = task.files;
  const isNew = task.files.every((name) => files.every((file) => file.path !== name));
  const sample = isNew ? styleSample(files, { language, path, tests: false }) : "";
  return [mapRepository(files, MAP_CHARS), sample].filter((text) => text !== "").join("\n\n");
}

async function commitTask(
  strand: Strand,
  { one, parents, tree }: { readonly one: WorkPackage; readonly parents: readonly string[]; readonly tree: string },
): Promise<Commit> {
  const { id, description } = one.task;
  const made = await strand.commit(`tasks/${id}/commit`, { tree, parents, message: `${description}\n` });
  await strand.build.deps.workspaces.setBranch(`tasks/${strand.build.id}/${id}`, made.commit);
  return made;
}
