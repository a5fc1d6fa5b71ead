/** What a search found out about one work. */
export type WorkGene = {
  /** Multiplies its priority, which is the time from its start to the end of all that waits for it. */
  readonly weight: number;
  /** It does not begin while its device computes for other models only. */
  readonly hold: boolean;
};

/** What the next load shall be like; the rule decides where a gene says nothing. */
export type LoadGene = {
  /** The model to load; "" leaves the choice to the rule. */
  readonly model: string;
  /** Multiplies `Plan.patience` for this load. */
  readonly patience: number;
  /** Makes room for so many slots and opens them; 0 leaves that to the rule. */
  readonly slots: number;
  /** Its placement, where that can be had; -1 leaves the choice to the rule. */
  readonly placement: number;
};

/**
 * The numbers that `decide` follows. Any values are safe: they make a schedule longer or shorter, never wrong.
 * Ids of works and models that a state doesn't hold are ignored.
 */
export type Plan = {
  /** `urgency`: the model with the most urgent works for the time of its load. `arrival`: the oldest work's model. */
  readonly rule: "urgency" | "arrival";
  /** An idle model stays while its coming works are worth more than those of the new one, divided by this. */
  readonly patience: number;
  /** How much a work that comes soon counts, next to a ready one; 0 looks at ready works only. */
  readonly ahead: number;
  /** A free load lane and free memory are used for whatever model comes next. */
  readonly prefetch: boolean;
  /** When the best model can't be loaded yet, no other one is. */
  readonly strict: boolean;
  /** Slots are opened for works that are ready, that come soon too, or as many as fit beside what stays. */
  readonly slots: "ready" | "soon" | "fill";
  /** Idle models are closed for so many slots, if so many works are ready or come soon. */
  readonly room: number;
  /** A model isn't opened with fewer slots than that, but waits for the memory: few slots stay few while it is busy. */
  readonly firm: boolean;
  /** Slots are left away where a second model that has works could then be loaded beside. */
  readonly leaveRoom: boolean;
  readonly keepPinned: boolean;
  /**
   * Which idle models go: those that are the quickest to load again and not needed soon, those with the least work
   * left, or those that were used the longest ago.
   */
  readonly evict: "reload" | "work" | "use";
  /** Where a model goes: where its works are expected to end first, or to the first placement that costs the least. */
  readonly place: "quickest" | "first";
  readonly works: ReadonlyMap<string, WorkGene>;
  /** Multiplies how urgent a model is. */
  readonly models: ReadonlyMap<string, number>;
  /** The next loads, in their order. `afterLoad` takes the first away when a load has begun. */
  readonly loads: readonly LoadGene[];
};

/** A load that is left to the rules. */
export const ANY_LOAD: LoadGene = { model: "", patience: 1, slots: 0, placement: -1 };

/** What is followed before any search. */
export const FIRST_PLAN: Plan = {
  rule: "urgency",
  patience: 0.5,
  ahead: 0.5,
  prefetch: true,
  strict: false,
  slots: "fill",
  room: 2,
  firm: true,
  leaveRoom: false,
  keepPinned: true,
  evict: "reload",
  place: "quickest",
  works: new Map(),
  models: new Map(),
  loads: [],
};

/** The plan as it goes on once its next load has begun. */
export function afterLoad(plan: Plan): Plan {
  return { ...plan, loads: plan.loads.slice(1) };
}
