import { orAborted } from "./or-aborted.ts";

/** Lets so many through at once, in the order they came. */
export class Turnstile {
  readonly #places: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(places: number) {
    this.#places = places;
  }

  /** Waits for a place and holds it until disposed. `signal` ends the wait with its reason. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#inside < this.#places) this.#inside++;
    else {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      try {
        await orAborted(promise, signal);
      } catch (error) {
        const at = this.#waiting.indexOf(resolve);
        // Let in at that very moment: its place goes to the next.
        if (at < 0) this.#leave();
        else this.#waiting.splice(at, 1);
        throw error;
      }
    }
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (!left) this.#leave();
        left = true;
      },
    };
  }

  #leave(): void {
    const next = this.#waiting.shift();
    // A place that is handed on is never free in between.
    if (next === undefined) this.#inside--;
    else next();
  }
}
