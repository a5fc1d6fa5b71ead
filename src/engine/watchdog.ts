/** Aborts its signal when what it was told to expect does not come in time. */
export class Watchdog implements Disposable {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Replaces what was expected before; after `timeoutMs` the signal aborts with the error as its reason. */
  expect(timeoutMs: number, error: () => Error): void {
    this.rest();
    this.#timer = setTimeout(() => this.#controller.abort(error()), timeoutMs);
  }

  /** Expects nothing. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.rest();
  }
}
