/**
 * Aborts its signal when what it was told to expect does not come in time, and when the signal it was given
 * aborts, with that one's reason.
 */
export class Watchdog implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = 0;
  #expected: { readonly atMs: number; readonly error: () => Error } | undefined;

  constructor(outer?: AbortSignal) {
    this.#outer = outer;
    if (outer?.aborted === true) this.#onOuter();
    else outer?.addEventListener("abort", this.#onOuter, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Replaces what was expected before; after `timeoutMs` the signal aborts with the error as its reason. */
  expect(timeoutMs: number, error: () => Error): void {
    const atMs = performance.now() + timeoutMs;
    this.#expected = { atMs, error };
    // A reply is expected again with every piece of it: a timer that fires too early is cheaper than one for each.
    if (this.#timer === undefined || this.#timerAtMs > atMs) this.#wake(atMs);
  }

  /** Expects nothing. */
  rest(): void {
    this.#expected = undefined;
  }

  [Symbol.dispose](): void {
    this.rest();
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#onOuter);
  }

  readonly #onOuter = (): void => this.#controller.abort(this.#outer?.reason);

  #wake(atMs: number): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#look(), Math.max(0, atMs - performance.now()));
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#expected === undefined) return;
    const { atMs, error } = this.#expected;
    if (performance.now() >= atMs) this.#controller.abort(error());
    else this.#wake(atMs);
  }
}
