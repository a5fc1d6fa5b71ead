import type { BuildEvent, PlannedTask, TaskState, TokenUsage } from "../base/events.ts";
import type { TaskTier } from "../base/task.ts";
import { type Answer, ask, openConversation, type Conversation } from "../agents/converse.ts";
import type { Segment } from "../agents/context.ts";
import type { Role } from "../agents/prompt-set.ts";
import type { Read } from "../agents/read.ts";
import { modelFor } from "../agents/roster.ts";
import { type EffectResult, type EffectSpec, runEffect } from "../journal/effect.ts";
import { trailHead } from "../journal/audit-chain.ts";
import { appendBuildEvents } from "../journal/build-events.ts";
import { setTaskState } from "../store/tasks.ts";
import type { BuildDeps } from "./build-deps.ts";
import type { BuildRequest } from "./build-request.ts";
import { forecast } from "./forecast.ts";

/** One execution of the build workflow: what every stage shares. A replay builds it up again from the journal. */
export class BuildRun {
  readonly id: string;
  readonly request: BuildRequest;
  readonly deps: BuildDeps;
  readonly signal: AbortSignal;
  readonly #usage: TokenUsage[] = [];
  readonly #done = new Set<string>();
  #tasks: readonly PlannedTask[] = [];

  constructor(start: { id: string; request: BuildRequest; deps: BuildDeps; signal: AbortSignal }) {
    this.id = start.id;
    this.request = start.request;
    this.deps = start.deps;
    this.signal = start.signal;
  }

  get turns(): number {
    return this.#usage.length;
  }

  get tokens(): { readonly prompt: number; readonly output: number } {
    return {
      prompt: this.#usage.reduce((sum, usage) => sum + usage.promptTokens, 0),
      output: this.#usage.reduce((sum, usage) => sum + usage.outputTokens, 0),
    };
  }

  /** Opens a conversation of `role` for `task`; `name` begins its steps' names. */
  open(role: Role, { task, tier, name }: { task: string; tier: TaskTier; name: string }): Conversation {
    const source = modelFor(this.request.roster, role, tier);
    return openConversation({
      buildId: this.id,
      task,
      name,
      prompt: this.request.prompts[role],
      source,
      seed: this.request.seed,
    });
  }

  /**
   * Loads the model that is needed first: one that can't be loaded ends the build before it began.
   *
   * @throws what keeps the model from being loaded.
   */
  async tryFirstModel(): Promise<void> {
    const role = "product-manager";
    const source = modelFor(this.request.roster, role, "complex");
    const report = (event: BuildEvent): Promise<void> => this.deps.report(this.id, event);
    const job = { build: this.id, task: "start", role };
    await using _lease = await this.deps.pool.lease({ source, job, report }, this.signal);
  }

  /** Tells the pool what is still to come, so that it can plan for it: at the beginning, and whenever a `stage` (see `forecast`) is done. */
  foresee(stage?: string): void {
    if (stage !== undefined) this.#done.add(stage);
    this.deps.pool.foresee(this.id, forecast(this.request.roster, this.#tasks, this.#done));
  }

  /** The plan stands: from now on its tasks are foreseen. */
  foreseeTasks(tasks: readonly PlannedTask[]): void {
    this.#tasks = tasks;
    this.foresee("plan");
  }

  async ask<T>(
    conversation: Conversation,
    content: readonly Segment[],
    reader: (reply: string) => Read<T>,
  ): Promise<Answer<T>> {
    const answer = await ask(this.deps, { conversation, content, reader }, this.signal);
    this.#usage.push(...answer.usage);
    return answer;
  }

  effect<T>(spec: Omit<EffectSpec<T>, "buildId" | "signal">, run: () => Promise<EffectResult<T>>): Promise<T> {
    return runEffect(this.deps.journal, { ...spec, buildId: this.id, signal: this.signal }, run);
  }

  /** Records events once, at this place of the workflow, and returns where the audit trail stood then. */
  record(name: string, ...events: readonly BuildEvent[]): Promise<{ readonly events: number; readonly head: string }> {
    return this.deps.journal.source.transaction(name, async (trx) => {
      await appendBuildEvents(trx, this.id, { events, at: this.deps.journal.now() });
      const { seq, hash } = await trailHead(trx, this.id);
      return { events: seq, head: hash };
    });
  }

  async setTask(task: string, state: TaskState, why?: string): Promise<void> {
    await this.deps.journal.source.transaction(`tasks/${task}: ${state}`, async (trx) => {
      const at = this.deps.journal.now();
      await setTaskState(trx, { buildId: this.id, id: task, state, at });
      const event: BuildEvent = { type: "task-state", task, state, ...(why === undefined ? {} : { why }) };
      await appendBuildEvents(trx, this.id, { events: [event], at });
    });
  }
}
