import type { BuildEvent, PlannedTask, TokenUsage } from "../base/events.ts";
import type { TaskTier } from "../base/task.ts";
import type { Spec } from "../agents/read-spec.ts";
import { modelFor } from "../agents/roster.ts";
import { roleFor } from "../agents/team.ts";
import { requireLanguage } from "../tools/find-language.ts";
import type { Language } from "../tools/language.ts";
import type { BuildDeps } from "./build-deps.ts";
import type { BuildRequest } from "./build-request.ts";
import { forecast } from "./forecast.ts";
import type { Limits } from "./limits.ts";
import type { Repository } from "./repository.ts";
import { LEADING_TIER, Strand } from "./strand.ts";

export type BuildStart = {
  readonly id: string;
  readonly request: BuildRequest;
  readonly deps: BuildDeps;
  /** The installation that runs it. */
  readonly worker: string;
  readonly limits: Limits;
  readonly signal: AbortSignal;
};

/** One execution of the build workflow: what every strand shares. A replay builds it up again from the journal. */
export class BuildRun {
  readonly id: string;
  readonly request: BuildRequest;
  readonly deps: BuildDeps;
  readonly worker: string;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  /** The strand of the build itself. */
  readonly main: Strand;
  /** The repository that is built on; set once, when the build has looked at it. */
  repository: Repository | undefined;
  readonly #usage: TokenUsage[] = [];
  readonly #done = new Set<string>();
  readonly #tiers = new Map<string, TaskTier>();
  #tasks: readonly PlannedTask[] = [];

  constructor(start: BuildStart) {
    this.id = start.id;
    this.request = start.request;
    this.deps = start.deps;
    this.worker = start.worker;
    this.limits = start.limits;
    this.signal = start.signal;
    this.main = new Strand(this, { limited: true, signal: start.signal });
  }

  /** Of the repository that is built on, for prompts; empty for a new one. */
  get repositoryMap(): string {
    return this.repository?.map ?? "";
  }

  get rules(): string {
    return this.repository?.rules ?? "";
  }

  /** Its own tests that passed when the build began, and its language. Undefined where there are none. */
  get greenTests(): { readonly language: Language; readonly files: readonly string[] } | undefined {
    const { language = null, greenTests: files = [] } = this.repository ?? {};
    return language === null || files.length === 0 ? undefined : { language: this.languageOf({ language }), files };
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

  languageOf({ language }: Pick<Spec, "language">): Language {
    return requireLanguage(language, this.request.languages);
  }

  /** What a language's testers and developers are told of it; where there is code already, to do as it does. */
  adviceFor({ advice }: Language, seat: "tester" | "developer"): string {
    const there = "This project exists already: put files where its own lie, import as they do, keep its style.";
    return this.repository === undefined ? advice[seat] : `${advice[seat]} ${there}`;
  }

  spend(usage: TokenUsage): void {
    this.#usage.push(usage);
    this.limits.spend(usage.promptTokens + usage.outputTokens);
  }

  /**
   * Does `work` for every item, each in a strand of its own, and gives the results in the order of the items. When one
   * throws, the others are stopped and waited for.
   */
  async sideBySide<Item, Result>(
    strand: Strand,
    items: readonly Item[],
    work: (own: Strand, item: Item) => Promise<Result>,
  ): Promise<readonly Result[]> {
    const stop = new AbortController();
    const signal = AbortSignal.any([this.signal, stop.signal]);
    const { limited } = strand;
    const running = items.map(async (item) => {
      try {
        return await work(new Strand(this, { limited, signal }), item);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    });
    await Promise.allSettled(running);
    // What stopped the others is what is thrown, and not how they stopped.
    if (stop.signal.aborted) throw stop.signal.reason;
    return Promise.all(running);
  }

  /**
   * Loads the model that is needed first: one that can't be loaded ends the build before it began.
   *
   * @throws what keeps the model from being loaded.
   */
  async tryFirstModel(): Promise<void> {
    const role = roleFor(this.request.team, "product-manager", LEADING_TIER);
    const source = modelFor(this.request.roster, role, LEADING_TIER);
    const report = (event: BuildEvent): Promise<void> => this.deps.report(this.id, event);
    const job = { build: this.id, task: "start", role: role.seat };
    await using _lease = await this.deps.pool.lease({ source, job, report }, this.signal);
  }

  /** Tells the pool what is still to come, so that it can plan for it: at the beginning, and whenever a `stage` (see `forecast`) is done. */
  foresee(stage?: string): void {
    if (stage !== undefined) this.#done.add(stage);
    const tasks = this.#tasks.map((task) => ({ ...task, tier: this.#tiers.get(task.id) ?? task.tier }));
    this.deps.pool.foresee(this.id, forecast(this.request, tasks, this.#done));
  }

  /** The plan stands: from now on its tasks are foreseen. */
  foreseeTasks(tasks: readonly PlannedTask[]): void {
    this.#tasks = tasks;
    this.foresee("plan");
  }

  /** Whether a task's code passes its tests: until then its developer is needed again, and its reviewer is not yet. */
  foreseeCode(task: string, passes: boolean): void {
    if (passes) this.#done.add(`code/${task}`);
    else this.#done.delete(`code/${task}`);
    this.foresee();
  }

  /** A task goes on at another tier. */
  foreseeTier(task: string, tier: TaskTier): void {
    this.#tiers.set(task, tier);
    this.foresee();
  }
}
