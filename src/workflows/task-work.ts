import type { PlannedTask } from "../base/events.ts";
import type { TaskTier } from "../base/task.ts";
import type { Segment } from "../agents/context.ts";
import type { Conversation } from "../agents/converse.ts";
import { fill, type TemplateValues } from "../agents/fill.ts";
import type { Review } from "../agents/read-review.ts";
import type { Role } from "../agents/role.ts";
import type { Agent } from "../agents/run-agent.ts";
import { modelFor } from "../agents/roster.ts";
import { roleFor } from "../agents/team.ts";
import type { ModelSource } from "../engine/model.ts";
import type { Language } from "../tools/language.ts";
import type { TestRun } from "../tools/run-tests.ts";
import type { Strand } from "./strand.ts";
import type { Failure, TaskState } from "./task-graph.ts";

export type TaskJob = {
  readonly task: PlannedTask;
  /** The part of the specification that is the task's, as its developer is shown it. */
  readonly shown: string;
  /** The task's name, as its developer is told it. */
  readonly calledAs: string;
  readonly language: Language;
  /** Who does it. */
  readonly seat: "developer" | "integrator";
  /** The tree to start from: what the tasks before it left. */
  readonly base: string;
  /** Frozen tests that the task must pass: its own, and those of what it builds on. */
  readonly tests: readonly string[];
  /** Frozen tests of other tasks. */
  readonly otherTests: readonly string[];
  readonly mayWrite: ReadonlySet<string>;
  /** What its prompt is filled with, beside spec, task and what was tried. */
  readonly values: TemplateValues;
};

/** All that a task's graph is at: what decides, and what is worked on. */
export type TaskWork = TaskState & {
  readonly tree: string;
  readonly conversation: Conversation | undefined;
  readonly content: readonly Segment[];
  /** Of a developer with tools, as its conversation was begun. */
  readonly agent: Agent | undefined;
  readonly run: TestRun | undefined;
  readonly review: Review | undefined;
  /** Passed the tests: kept when a later round, asked for by the reviewer, makes it worse. */
  readonly kept: { readonly tree: string; readonly review: Review | undefined } | undefined;
  /** The tree with the fewest failing tests. */
  readonly best: { readonly tree: string; readonly failing: number } | undefined;
  readonly checks: number;
  readonly allSamples: number;
  readonly allRounds: number;
  /** Repairs at this tier. */
  readonly tierRounds: number;
};

/** The failure is what the developer is told next, where its role has words for that. */
export function failed(work: TaskWork, failure: Failure): TaskWork {
  const template = work.conversation?.prompt.failure;
  const content = template === undefined ? work.content : fill(template, { failure: failure.text });
  return { ...work, before: work.failure, failure, content };
}

/** Who does the task at a tier, and how often its model may repair one sample. */
export function workerAt(
  strand: Strand,
  { seat }: Pick<TaskJob, "seat">,
  tier: TaskTier,
): { readonly role: Role; readonly source: ModelSource; readonly rounds: number } {
  const { team, roster, bounds } = strand.build.request;
  const role = roleFor(team, seat, tier);
  const source = modelFor(roster, role, tier);
  return { role, source, rounds: role.failure === undefined ? 0 : (bounds.rounds[source.id] ?? 0) };
}

/** Begins the names of the steps of one sample. */
export function stepOf({ task }: Pick<TaskJob, "task">, { tier, sample }: Pick<TaskWork, "tier" | "sample">): string {
  return `tasks/${task.id}/${tier}-${sample}`;
}
