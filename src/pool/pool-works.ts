import type { BuildEvent } from "../base/events.ts";
import type { PoolWork } from "./plan/pool-state.ts";

/** Whose turn it is: a role at work on a task of a build. */
export type Job = { readonly build: string; readonly task: string; readonly role: string };

/** A job that a build knows to come, or to go on. `after` are those of the same build that end before it begins. */
export type ForeseenJob<Source> = {
  readonly task: string;
  readonly role: string;
  readonly source: Source;
  readonly after: readonly Pick<Job, "task" | "role">[];
};

/** A job that came to its end, and how many turns it took. */
export type EndedJob = { readonly model: string; readonly role: string; readonly turns: number };

/** What is expected of a job: steps of one turn, and how many turns it takes. */
export type Expectation = { readonly stepsPerTurn: number; readonly turns: number };

export type Report = (event: BuildEvent) => Promise<void>;

/** A turn that waits for a slot or has one. */
export type TurnWork = {
  readonly id: string;
  readonly model: string;
  /** What its build calls the model. */
  readonly modelId: string;
  readonly job: Job;
  /** Tokens of context that it needs. */
  readonly contextTokens: number;
  readonly report: Report;
  /** Steps made, of a running turn. */
  steps: number;
  state: "ready" | "running";
  sinceMs: number;
  /** Why it waits, as the policy said it last; empty as long as it said nothing. */
  why: string;
  /** No other turn ran at any time beside it. */
  alone: boolean;
  readonly grant: () => void;
  readonly fail: (error: unknown) => void;
};

type Foreseen = {
  readonly id: string;
  readonly model: string;
  readonly build: string;
  readonly role: string;
  readonly after: readonly string[];
  turnsTaken: number;
  sinceMs: number;
};

/** A running turn is not expected to end before this part of what such turns take. */
const LEAST_LEFT = 0.1;
/**
 * Standard deviation over mean of the lengths of a role's turns: assumed, somewhat more than what small models
 * take for small tasks.
 */
const SPREAD = 0.6;
/** Of a turn: a job of which less is expected has taken its turns, and another one would be a surprise. */
const LEAST_TURN = 0.5;

/**
 * The work of all builds: the turns that wait or run, and the jobs that are known to come. A turn of a
 * foreseen job takes the job's place in the plan; when it ends, the job waits for its next turn, until its
 * build no longer foresees it.
 */
export class PoolWorks {
  readonly #turns = new Map<string, TurnWork>();
  readonly #foreseen = new Map<string, Foreseen>();
  /** How builds that have work here are told what happens. */
  readonly #reports = new Map<string, Report>();
  /** What builds call models. */
  readonly #ids = new Map<string, Map<string, string>>();
  #counter = 0;
  #endedAtMs = Number.NEGATIVE_INFINITY;

  get turns(): Iterable<TurnWork> {
    return this.#turns.values();
  }

  get size(): number {
    return this.#turns.size + this.#foreseen.size;
  }

  /** Builds that have work for the model, or any work. */
  builds(model?: string): ReadonlySet<string> {
    const turns = [...this.#turns.values()].filter((turn) => model === undefined || turn.model === model);
    const jobs = [...this.#foreseen.values()].filter((job) => model === undefined || job.model === model);
    return new Set([...turns.map(({ job }) => job.build), ...jobs.map(({ build }) => build)]);
  }

  /** Absent for a build that has had no turn yet. */
  reportOf(build: string): Report | undefined {
    return this.#reports.get(build);
  }

  /** Names of models that there is work for. */
  get models(): ReadonlySet<string> {
    return new Set([...this.#turns.values(), ...this.#foreseen.values()].map(({ model }) => model));
  }

  /** When a turn ended last. */
  get endedAtMs(): number {
    return this.#endedAtMs;
  }

  turn(id: string): TurnWork | undefined {
    return this.#turns.get(id);
  }

  add(turn: Omit<TurnWork, "id" | "steps" | "state" | "why" | "alone">): TurnWork {
    const job = jobId(turn.job);
    const id = this.#turns.has(job) || !this.#foreseen.has(job) ? `${job}#${++this.#counter}` : job;
    const added: TurnWork = { ...turn, id, steps: 0, state: "ready", why: "", alone: true };
    this.#turns.set(id, added);
    this.#reports.set(turn.job.build, turn.report);
    this.#call(turn.job.build, turn.model, turn.modelId);
    return added;
  }

  /** Does nothing for a turn that has ended, whose place may be its successor's by now. */
  end(turn: TurnWork, nowMs: number): void {
    if (this.#turns.get(turn.id) !== turn) return;
    this.#turns.delete(turn.id);
    this.#endedAtMs = nowMs;
    this.#dropReport(turn.job.build);
    const job = this.#foreseen.get(jobId(turn.job));
    if (job === undefined) return;
    if (turn.state === "running") job.turnsTaken++;
    job.sinceMs = nowMs;
  }

  /** Replaces what was foreseen for a build, and returns the jobs that ended by that. Those that stay keep count of their turns. */
  foresee(
    build: string,
    jobs: readonly (ForeseenJob<unknown> & { readonly model: string; readonly id: string })[],
    nowMs: number,
  ): readonly EndedJob[] {
    const before = new Map(this.#foreseen);
    for (const [id, job] of before) if (job.build === build) this.#foreseen.delete(id);
    for (const { task, role, model, after, id: modelId } of jobs) {
      const id = jobId({ build, task, role });
      this.#call(build, model, modelId);
      this.#foreseen.set(id, {
        id,
        model,
        build,
        role,
        after: after.map((job) => jobId({ build, ...job })),
        turnsTaken: before.get(id)?.turnsTaken ?? 0,
        sinceMs: nowMs,
      });
    }
    this.#dropReport(build);
    return [...before.values()].flatMap(({ id, model, role, turnsTaken }) =>
      this.#foreseen.has(id) || turnsTaken === 0 ? [] : [{ model, role, turns: turnsTaken }],
    );
  }

  forget(build: string): void {
    for (const [id, job] of this.#foreseen) if (job.build === build) this.#foreseen.delete(id);
    this.#dropReport(build);
  }

  /** What a build calls a model; its name for those it knows nothing of. */
  idIn(build: string, model: string): string {
    return this.#ids.get(build)?.get(model) ?? model;
  }

  #call(build: string, model: string, id: string): void {
    const ids = this.#ids.get(build) ?? new Map<string, string>();
    this.#ids.set(build, ids.set(model, id));
  }

  #dropReport(build: string): void {
    if (this.builds().has(build)) return;
    this.#reports.delete(build);
    this.#ids.delete(build);
  }

  /** For the planner: turns in the order in which they came, then what is foreseen of jobs that have not taken their turns. */
  list(expect: (model: string, role: string) => Expectation): PoolWork[] {
    const works: PoolWork[] = [];
    for (const { id, model, job, state, sinceMs, steps } of this.#turns.values()) {
      const { stepsPerTurn, turns } = expect(model, job.role);
      const foreseen = this.#foreseen.get(id);
      const later = foreseen === undefined ? 0 : Math.max(0, turns - foreseen.turnsTaken - 1) * stepsPerTurn;
      const left = Math.max(stepsPerTurn - steps, stepsPerTurn * LEAST_LEFT) + later;
      works.push({ id, model, state, sinceMs, steps: left, spread: SPREAD, after: [] });
    }
    for (const { id, model, role, after, turnsTaken, sinceMs } of this.#foreseen.values()) {
      if (this.#turns.has(id)) continue;
      const { stepsPerTurn, turns } = expect(model, role);
      const left = turnsTaken === 0 ? Math.max(turns, 1) : turns - turnsTaken;
      if (left < LEAST_TURN) continue;
      works.push({ id, model, state: "later", sinceMs, steps: left * stepsPerTurn, spread: SPREAD, after });
    }
    return works;
  }
}

function jobId({ build, task, role }: Job): string {
  return `${build}/${task}/${role}`;
}
