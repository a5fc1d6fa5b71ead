import { bytesText } from "./bytes-text.ts";

/** How much had come at a moment. */
export type ProgressSample = { readonly atMs: number; readonly doneBytes: number };

const WINDOW_MS = 15_000;

/** The samples that tell the speed of now: those of the last quarter of a minute, and the new one. Pure. */
export function addSample(samples: readonly ProgressSample[], next: ProgressSample): readonly ProgressSample[] {
  return [...samples.filter(({ atMs }) => next.atMs - atMs <= WINDOW_MS), next];
}

/**
 * Where a download stands, as `1.2 GiB of 2.0 GiB (61 %), 12.3 MiB/s, 1 min 05 s left`. What is not known
 * yet is left out. Pure.
 */
export function progressText(samples: readonly ProgressSample[], totalBytes: number | undefined): string {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return "";
  const { doneBytes } = last;
  const parts = [
    totalBytes === undefined
      ? bytesText(doneBytes)
      : `${bytesText(doneBytes)} of ${bytesText(totalBytes)} (${Math.floor((100 * doneBytes) / Math.max(1, totalBytes))} %)`,
  ];
  const seconds = (last.atMs - first.atMs) / 1000;
  const perSecond = seconds > 0 ? (doneBytes - first.doneBytes) / seconds : 0;
  if (perSecond > 0) parts.push(`${bytesText(perSecond)}/s`);
  if (perSecond > 0 && totalBytes !== undefined) parts.push(`${timeText((totalBytes - doneBytes) / perSecond)} left`);
  return parts.join(", ");
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

const ERASE_LINE = "\r\u001b[2K";
const TERMINAL_MS = 500;
const LOG_MS = 10_000;

/**
 * Tells on standard error how a download goes: one line that changes on a terminal, elsewhere a line now
 * and then.
 */
export function openPullProgress(note: (text: string) => void): {
  readonly report: (doneBytes: number, totalBytes: number | undefined) => void;
  readonly end: () => void;
} {
  const isTerminal = process.stderr.isTTY;
  let samples: readonly ProgressSample[] = [];
  let toldMs = performance.now();
  let isDrawn = false;
  return {
    report: (doneBytes, totalBytes) => {
      const atMs = performance.now();
      if (samples.length > 0 && atMs - toldMs < (isTerminal ? TERMINAL_MS : LOG_MS)) return;
      toldMs = atMs;
      samples = addSample(samples, { atMs, doneBytes });
      const text = progressText(samples, totalBytes);
      if (isTerminal) process.stderr.write(`${ERASE_LINE}${text}`);
      else note(text);
      isDrawn = isTerminal;
    },
    end: () => {
      if (isDrawn) process.stderr.write(ERASE_LINE);
      isDrawn = false;
    },
  };
}
