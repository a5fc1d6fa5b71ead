import type { BuildEvent } from "../base/events.ts";
import type { RecordedEvent } from "../journal/build-events.ts";
import type { Effect } from "../store/effects.ts";
import { placeOf, strandOf } from "./step-place.ts";

/**
 * What a build's trail tells of the steps `kept`, in its order: what a fork tells again. Not of models and pauses, which
 * are of another time, and not of questions, which were answered there. Pure.
 */
export function keptEvents(
  { events, effects }: { readonly events: readonly RecordedEvent[]; readonly effects: readonly Effect[] },
  kept: ReadonlySet<string>,
): readonly BuildEvent[] {
  return events.flatMap(({ at, event }, index) => {
    const step = stepAt(event, { at, effects }) ?? stepOf(event) ?? stepBeside(events, index);
    return step !== undefined && kept.has(step) ? [event] : [];
  });
}

/** The step that an event is recorded with, where the event says so itself. */
function stepOf(event: BuildEvent): string | undefined {
  if (event.type === "task-state") return `tasks/${event.task}: ${event.state}`;
  if (event.type === "task-added") return `tasks/${event.task.id}: added`;
  if (event.type === "tier-ended") return `tasks/${event.task}/${event.tier} ended`;
  if ("step" in event && !NOT_WITH_STEP.has(event.type)) return event.step;
  return STEP_OF[event.type];
}

/** They name a step, and are not recorded with it. */
const NOT_WITH_STEP: ReadonlySet<string> = new Set(["files-written", "approval-asked", "build-forked"]);

/** Events of which a build has one, or of which the last one counts. */
const STEP_OF: Readonly<Partial<Record<BuildEvent["type"], string>>> = {
  "build-started": "start",
  "spec-written": "spec written",
  "plan-made": "plan made",
  "tests-frozen": "tests frozen",
  verified: "verified",
  delivered: "deliver",
};

/** Ends of the names of steps that record such an event: of a plan that a person has changed there are several. */
const ENDS: Readonly<Partial<Record<BuildEvent["type"], readonly string[]>>> = {
  committed: ["/commit"],
  "spec-written": ["spec written", "/plan made"],
  "plan-made": ["plan made"],
  "tests-frozen": ["tests frozen"],
};

/** Of what several steps record, the one that ended at that very moment. */
function stepAt(
  { type }: BuildEvent,
  { at, effects }: { readonly at: Date; readonly effects: readonly Effect[] },
): string | undefined {
  const ends = ENDS[type] ?? [];
  return effects.find(
    ({ name, finishedAt }) => finishedAt?.getTime() === at.getTime() && ends.some((end) => name.endsWith(end)),
  )?.name;
}

/** A rejection is of the turn right before it, and what a strand was told of the strand's next step. */
function stepBeside(events: readonly RecordedEvent[], index: number): string | undefined {
  const event = events[index]?.event;
  if (event?.type === "reply-rejected") {
    const before = events[index - 1]?.event;
    return before === undefined ? undefined : stepOf(before);
  }
  const strand = strandToldOf(event);
  if (strand === undefined) return undefined;
  for (const { event: next } of events.slice(index + 1)) {
    const step = stepOf(next);
    if (step !== undefined && strandOf(step) === strand) return step;
  }
  return undefined;
}

function strandToldOf(event: BuildEvent | undefined): string | undefined {
  if (event?.type === "merged") return "";
  if (event?.type === "files-written") return strandOf(event.step);
  if (event?.type === "reviewed") return strandOf(`tasks/${event.task}`);
  if (event?.type !== "edge-taken") return undefined;
  const isTask = event.graph === "task" && placeOf(`tasks/${event.task}`).stage === "task";
  return isTask ? strandOf(`tasks/${event.task}`) : "";
}
