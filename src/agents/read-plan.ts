import type { PlannedTask } from "../base/events.ts";
import { pathProblem } from "../base/safe-path.ts";
import { TASK_TIERS } from "../base/task.ts";
import { keyLine, type Read, replyLines } from "./read.ts";

const MAX_TASKS = 20;

type Draft = { id: string; tier: string; files: string[]; after: string[]; description: string };

/**
 * Reads the tech lead's reply: one block of `TASK`, `TIER`, `FILES`, `AFTER`, `DO` lines per
 * task. Pure; the graph is checked too, so that what comes back can be run.
 */
export function readPlan(reply: string): Read<readonly PlannedTask[]> {
  const drafts: Draft[] = [];
  for (const line of replyLines(reply)) {
    const pair = keyLine(line);
    if (pair?.key === "TASK") drafts.push({ id: pair.value, tier: "", files: [], after: [], description: "" });
    const draft = drafts.at(-1);
    if (draft === undefined || pair?.key === "TASK") continue;
    // The first line of each kind counts: a later one that looks like it is part of what there is to do.
    if (pair?.key === "TIER" && draft.tier === "") draft.tier = pair.value.toLowerCase();
    else if (pair?.key === "FILES" && draft.files.length === 0) draft.files = listOf(pair.value);
    else if (pair?.key === "AFTER" && draft.description === "") draft.after = listOf(pair.value);
    else if (pair?.key === "DO" && draft.description === "") draft.description = pair.value;
    else if (draft.description !== "" && line.trim() !== "") draft.description += ` ${line.trim()}`;
  }
  return checkPlan(drafts);
}

/**
 * The tasks in an order that respects their dependencies, or undefined when there is a cycle.
 * Stable: tasks that are free at the same time keep their order.
 */
export function orderTasks(tasks: readonly Pick<PlannedTask, "id" | "after">[]): readonly string[] | undefined {
  const done = new Set<string>();
  const ordered: string[] = [];
  while (ordered.length < tasks.length) {
    const next = tasks.find((task) => !done.has(task.id) && task.after.every((id) => done.has(id)));
    if (next === undefined) return undefined;
    done.add(next.id);
    ordered.push(next.id);
  }
  return ordered;
}

/** A task as its developer is shown it. */
export function showTask(task: PlannedTask): string {
  const after = task.after.length === 0 ? "none" : task.after.join(", ");
  return `TASK: ${task.id}\nTIER: ${task.tier}\nFILES: ${task.files.join(", ")}\nAFTER: ${after}\nDO: ${task.description}`;
}

function checkPlan(drafts: readonly Draft[]): Read<readonly PlannedTask[]> {
  if (drafts.length === 0) return { ok: false, why: "no task was found; begin each with a line TASK: name" };
  if (drafts.length > MAX_TASKS) return { ok: false, why: `${drafts.length} tasks are more than ${MAX_TASKS}` };
  const tasks: PlannedTask[] = [];
  const owners = new Map<string, string>();
  for (const draft of drafts) {
    const tier = TASK_TIERS.find((known) => known === draft.tier);
    const problem = draftProblem(draft, tasks, owners);
    if (problem !== undefined) return { ok: false, why: problem };
    if (tier === undefined)
      return {
        ok: false,
        why: `task ${draft.id}: TIER must be simple, medium or complex, not ${JSON.stringify(draft.tier)}`,
      };
    for (const file of draft.files) owners.set(file, draft.id);
    tasks.push({ ...draft, tier });
  }
  const ids = new Set(tasks.map((task) => task.id));
  for (const task of tasks) {
    const unknown = task.after.find((id) => !ids.has(id));
    if (unknown !== undefined) return { ok: false, why: `task ${task.id} comes after ${unknown}, which is no task` };
  }
  const circle = findCircle(tasks);
  if (circle !== undefined) return { ok: false, why: `the tasks wait for each other in a circle: ${circle}` };
  return { ok: true, value: tasks };
}

/** Says which tasks wait for each other, as `a after b, b after a`; undefined when none do. */
function findCircle(tasks: readonly PlannedTask[]): string | undefined {
  const waitsFor = (task: PlannedTask, others: readonly PlannedTask[]): PlannedTask | undefined =>
    others.find((other) => task.after.includes(other.id));
  let stuck = tasks;
  for (let round = 0; round < tasks.length; round++)
    stuck = stuck.filter((task) => waitsFor(task, stuck) !== undefined);
  // Each of these waits for another of these: following them comes back to one that was met before.
  const path = stuck.slice(0, 1);
  for (let step = 0; step < stuck.length; step++) {
    const last = path.at(-1);
    const next = last && waitsFor(last, stuck);
    if (next === undefined) return undefined;
    path.push(next);
    const first = path.indexOf(next);
    if (first < path.length - 1)
      return path
        .slice(first, -1)
        .map((task, index) => `${task.id} after ${path[first + index + 1]?.id}`)
        .join(", ");
  }
  return undefined;
}

function draftProblem(
  draft: Draft,
  earlier: readonly PlannedTask[],
  owners: ReadonlyMap<string, string>,
): string | undefined {
  if (!/^[A-Za-z][\w-]{0,39}$/.test(draft.id))
    return `TASK must be one word of letters, digits, _ and -, not ${JSON.stringify(draft.id.slice(0, 60))}`;
  if (earlier.some((task) => task.id === draft.id)) return `there are two tasks ${draft.id}`;
  if (draft.files.length === 0) return `task ${draft.id} has no FILES`;
  if (draft.description === "") return `task ${draft.id} has no DO line`;
  for (const file of draft.files) {
    const problem = pathProblem(file);
    if (problem !== undefined) return `task ${draft.id}: ${JSON.stringify(file.slice(0, 80))}: ${problem}`;
    const owner = owners.get(file);
    if (owner !== undefined) return `${file} belongs to both ${owner} and ${draft.id}`;
  }
  return undefined;
}

function listOf(value: string): string[] {
  const items = value
    .split(/[,\s]+/)
    .map((item) => item.replace(/^[`[]|[`\]]$/g, ""))
    .filter((item) => item !== "");
  return items.length === 1 && /^(none|-)$/i.test(items[0] ?? "") ? [] : [...new Set(items)];
}
