/** What a taker holds until it is disposed; at least one slot. */
export type SlotLease<Slot> = Disposable & { readonly slots: Slots<Slot> };
type Slots<Slot> = readonly [Slot, ...Slot[]];

type Waiter<Slot> = {
  /** Returns what it takes of the idle ones, or `undefined` to wait on. */
  readonly choose: (idle: readonly Slot[]) => Slots<Slot> | undefined;
  readonly grant: (lease: SlotLease<Slot>) => void;
};

/**
 * Hands out slots in the order in which they were asked for: nobody overtakes, not even somebody who
 * needs less. Leaving the queue by an abort is immediate.
 */
export class SlotQueue<Slot> {
  #all: readonly Slot[];
  readonly #busy = new Set<Slot>();
  readonly #waiting = new Set<Waiter<Slot>>();

  constructor(slots: readonly Slot[]) {
    this.#all = slots;
  }

  /** Takes the slot that `choose` picks of the idle ones. */
  async takeOne(choose: (idle: Slots<Slot>) => Slot, signal: AbortSignal): Promise<SlotLease<Slot>> {
    return this.#take(([first, ...rest]) => (first === undefined ? undefined : [choose([first, ...rest])]), signal);
  }

  /** Takes all slots, when those before have ended. */
  async takeAll(signal: AbortSignal): Promise<SlotLease<Slot>> {
    // How many there are is asked at its turn: those before may have replaced them.
    const choose: Waiter<Slot>["choose"] = ([first, ...rest]) =>
      first === undefined || rest.length + 1 < this.#all.length ? undefined : [first, ...rest];
    return this.#take(choose, signal);
  }

  /** Puts others in the place of all slots, for who holds all of them. They are given out from now on. */
  replace(slots: readonly Slot[]): void {
    this.#all = slots;
    this.#serve();
  }

  async #take(choose: Waiter<Slot>["choose"], signal: AbortSignal): Promise<SlotLease<Slot>> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<SlotLease<Slot>>();
    const waiter = { choose, grant: resolve };
    const leave = () => {
      this.#waiting.delete(waiter);
      reject(signal.reason);
      // Those behind may need less than the one who left.
      this.#serve();
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#waiting.add(waiter);
    this.#serve();
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  #serve(): void {
    for (const waiter of this.#waiting) {
      const slots = waiter.choose(this.#all.filter((slot) => !this.#busy.has(slot)));
      if (slots === undefined) return;
      this.#waiting.delete(waiter);
      for (const slot of slots) this.#busy.add(slot);
      waiter.grant({ slots, [Symbol.dispose]: () => this.#release(slots) });
    }
  }

  #release(slots: readonly Slot[]): void {
    for (const slot of slots) this.#busy.delete(slot);
    this.#serve();
  }
}
