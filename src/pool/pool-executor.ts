import { BackgroundTasks } from "./background-tasks.ts";
import { ModelMoves, type MovesOptions } from "./model-moves.ts";
import type { PoolAction } from "./plan/pool-state.ts";
import { tellBuilds } from "./tell-builds.ts";
import { TurnLender } from "./turn-lender.ts";

export type ExecutorOptions = Omit<MovesOptions, "tasks">;

/** Does what the policy says, as far as it is still possible. */
export class PoolExecutor {
  readonly tasks: BackgroundTasks;
  readonly moves: ModelMoves;
  readonly lender: TurnLender;
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.tasks = new BackgroundTasks(options.signal);
    this.moves = new ModelMoves({ ...options, tasks: this.tasks });
    this.lender = new TurnLender({ ...options, tasks: this.tasks });
  }

  /** Does one action if that is still possible, and says whether anything was done. */
  perform(action: PoolAction): boolean {
    switch (action.kind) {
      case "start":
        return this.lender.start(action.work);
      case "load":
        return this.moves.load(action);
      case "resize": {
        const contextTokens = this.#options.parts.residents.get(action.model)?.contextTokens ?? 0;
        return this.moves.resize(action.model, { slots: action.slots, contextTokens, why: action.why });
      }
      case "evict":
        return this.moves.evict(action.model, action.why);
      case "wait":
        this.#wait(action);
        return false;
    }
  }

  /** What was asked to leave leaves when it is idle; what has become too small for somebody is made larger. */
  tidy(): void {
    const { residents, models, works } = this.#options.parts;
    for (const resident of residents.values()) {
      const { known, leaving, slots } = resident;
      if (leaving !== undefined) this.moves.evict(known.name, leaving);
      else if ([...works.turns].some((turn) => turn.model === known.name && this.lender.needsLarger(turn, resident))) {
        const contextTokens = models.contextTokens(known);
        const why = `a turn needs ${contextTokens} tokens of context`;
        this.moves.resize(known.name, { slots, contextTokens, why });
      }
    }
  }

  /** Resolves when everything that was begun has ended; closes what is loaded. */
  async end(): Promise<void> {
    const { parts, loader } = this.#options;
    await this.tasks.ended();
    const left = [...parts.residents.values()];
    parts.residents.clear();
    await Promise.all(left.map((resident) => loader.close(resident, false)));
    await loader.closed();
  }

  /** Told once for a turn; what is being loaded for it already is told by its load. */
  #wait({ work, why }: Extract<PoolAction, { kind: "wait" }>): void {
    const { works, residents } = this.#options.parts;
    const turn = works.turn(work);
    if (turn?.state !== "ready") return;
    const isFirst = turn.why === "";
    turn.why = why;
    const { model, job } = turn;
    if (!isFirst || residents.get(model)?.state === "opening") return;
    const event = { type: "turn-waiting", task: job.task, role: job.role, model, why } as const;
    this.tasks.run(() => tellBuilds(works, [job.build], event));
  }
}
