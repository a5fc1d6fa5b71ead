import type { BuildEvent } from "../base/events.ts";

export type TimedEvent = { readonly at: Date; readonly event: BuildEvent };

/** From one moment to a later one, in milliseconds since the build began, its pauses left out. */
export type Span = readonly [fromMs: number, toMs: number];

/** What one model did during a build. */
export type Track = {
  readonly model: string;
  readonly turns: readonly Span[];
  readonly loads: readonly Span[];
  /** While it was in memory; none for a model on a server. */
  readonly present: readonly Span[];
  readonly unloads: number;
  readonly resizes: number;
};

export type Tracks = {
  readonly totalMs: number;
  /** In the order in which the models first appear. */
  readonly tracks: readonly Track[];
  /** While a turn waited for memory or a load. */
  readonly waits: readonly Span[];
};

type OpenTrack = {
  readonly model: string;
  readonly turns: Span[];
  readonly loads: Span[];
  readonly present: Span[];
  unloads: number;
  resizes: number;
  onServer: boolean;
  presentSinceMs: number | undefined;
  /** Nothing that is told later began before this: the model's last load, or the end of what was before. */
  freshSinceMs: number;
};

/**
 * Reads from a build's events what each model did and when. Pure.
 *
 * Events tell ends: a turn began its duration before it finished, and not before its model was loaded. A model
 * that another build had loaded is here from its first turn on. After a pause nothing is known to be loaded.
 */
export function readTracks(events: readonly TimedEvent[]): Tracks {
  const reader = new TrackReader();
  const times = activeTimes(events);
  events.forEach(({ event }, index) => reader.read(event, times[index] ?? 0));
  return reader.end(times.at(-1) ?? 0);
}

class TrackReader {
  readonly #tracks = new Map<string, OpenTrack>();
  readonly #waits: Span[] = [];
  readonly #waiting = new Map<string, number>();

  read(event: BuildEvent, nowMs: number): void {
    if (event.type === "turn-waiting") this.#wait(turnKey(event), nowMs);
    if (event.type === "model-loaded") this.#load(event, nowMs);
    if (event.type === "model-resized") this.#track(event.model).resizes++;
    if (event.type === "model-unloaded") this.#unload(this.#track(event.model), nowMs);
    if (event.type === "model-crashed") leave(this.#track(event.model), nowMs);
    if (event.type === "turn-finished") this.#turn(event, nowMs);
    if (event.type === "build-paused") this.#rest(nowMs);
  }

  end(nowMs: number): Tracks {
    this.#rest(nowMs);
    return { totalMs: nowMs, tracks: [...this.#tracks.values()], waits: this.#waits };
  }

  #wait(turn: string, nowMs: number): void {
    if (!this.#waiting.has(turn)) this.#waiting.set(turn, nowMs);
  }

  #unload(track: OpenTrack, nowMs: number): void {
    if (!track.onServer) track.unloads++;
    leave(track, nowMs);
  }

  #load({ model, durationMs, slots }: Extract<BuildEvent, { type: "model-loaded" }>, nowMs: number): void {
    const track = this.#track(model);
    if (slots === undefined) {
      track.onServer = true;
      return;
    }
    // Its process may have gone without a word, with the worker that it belonged to.
    const from = Math.max(nowMs - durationMs, track.turns.at(-1)?.[1] ?? 0, 0);
    leave(track, from);
    track.loads.push([from, nowMs]);
    track.freshSinceMs = nowMs;
    track.presentSinceMs = nowMs;
  }

  #turn(event: Extract<BuildEvent, { type: "turn-finished" }>, nowMs: number): void {
    const track = this.#track(event.model);
    const from = Math.min(nowMs, Math.max(nowMs - event.durationMs, track.freshSinceMs));
    track.turns.push([from, nowMs]);
    if (!track.onServer) track.presentSinceMs ??= from;
    const waitedSince = this.#waiting.get(turnKey(event));
    if (waitedSince !== undefined) this.#waits.push([waitedSince, Math.max(waitedSince, from)]);
    this.#waiting.delete(turnKey(event));
  }

  #rest(nowMs: number): void {
    for (const sinceMs of this.#waiting.values()) this.#waits.push([sinceMs, nowMs]);
    this.#waiting.clear();
    for (const track of this.#tracks.values()) leave(track, nowMs);
  }

  #track(model: string): OpenTrack {
    const known = this.#tracks.get(model);
    if (known !== undefined) return known;
    const lists = { turns: [], loads: [], present: [] };
    const counts = { unloads: 0, resizes: 0, onServer: false, presentSinceMs: undefined, freshSinceMs: 0 };
    const made: OpenTrack = { model, ...lists, ...counts };
    this.#tracks.set(model, made);
    return made;
  }
}

/** The model is in memory no more. */
function leave(track: OpenTrack, nowMs: number): void {
  if (track.presentSinceMs !== undefined) track.present.push([track.presentSinceMs, nowMs]);
  track.presentSinceMs = undefined;
  track.freshSinceMs = nowMs;
}

/** When each event was, in the build's own time. An event that is earlier than one before it was at that one's time. */
function activeTimes(events: readonly TimedEvent[]): readonly number[] {
  let latestMs = events[0]?.at.getTime() ?? 0;
  let isPaused = false;
  let nowMs = 0;
  return events.map(({ at, event }) => {
    const sinceMs = Math.max(0, at.getTime() - latestMs);
    if (!isPaused) nowMs += sinceMs;
    latestMs += sinceMs;
    isPaused = event.type === "build-paused";
    return nowMs;
  });
}

function turnKey({ task, role, model }: { readonly task: string; readonly role: string; readonly model: string }) {
  return JSON.stringify([task, role, model]);
}
