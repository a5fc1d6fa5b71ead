import { counted } from "./counted.ts";
import { readTracks, type Span, type TimedEvent, type Track, type Tracks } from "./model-tracks.ts";

/**
 * What a build's models cost in swaps. The times are lengths of the build's own time, pauses left out, in which at
 * least one turn ran, one model was being loaded, or one turn waited for memory or a load: they may overlap.
 */
export type Swaps = {
  readonly loads: number;
  readonly unloads: number;
  readonly resizes: number;
  readonly computingMs: number;
  readonly loadingMs: number;
  readonly waitingMs: number;
};

const MIN_WIDTH = 40;
const MAX_WIDTH = 120;
const MAX_LABEL = 24;
const MAX_ROWS = 12;

/** The figures of a build so far. Pure. */
export function countSwaps(events: readonly TimedEvent[]): Swaps {
  return swapsOf(readTracks(events));
}

/**
 * The build's models over its time, one line each, drawn to fit `width` columns, and a line with the figures.
 * Nothing where there is nothing to see: with fewer than two loads. Pure.
 */
export function swapTimeline(events: readonly TimedEvent[], width: number): readonly string[] {
  const read = readTracks(events);
  const swaps = swapsOf(read);
  if (swaps.loads < 2 || read.totalMs <= 0) return [];
  const shown = read.tracks.slice(0, MAX_ROWS);
  const labelWidth = Math.min(MAX_LABEL, Math.max(...shown.map(({ model }) => model.length)));
  const cells = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)) - labelWidth - 2;
  const rows = shown.map((track) => `${cut(track.model, labelWidth)}  ${drawTrack(track, read.totalMs, cells)}`);
  const more = read.tracks.length - shown.length;
  return [
    `Models over ${lengthText(read.totalMs)} (█ computes, ▒ loading, ░ idle in memory, · absent):`,
    ...rows,
    ...(more > 0 ? [`and ${more} more`] : []),
    figuresLine(swaps, read.totalMs),
  ];
}

function swapsOf({ tracks, waits }: Tracks): Swaps {
  const sum = (count: (track: Track) => number): number => tracks.reduce((total, track) => total + count(track), 0);
  return {
    loads: sum(({ loads }) => loads.length),
    unloads: sum(({ unloads }) => unloads),
    resizes: sum(({ resizes }) => resizes),
    computingMs: coveredMs(tracks.flatMap(({ turns }) => turns)),
    loadingMs: coveredMs(tracks.flatMap(({ loads }) => loads)),
    waitingMs: coveredMs(waits),
  };
}

/** How much of the time the spans cover together; where they overlap it counts once. */
function coveredMs(spans: readonly Span[]): number {
  let covered = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    covered += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return Math.round(covered);
}

/** Of computing and loading the longer one in each cell, however short: a quick load is what one looks for here. */
function drawTrack({ turns, loads, present }: Track, totalMs: number, cells: number): string {
  const cellMs = totalMs / cells;
  const [computing, loading, idle] = [turns, loads, present].map((spans) => coverage(spans, cellMs, cells));
  return Array.from({ length: cells }, (_, cell) => {
    const [computed, loaded] = [computing?.[cell] ?? 0, loading?.[cell] ?? 0];
    if (computed > 0 || loaded > 0) return computed >= loaded ? "█" : "▒";
    return (idle?.[cell] ?? 0) > 0 ? "░" : "·";
  }).join("");
}

/** Milliseconds that the spans take of each cell; what lasts no time takes a trace of its cell. */
function coverage(spans: readonly Span[], cellMs: number, cells: number): readonly number[] {
  const taken = Array.from({ length: cells }, () => 0);
  for (const [from, to] of spans) {
    const first = Math.min(cells - 1, Math.floor(from / cellMs));
    const last = Math.min(cells - 1, Math.max(first, Math.ceil(to / cellMs) - 1));
    for (let cell = first; cell <= last; cell++) {
      const overlap = Math.min(to, (cell + 1) * cellMs) - Math.max(from, cell * cellMs);
      taken[cell] = (taken[cell] ?? 0) + Math.max(overlap, Number.MIN_VALUE);
    }
  }
  return taken;
}

function figuresLine({ loads, unloads, resizes, computingMs, loadingMs }: Swaps, totalMs: number): string {
  const share = (ms: number): string => `${Math.round((100 * ms) / totalMs)} %`;
  const counts = [
    counted(loads, "load"),
    counted(unloads, "eviction"),
    ...(resizes > 0 ? [counted(resizes, "resize")] : []),
  ];
  return `${counts.join(", ")}, ${share(computingMs)} of the time computing, ${share(loadingMs)} loading`;
}

/** A length of time for people: `41.5 s`, `12 min 5 s`, `2 h 10 min`. Pure. */
export function lengthText(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
