import { setTimeout as wait } from "node:timers/promises";
import type { OutwardAnswer } from "./outward-request.ts";

/** Waits, and rejects with the signal's reason when aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** With the first. */
const MAX_ATTEMPTS = 4;
const FIRST_WAIT_MS = 500;
/** A server that wants more patience is told of instead. */
const MAX_WAIT_MS = 10_000;
const PASSING_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * How long to wait before the next attempt, in ms, or undefined when there is to be none: three times at most, longer
 * each time, as long as the server asks for if that is not too long. Pure.
 */
function retryWaitMs(answer: OutwardAnswer, attempt: number, nowMs: number): number | undefined {
  if (attempt >= MAX_ATTEMPTS) return undefined;
  const usual = FIRST_WAIT_MS * 2 ** (attempt - 1);
  if (answer.kind === "failed") return answer.isPassing ? usual : undefined;
  if (!PASSING_STATUS.has(answer.status)) return undefined;
  const asked = retryAfterMs(answer.headers["retry-after"], nowMs) ?? usual;
  return asked > MAX_WAIT_MS ? undefined : asked;
}

/** `Retry-After` as seconds or as a date. Pure. */
function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/** Makes a request until it succeeds or no further attempt makes sense; `attempts` counts every one. */
export async function withRetries(
  send: () => Promise<OutwardAnswer>,
  sleep: Sleep,
  signal: AbortSignal,
): Promise<{ readonly answer: OutwardAnswer; readonly attempts: number }> {
  for (let attempt = 1; ; attempt++) {
    const answer = await send();
    const waitMs = retryWaitMs(answer, attempt, Date.now());
    if (waitMs === undefined) return { answer, attempts: attempt };
    await sleep(waitMs, signal);
  }
}

export const sleep: Sleep = async (ms, signal) => {
  await wait(ms, undefined, { signal });
};
