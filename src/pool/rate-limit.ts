import { setTimeout } from "node:timers/promises";

const MINUTE_MS = 60_000;

export type Rate = {
  readonly perMinute: number | undefined;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
};

/**
 * Waits until one more request keeps within `perMinute`, and notes it in `begun`, the moments of those before.
 *
 * @throws the signal's reason.
 */
export async function waitUnderRate(begun: number[], { perMinute, nowMs, signal }: Rate): Promise<void> {
  for (;;) {
    const waitMs = rateWaitMs(begun, perMinute, nowMs());
    if (waitMs <= 0) break;
    await setTimeout(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
  const now = nowMs();
  while (begun[0] !== undefined && begun[0] <= now - MINUTE_MS) begun.shift();
  begun.push(now);
}

/** Milliseconds until a request may begin, when others began at `begun`, oldest first. Pure. */
export function rateWaitMs(begun: readonly number[], perMinute: number | undefined, nowMs: number): number {
  if (perMinute === undefined) return 0;
  const recent = begun.filter((at) => at > nowMs - MINUTE_MS);
  const blocking = recent.at(-perMinute);
  return recent.length < perMinute || blocking === undefined ? 0 : Math.ceil(blocking + MINUTE_MS - nowMs);
}
