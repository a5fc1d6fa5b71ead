import { z } from "zod";
import { EXIT } from "../base/errors.ts";
import { allBuildEvents, type RecordedEvent } from "../journal/build-events.ts";
import { openApprovals } from "../store/approvals.ts";
import type { Db } from "../store/database.ts";
import { buildRequestSchema } from "../workflows/build-request.ts";
import { keptSeq, viewBuild } from "../workflows/view-build.ts";
import { chosenBuild } from "./chosen-build.ts";
import { type CommandContext, commandContext } from "./context.ts";
import { nextSteps } from "./next-steps.ts";
import type { Output } from "./output.ts";
import { renderEvent } from "./render-event.ts";
import { type Status, statusDocument, statusLines } from "./status-lines.ts";
import { watchStatus } from "./status-watch.ts";
import { countSwaps, swapTimeline } from "./swap-timeline.ts";
import { terminalWidth } from "./terminal-width.ts";
import { connect } from "./worker-client.ts";

const LAST_LINES = 8;

/** `atos status [ID]`: one build, its tasks and what happened last; the newest one if none is named. */
export async function runStatusCommand(
  id: string | undefined,
  flags: { readonly watch?: boolean },
  output: Output,
): Promise<number> {
  const context = commandContext();
  const { status, events } = await readOnce(context, id, output);
  if (flags.watch === true) {
    const { build } = status;
    return await watchStatus(context, { buildId: build.id, read: (db) => readStatus(db, build.id) }, output);
  }
  output.emit({ ...statusDocument(status), swaps: countSwaps(events) });
  output.say(statusLines(status).join("\n"));
  const keptUntil = keptSeq(events);
  const own = events.filter(({ seq }) => seq === 1 || seq > keptUntil);
  const lines = own.flatMap(({ event }) => renderEvent(event) ?? []);
  if (lines.length > 0) output.say(`\n${lines.slice(-LAST_LINES).join("\n")}`);
  const timeline = swapTimeline(events, terminalWidth());
  if (timeline.length > 0) output.say(`\n${timeline.join("\n")}`);
  if (status.build.state === "paused") output.say(`\nGo on: atos resume ${status.build.id}`);
  if (status.build.state === "red") output.say(`\n${nextSteps(status.build.id, events).join("\n")}`);
  return EXIT.done;
}

async function readOnce(context: CommandContext, id: string | undefined, output: Output) {
  await using connection = await connect(context, output.note);
  return await readStatus(connection.db, id);
}

const limitsOf = z.object({ limits: buildRequestSchema.shape.limits });

/** A build as it stands now, with its whole trail; the newest if none is named. */
async function readStatus(
  db: Db,
  id: string | undefined,
): Promise<{ readonly status: Status; readonly events: readonly RecordedEvent[] }> {
  // Before the events: a build that is over by then has all of its own.
  const build = await chosenBuild(db, id);
  const events = await allBuildEvents(db, build.id);
  const now = new Date();
  const questions = (await openApprovals(db, now)).filter(({ buildId }) => buildId === build.id);
  // Of a build of an older version nothing is known.
  const limits = limitsOf.safeParse(build.request).data?.limits ?? {};
  return { status: { build, limits, view: viewBuild(events, now), questions }, events };
}
