import type { RecordedEvent } from "../journal/build-events.ts";
import { viewBuild } from "../workflows/view-build.ts";

/**
 * What one can do about a build that ended red, as commands that name it: look where it failed, and go on from there.
 * Pure.
 */
export function nextSteps(build: string, events: readonly RecordedEvent[]): readonly string[] {
  const last = events.at(-1);
  if (last === undefined) return [];
  const { tasks, limitReached } = viewBuild(events, last.at);
  const turns = events.flatMap(({ event }) =>
    event.type === "attempt-started" && event.kind === "turn" ? [event] : [],
  );
  const red = tasks.find(({ state }) => state === "red")?.id;
  const isVerified = red === undefined && tasks.length > 0 && tasks.every(({ state }) => state === "green");
  const begun = turns.at(-1)?.task;
  // All tasks green: what is gone on with is the last one, for a check alone would come to the same.
  const failed = red ?? (isVerified && limitReached === undefined ? "verify" : begun);
  const again = red ?? begun;
  if (failed === undefined || again === undefined)
    return limitReached === undefined ? [] : ["Nothing was begun within its limit: begin again with a larger one"];
  const step = turns.findLast(({ task }) => task === again)?.step;
  const ways = [
    ...(step === undefined ? [] : [`atos debug ${again} --build ${build} --from ${shortName(step, again)}`]),
    ...(isVerified ? [] : [`with another seed: atos retry ${again} --build ${build}`]),
  ];
  const unlimited = limitReached === undefined ? "" : ", without the limit";
  return [`Look at it: atos debug ${failed} --build ${build}`, `Go on from there${unlimited}: ${ways.join(", or ")}`];
}

/** As `atos debug TASK --from` takes it. */
function shortName(step: string, task: string): string {
  const own = `tasks/${task}/`;
  return step.startsWith(own) ? step.slice(own.length) : step;
}
