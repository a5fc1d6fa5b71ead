/**
 * A clock that follows the machine's, but never goes back: when that is set back, it only goes on. Else whatever
 * waits for a moment would wait for as long as the clock was set back. Milliseconds since 1970, whole ones.
 */
export function steadyClock(
  wallMs: () => number = () => Date.now(),
  runningMs: () => number = () => performance.now(),
): () => number {
  let aheadMs = Number.NEGATIVE_INFINITY;
  return () => {
    const running = runningMs();
    aheadMs = Math.max(aheadMs, wallMs() - running);
    return Math.round(running + aheadMs);
  };
}
