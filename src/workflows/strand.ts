import type { BuildEvent, TaskState } from "../base/events.ts";
import type { TaskTier } from "../base/task.ts";
import type { Segment } from "../agents/context.ts";
import { type Answer, ask, type Conversation, hear, type Heard, openConversation } from "../agents/converse.ts";
import type { Read } from "../agents/read.ts";
import type { TurnDeps } from "../agents/recorded-turn.ts";
import type { Role } from "../agents/role.ts";
import type { ModelSource } from "../engine/model.ts";
import { type EffectResult, type EffectSpec, type Journal, runEffect } from "../journal/effect.ts";
import { recordOnce, recordStep } from "../journal/record-once.ts";
import type { CommitRequest, WorkspaceFile } from "../journal/workspaces.ts";
import type { StepChange } from "../store/effects.ts";
import type { BuildRun } from "./build-run.ts";
import type { Edge } from "../base/graph.ts";
import { LimitReached } from "./limits.ts";

type StrandStart = {
  /** Begins nothing new when the build's limit is reached. */
  readonly limited: boolean;
  readonly signal: AbortSignal;
  /** Told and not recorded yet. */
  readonly told?: BuildEvent[];
};

/** Who is asked, and what for. */
export type Asked = {
  readonly role: Role;
  readonly source: ModelSource;
  readonly task: string;
  /** Begins the names of the conversation's steps; unique within the build. */
  readonly name: string;
  /** How often the whole job was begun before; each draws other replies. */
  readonly drawn?: number;
};

/**
 * One sequence of steps of a build. Those of one strand follow one another; strands go on side by side.
 *
 * What it is told goes into the trail with its next step, in one transaction, so that a crash neither loses an edge
 * nor tells it twice.
 */
export class Strand {
  readonly build: BuildRun;
  readonly signal: AbortSignal;
  readonly limited: boolean;
  readonly #signal: AbortSignal;
  readonly #journal: Journal;
  readonly #told: BuildEvent[];

  constructor(build: BuildRun, { limited, signal, told = [] }: StrandStart) {
    this.build = build;
    this.limited = limited;
    this.#signal = signal;
    this.signal = limited ? AbortSignal.any([signal, build.limits.signal]) : signal;
    this.#told = told;
    this.#journal = { ...build.deps.journal, told: () => told.splice(0) };
  }

  /** The same strand, going on whatever the limit: for what is done in any case. */
  unlimited(): Strand {
    return new Strand(this.build, { limited: false, signal: this.#signal, told: this.#told });
  }

  /** What turns and tool calls of this strand work with. */
  get deps(): TurnDeps {
    return {
      ...this.build.deps,
      journal: this.#journal,
      admit: () => this.#admit(),
      isFree: () => this.#isFree(),
      spent: (usage) => this.build.spend(usage),
    };
  }

  /** Says which edge of `graph` was taken; `task` is empty for the build's own graph. */
  took(graph: string, task: string, { from, to, on }: Edge): void {
    this.tell({ type: "edge-taken", graph, task, from, to, on });
  }

  tell(event: BuildEvent): void {
    this.#told.push(event);
  }

  open({ role, source, task, name, drawn = 0 }: Asked): Conversation {
    const { seed, keptSeeds } = this.build.request;
    return openConversation({
      buildId: this.build.id,
      task,
      name,
      prompt: role,
      source,
      seed,
      ...(keptSeeds === undefined ? {} : { keptSeeds }),
      drawn,
    });
  }

  ask<T>(
    conversation: Conversation,
    content: readonly Segment[],
    reader: (reply: string) => Read<T>,
  ): Promise<Answer<T>> {
    return ask(this.deps, { conversation, content, reader }, this.signal);
  }

  /** One reply to what was said last in `conversation`. */
  hear<T>(conversation: Conversation, reader: (reply: string) => Read<T>): Promise<Heard<T>> {
    return hear(this.deps, { conversation, reader }, this.signal);
  }

  effect<T>(
    spec: Omit<EffectSpec<T>, "buildId" | "signal" | "admit">,
    run: () => Promise<EffectResult<T>>,
  ): Promise<T> {
    const admit = async (): Promise<undefined> => {
      await this.#admit();
    };
    const isFree = (): boolean => this.#isFree();
    return runEffect(this.#journal, { ...spec, buildId: this.build.id, signal: this.signal, admit, isFree }, run);
  }

  /** Changes ATOS's own tables once, at this place of the build; what `work` returns is recorded and given again in a replay. */
  once<T>(name: string, work: Parameters<typeof recordOnce<T>>[2]): Promise<T> {
    return recordOnce(this.#journal, { buildId: this.build.id, name }, work);
  }

  /** As {@link once} for a step that has no result, and changes a task at most. */
  step(name: string, events: readonly BuildEvent[], change?: StepChange): Promise<void> {
    return recordStep(this.#journal, { buildId: this.build.id, name, events, ...(change && { change }) });
  }

  record(name: string, ...events: readonly BuildEvent[]): Promise<void> {
    return this.step(name, events);
  }

  /** A commit; its date is the build's, so that the same build makes the same. */
  async commit(
    name: string,
    request: Omit<CommitRequest, "at">,
  ): Promise<{ readonly commit: string; readonly tree: string }> {
    const { deps, request: asked } = this.build;
    const commit = await deps.workspaces.commit({ ...request, at: new Date(asked.createdAtMs) });
    const { tree } = request;
    await this.record(name, { type: "committed", commit, tree });
    return { commit, tree };
  }

  async setTask(task: string, state: TaskState, why?: string): Promise<void> {
    const event = { type: "task-state", task, state, ...(why === undefined ? {} : { why }) } as const;
    await this.step(`tasks/${task}: ${state}`, [event], { kind: "task-state", task, state });
  }

  /** Text files of a tree, those of `paths` that are there; all of them without. */
  async texts(tree: string, paths?: readonly string[]): Promise<readonly WorkspaceFile[]> {
    const files = await this.build.deps.workspaces.readAll(tree, paths);
    return files.flatMap((file) => (file.kind === "text" ? [{ path: file.path, content: file.content }] : []));
  }

  /** What `work` returns, or undefined when the build's limit came first. */
  async withinLimit<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!this.limited || this.build.signal.aborted || !isLimit(error)) throw error;
      // Before anything is decided by it, it is recorded.
      await this.build.limits.check().catch((reached: unknown) => {
        if (!(reached instanceof LimitReached)) throw reached;
      });
      return undefined;
    }
  }

  #isFree(): boolean {
    return !this.limited || !this.build.limits.isReached;
  }

  async #admit(): Promise<void> {
    if (this.limited) await this.build.limits.check();
  }
}

/** Whether an error says that the limit was reached, and not that something else went wrong then. */
function isLimit(error: unknown): boolean {
  const chain = error instanceof Error ? [error, error.cause] : [error];
  return chain.some((one) => one instanceof LimitReached || (one instanceof Error && one.name === "AbortError"));
}

/** The tier whose model somebody beside the developers uses. */
export const LEADING_TIER: TaskTier = "complex";
