/** Work that nobody waits for until the end. */
export class BackgroundTasks {
  readonly #signal: AbortSignal;
  readonly #tasks = new Set<Promise<void>>();

  /** Once `signal` is aborted nothing that is thrown matters any more. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** What it throws can only be a fault of ATOS: it ends the process, and the next worker goes on. */
  run(act: () => Promise<void>): void {
    const task = act()
      .catch((error: unknown) => {
        if (!this.#signal.aborted) throw error;
      })
      .finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** Resolves when everything that was begun has ended, and what came of it. */
  async ended(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.allSettled(this.#tasks);
  }
}
