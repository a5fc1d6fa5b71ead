import type { PlannedTask } from "../base/events.ts";
import { pathProblem } from "../base/safe-path.ts";
import { TASK_TIERS } from "../base/task.ts";
import { keyLine, type Read, replyLines } from "./read.ts";
import { MAX_CRITERIA } from "./read-spec.ts";

const MAX_TASKS = 40;
/** As many as one reply may hold. */
const MAX_FILES = 20;

/** What a block said; undefined where it said nothing. */
type Draft = {
  readonly id: string;
  tier?: string;
  files?: readonly string[];
  after?: readonly string[];
  covers?: string;
  description: string;
};

/**
 * Reads the tech lead's reply: one block of `TASK`, `TIER`, `FILES`, `AFTER`, `COVERS`, `DO` lines per task. `covers`
 * are the numbers of criteria, from 1; empty where the block does not say. Pure; the graph is checked too, so that
 * what comes back can be run.
 */
export function readPlan(reply: string, criteriaCount: number = MAX_CRITERIA): Read<readonly PlannedTask[]> {
  const drafts: Draft[] = [];
  for (const line of replyLines(reply)) {
    const pair = keyLine(line);
    if (pair?.key === "TASK") drafts.push({ id: pair.value, description: "" });
    const draft = drafts.at(-1);
    if (draft === undefined || pair?.key === "TASK") continue;
    // The first line of each kind counts: a later one that looks like it is part of what there is to do.
    if (pair?.key === "TIER" && draft.tier === undefined) draft.tier = pair.value.toLowerCase();
    else if (pair?.key === "FILES" && draft.files === undefined) draft.files = listOf(pair.value);
    else if (pair?.key === "AFTER" && draft.after === undefined) draft.after = listOf(pair.value);
    else if (pair?.key === "COVERS" && draft.covers === undefined) draft.covers = pair.value;
    else if (pair?.key === "DO" && draft.description === "") draft.description = pair.value;
    else if (draft.description !== "" && line.trim() !== "") draft.description += ` ${line.trim()}`;
  }
  return checkPlan(drafts, criteriaCount);
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

function checkPlan(drafts: readonly Draft[], criteriaCount: number): Read<readonly PlannedTask[]> {
  if (drafts.length === 0) return { ok: false, why: "no task was found; begin each with a line TASK: name" };
  if (drafts.length > MAX_TASKS)
    return { ok: false, why: `${drafts.length} tasks are more than ${MAX_TASKS}; put more into each` };
  const tasks: PlannedTask[] = [];
  const owners = new Map<string, string>();
  for (const draft of drafts) {
    const problem = draftProblem(draft, tasks, owners);
    if (problem !== undefined) return { ok: false, why: problem };
    const { id, files = [], after = [], description } = draft;
    const tier = TASK_TIERS.find((known) => known === draft.tier);
    if (tier === undefined)
      return { ok: false, why: `task ${id}: TIER must be simple, medium or complex, not ${shown(draft.tier ?? "")}` };
    const covers = readCovers(draft.covers ?? "none", criteriaCount);
    if (!covers.ok) return { ok: false, why: `task ${id}: ${covers.why}` };
    for (const file of files) owners.set(file, id);
    tasks.push({ id, tier, files, after, description, covers: covers.value, kind: "other" });
  }
  const problem = graphProblem(tasks);
  return problem === undefined ? { ok: true, value: tasks } : { ok: false, why: problem };
}

function draftProblem(
  { id, files = [], description }: Draft,
  earlier: readonly PlannedTask[],
  owners: ReadonlyMap<string, string>,
): string | undefined {
  if (!/^[A-Za-z][\w-]{0,39}$/.test(id)) return `TASK must be one word of letters, digits, _ and -, not ${shown(id)}`;
  if (earlier.some((task) => task.id === id)) return `there are two tasks ${id}`;
  if (files.length === 0) return `task ${id} has no FILES`;
  if (files.length > MAX_FILES)
    return `task ${id} has ${files.length} FILES, more than ${MAX_FILES}; make several tasks of it`;
  if (description === "") return `task ${id} has no DO line`;
  for (const file of files) {
    const problem = pathProblem(file);
    if (problem !== undefined) return `task ${id}: ${shown(file)}: ${problem}`;
    const owner = owners.get(file);
    if (owner !== undefined) return `${file} belongs to both ${owner} and ${id}`;
  }
  return undefined;
}

function graphProblem(tasks: readonly PlannedTask[]): string | undefined {
  const ids = new Set(tasks.map((task) => task.id));
  for (const { id, after } of tasks) {
    if (after.includes(id)) return `task ${id} comes after itself`;
    const unknown = after.find((other) => !ids.has(other));
    if (unknown !== undefined) return `task ${id} comes after ${shown(unknown)}, which is no task`;
  }
  const circle = findCircle(tasks);
  return circle === undefined ? undefined : `the tasks wait for each other in a circle: ${circle}`;
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

/** `1, C2`, `C1-C3`, `2 to 4`, `all` or `none`; words around the numbers are ignored. */
function readCovers(text: string, criteriaCount: number): Read<readonly number[]> {
  const covered = new Set<number>();
  for (const [, from = "", to = from] of text.matchAll(/(\d+)(?:\s*(?:-|–|—|\.\.+|to)\s*[cC]?(\d+))?/g)) {
    const [first, last] = [Number(from), Number(to)];
    const beyond = [first, last].find((number) => number < 1 || number > criteriaCount);
    if (beyond !== undefined)
      return { ok: false, why: `COVERS names criterion ${beyond}; there are only 1 to ${criteriaCount}` };
    for (let number = Math.min(first, last); number <= Math.max(first, last); number++) covered.add(number);
  }
  if (covered.size > 0) return { ok: true, value: [...covered].toSorted((a, b) => a - b) };
  if (/\ball\b/i.test(text)) return { ok: true, value: Array.from({ length: criteriaCount }, (_, index) => index + 1) };
  if (/^\W*(?:none|nothing)?\W*$/i.test(text)) return { ok: true, value: [] };
  return { ok: false, why: `COVERS must be numbers of criteria such as C1, C3, or all, or none, not ${shown(text)}` };
}

function listOf(value: string): readonly string[] {
  const items = value
    .split(/[,\s]+/)
    .map((item) => item.replace(/^[`[]|[`\]]$/g, ""))
    .filter((item) => item !== "");
  return items.length === 1 && /^(none|-)$/i.test(items[0] ?? "") ? [] : [...new Set(items)];
}

/** Words of a model in a message for it: quoted, and not too many of them. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
