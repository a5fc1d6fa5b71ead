export type Listening = {
  readonly limitMs: number;
  /** Another number than before when something was heard since. */
  readonly heard: () => number;
};

const TICKS = 10;
const LONGEST_TICK_MS = 2 ** 31 - 1;

/**
 * Calls `alarm` once when nothing was heard for `limitMs`, or up to a tenth more; disposing ends the listening.
 *
 * Each tenth counts once, however long it took. So time in which this process itself stood still (stopped by a
 * terminal together with its children, say) is never taken for silence.
 */
export function onSilence({ limitMs, heard }: Listening, alarm: () => void): Disposable {
  let [last, silentTicks] = [heard(), 0];
  const tick = (): void => {
    const now = heard();
    silentTicks = now === last ? silentTicks + 1 : 0;
    last = now;
    if (silentTicks < TICKS) return;
    clearInterval(timer);
    alarm();
  };
  const timer = setInterval(tick, Math.min(LONGEST_TICK_MS, Math.max(1, limitMs / TICKS)));
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
