/*
 * What the planner sees of the pool, and what it answers. Plain values only: the same types serve the
 * real pool, the roll-outs of the search and the simulator of bench/pool.
 */

/** Bytes on each device of the machine, in the order of `PoolState.devices`. */
export type DeviceBytes = readonly number[];

/** A memory that models live in: that of a GPU, or the system's. */
export type PoolDevice = {
  readonly id: string;
  /** What ATOS's models may take there now: the ledger has taken off the reserve and what others use. */
  readonly budgetBytes: number;
  /**
   * Turns of different models never run there at the same time: the threads of two that compute on one processor
   * wait for each other by spinning, so that both together are slower than one after the other.
   */
  readonly oneModelAtATime?: true | undefined;
};

/** One way to load a model. Settled before planning, from its file and what was measured. */
export type Placement = {
  /** Index of the device that computes. Models that run there at the same time share its time. */
  readonly device: number;
  /** Taken while it is loaded: weights, adapters, scratch buffers. */
  readonly loadedBytes: DeviceBytes;
  /** One slot's key-value cache at the model's pinned context; taken while the slot is open, used or not. */
  readonly slotBytes: DeviceBytes;
  /**
   * One step, alone on the device: a token for each of its running turns. Turns of one model are computed
   * together and cost no more than one; the steps of different models on one device add up.
   */
  readonly stepMs: number;
};

export type PoolModel = {
  readonly id: string;
  /** At least one; the better ones first. */
  readonly placements: readonly Placement[];
  /** Slots that may be open at the same time. */
  readonly maxSlots: number;
  /** What a load is expected to take. Loads happen one at a time, and beside turns of other models. */
  readonly loadMs: number;
  /** What it takes to open another number of slots in a loaded model without a turn. */
  readonly resizeMs: number;
  /** Somebody asked for it to stay loaded; that is a wish, kept where it costs no time. */
  readonly pinned: boolean;
};

export type Resident = {
  readonly model: string;
  /** Index into the model's placements. */
  readonly placement: number;
  readonly slots: number;
  /** `opening`: it is being loaded or resized; its memory is taken, and it can't run. */
  readonly state: "ready" | "opening";
  /** When it is expected to be ready; in the past for one that is. */
  readonly readyAtMs: number;
  /** When its last turn began or ended, or it was loaded. */
  readonly usedAtMs: number;
};

/**
 * A turn, or all further turns of a task that has not begun: what needs one slot of one model for a while.
 *
 * `ready` waits for a slot, `running` has one, `later` waits for other works or for something else.
 */
export type PoolWork = {
  readonly id: string;
  readonly model: string;
  /** Steps that are still expected. */
  readonly steps: number;
  /** How sure that is: the standard deviation of the steps over `steps`. Absent or 0: they are known. */
  readonly spread?: number | undefined;
  readonly state: "later" | "ready" | "running";
  /** Works that come before it. One that the state does not hold is done. */
  readonly after: readonly string[];
  /** Since when it has been ready or running; for a later one the moment before which it can't be ready. */
  readonly sinceMs: number;
};

export type PoolState = {
  readonly nowMs: number;
  readonly devices: readonly PoolDevice[];
  readonly models: readonly PoolModel[];
  readonly residents: readonly Resident[];
  /** In the order in which they came. */
  readonly works: readonly PoolWork[];
  /** After waiting so long a ready work goes before everything else. */
  readonly maxWaitMs: number;
};

/**
 * What to do now. Actions are done in their order; `why` is for people and the audit trail.
 *
 * `load` closes the models of `evict` first, none of which has a running turn; at most one model of
 * a state is opening. `resize` gives an idle resident another number of slots. `wait` does nothing and says
 * why a ready work does not start.
 */
export type PoolAction =
  | { readonly kind: "start"; readonly work: string; readonly why: string }
  | {
      readonly kind: "load";
      readonly model: string;
      readonly placement: number;
      readonly slots: number;
      readonly evict: readonly string[];
      readonly why: string;
    }
  | { readonly kind: "resize"; readonly model: string; readonly slots: number; readonly why: string }
  | { readonly kind: "evict"; readonly model: string; readonly why: string }
  | { readonly kind: "wait"; readonly work: string; readonly why: string };

/** How long a search may go on. The same state and number of iterations give the same plan. */
export type Effort = {
  /** Roll-outs, give or take those of one plan. */
  readonly iterations: number;
  /** Asked between plans, which take some roll-outs each; true ends the search early. */
  readonly stop?: (() => boolean) | undefined;
};

/** Decides for the pool. What it remembers from one call to the next is its own. */
export type PoolPolicy = {
  readonly name: string;
  /** Called after every change. Quick: what takes longer is `improve`'s. */
  decide(state: PoolState): readonly PoolAction[];
  /** Spends spare time on better decisions; says whether they may have changed. */
  improve?(state: PoolState, effort: Effort): boolean;
  /** The next load that is foreseen in `state`, for people; undefined where none is. */
  next?(state: PoolState): NextLoad | undefined;
};

/** A load that is planned, and the models that would be closed for it. */
export type NextLoad = { readonly model: string; readonly evict: readonly string[]; readonly why: string };
