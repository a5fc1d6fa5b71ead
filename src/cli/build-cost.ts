import type { RecordedEvent } from "../journal/build-events.ts";
import { timeSpentMs } from "../workflows/limits.ts";
import { keptSeq } from "../workflows/view-build.ts";
import { counted } from "./counted.ts";
import { lengthText } from "./swap-timeline.ts";

/** In milliseconds: how long a build worked, and how long it was paused or waited for a person, from its own first event on. */
export type WorkTime = { readonly spentMs: number; readonly pausedMs: number };

/** Shorter ones are not told to people. */
const TOLD_PAUSE_MS = 1000;

/** The time that a trail tells of, to its last event. Pure. */
export function workTime(events: readonly RecordedEvent[]): WorkTime {
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined) return { spentMs: 0, pausedMs: 0 };
  const spentMs = timeSpentMs(events, last.at);
  return { spentMs, pausedMs: last.at.getTime() - first.at.getTime() - spentMs };
}

/** What a build cost itself, in words; what it has from another one cost nothing again. Pure. */
export function costText(events: readonly RecordedEvent[]): string {
  const keptUntil = keptSeq(events);
  const turns = events.flatMap(({ seq, event }) => (event.type === "turn-finished" ? [{ seq, ...event }] : []));
  const own = turns.filter(({ seq }) => seq > keptUntil);
  const kept = turns.length - own.length;
  const sum = (count: (usage: (typeof own)[number]["usage"]) => number): number =>
    own.reduce((total, { usage }) => total + count(usage), 0);
  const { spentMs, pausedMs } = workTime(events);
  return [
    `${counted(own.length, "turn")}${kept === 0 ? "" : ` (and ${kept} kept)`}`,
    `${sum(({ promptTokens }) => promptTokens)} + ${sum(({ outputTokens }) => outputTokens)} tokens`,
    `${lengthText(spentMs)}${pausedMs < TOLD_PAUSE_MS ? "" : ` (and ${lengthText(pausedMs)} paused or waiting for you)`}`,
  ].join(", ");
}
