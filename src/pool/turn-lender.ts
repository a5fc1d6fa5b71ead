import type { BackgroundTasks } from "./background-tasks.ts";
import type { CrashWatch } from "./crash-watch.ts";
import type { Lease } from "./lease.ts";
import { leasedModel, type WatchedReply } from "./leased-model.ts";
import { learnTurn } from "./ledger/learn.ts";
import { isDead, type PoolLoader } from "./pool-loader.ts";
import type { PoolParts } from "./pool-view.ts";
import type { TurnWork } from "./pool-works.ts";
import type { Resident } from "./resident.ts";
import { tellBuilds } from "./tell-builds.ts";

export type LenderOptions = {
  readonly parts: PoolParts & { readonly residents: Map<string, Resident> };
  readonly loader: PoolLoader;
  readonly tasks: BackgroundTasks;
  readonly crashes: CrashWatch;
  readonly nowMs: () => number;
  /** Called after every change that did not come of a decision. */
  readonly changed: () => void;
};

/** Grants turns on loaded models, learns from them, and notices when a model dies under one. */
export class TurnLender {
  readonly #options: LenderOptions;

  constructor(options: LenderOptions) {
    this.#options = options;
  }

  /** Grants a turn; false when that is not possible as things are. */
  start(id: string): boolean {
    const { works, residents } = this.#options.parts;
    const turn = works.turn(id);
    const resident = turn && residents.get(turn.model);
    if (resident === undefined || turn?.state !== "ready") return false;
    if (resident.state === "opening" || resident.leaving !== undefined) return false;
    if (resident.running.size >= resident.slots || this.#isAfterLarger(turn, resident)) return false;
    const nowMs = this.#options.nowMs();
    turn.state = "running";
    turn.sinceMs = nowMs;
    for (const other of [...residents.values()].flatMap(({ running }) => [...running])) {
      other.alone = false;
      turn.alone = false;
    }
    resident.running.add(turn);
    resident.usedAtMs = nowMs;
    turn.grant();
    return true;
  }

  /** Whether a turn that waits needs a larger context than is open. */
  needsLarger({ contextTokens, state }: TurnWork, resident: Resident): boolean {
    const needed = this.#options.parts.models.contextFor(resident.known, contextTokens);
    return state === "ready" && needed > resident.contextTokens;
  }

  /** The lease of a turn that may begin; its model is called `id` there. */
  lend(turn: TurnWork, id: string): Lease {
    const { parts, nowMs, changed } = this.#options;
    const resident = parts.residents.get(turn.model);
    if (resident?.model === undefined) throw new Error(`${turn.model} was lent before it was loaded`);
    const watch = {
      nowMs,
      onPart: () => void turn.steps++,
      onReply: (reply: WatchedReply) => this.#learn(resident, turn, reply),
      onFailure: (error: unknown) => this.#failed(resident, error),
    };
    return {
      model: leasedModel(resident.model, { id, contextTokens: turn.contextTokens }, watch),
      [Symbol.asyncDispose]: async () => {
        if (parts.works.turn(turn.id) !== turn) return;
        resident.running.delete(turn);
        resident.usedAtMs = nowMs();
        parts.works.end(turn, nowMs());
        changed();
      },
    };
  }

  /** A model is made larger when it is idle, which it would never be if others went before the one that waits for it. */
  #isAfterLarger(turn: TurnWork, resident: Resident): boolean {
    for (const other of this.#options.parts.works.turns) {
      if (other.model === turn.model && this.needsLarger(other, resident)) return true;
      if (other === turn) return false;
    }
    return false;
  }

  #learn({ choice, known }: Resident, turn: TurnWork, reply: WatchedReply): void {
    const { parts, nowMs } = this.#options;
    const { promptTokens, outputTokens: replyTokens, firstPartMs, restMs } = reply;
    const seen = {
      model: parts.models.factsKey(known),
      way: choice.way,
      role: turn.job.role,
      promptTokens,
      replyTokens,
      ...(turn.alone ? { promptMs: firstPartMs, replyMs: restMs } : {}),
    };
    parts.machine.facts.change((facts) => learnTurn(facts, seen, nowMs()));
  }

  /** A process that died or hung takes its model with it; every turn on it fails by itself. */
  #failed(resident: Resident, error: unknown): void {
    const { parts, loader, changed, tasks, crashes } = this.#options;
    const { works, residents } = parts;
    const { name: model } = resident.known;
    if (!isDead(error) || residents.get(model) !== resident) return;
    residents.delete(model);
    tasks.run(async () => {
      await loader.close(resident, false);
      changed();
    });
    const event = { type: "model-crashed", model, why: error.message, crashes: crashes.count(resident.known) } as const;
    tasks.run(() => tellBuilds(works, works.builds(model), event));
    const quarantine = crashes.quarantineOf(resident.known);
    for (const turn of quarantine === undefined ? [] : [...works.turns])
      if (turn.model === model && turn.state === "ready") turn.fail(quarantine);
    changed();
  }
}
