type Options = { readonly capacity: number; readonly perSecond: number; readonly nowMs: () => number };

export class TokenBucket {
  readonly #options: Options;
  #tokens: number;
  #atMs: number;

  constructor(options: Options) {
    this.#options = options;
    this.#tokens = options.capacity;
    this.#atMs = options.nowMs();
  }

  take(count = 1): boolean {
    this.#refill();
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  msUntil(count = 1): number {
    this.#refill();
    if (count > this.#options.capacity) return Infinity;
    return Math.max(0, Math.ceil(((count - this.#tokens) * 1000) / this.#options.perSecond));
  }

  #refill(): void {
    const { capacity, perSecond, nowMs } = this.#options;
    const now = nowMs();
    const passed = Math.max(0, now - this.#atMs);
    this.#tokens = Math.min(capacity, this.#tokens + (passed * perSecond) / 1000);
    this.#atMs = now;
  }
}
