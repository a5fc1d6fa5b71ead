import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { usageError } from "../base/errors.ts";
import { appendBuildEvents } from "../journal/build-events.ts";
import { type Build, findBuild, lockBuild, setBuildState, setWish } from "../store/builds.ts";
import { lastSeq } from "../store/events.ts";
import { WORKFLOW_VERSION } from "../workflows/build-request.ts";
import { commandContext, settingsOf } from "./context.ts";
import { finish } from "./finish.ts";
import { followBuild } from "./follow.ts";
import { isLostConnection } from "./lost-connection.ts";
import { newestBuild } from "../store/newest-builds.ts";
import type { Output } from "./output.ts";
import { connect, type Connection } from "./worker-client.ts";

const MAX_ATTEMPTS = 3;
const RETRY_MS = 200;

/** `atos resume [ID]`: goes on with a build after a pause, a stop or a crash, and follows it. */
export async function runResumeCommand(
  id: string | undefined,
  flags: { readonly budget?: string },
  output: Output,
): Promise<number> {
  const here = commandContext();
  const context = { ...here, budget: (await settingsOf(here, { budget: flags.budget })).budget };
  const { build, fromSeq } = await throughCrashes(output, async () => goOn(await connect(context, output.note), id));
  if (["queued", "running", "paused"].includes(build.state))
    output.say(`build ${build.id}: ${build.goal.split("\n")[0] ?? ""}\n`);
  return finish(output, await followBuild(context, output, { buildId: build.id, fromSeq }), build.id);
}

/** A worker that dies just now is no reason to be asked again: what `ask` does can be done twice. */
async function throughCrashes<T>(output: Output, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isLostConnection(error)) throw error;
      output.note("the worker or its database went away; starting again, nothing is lost");
      await setTimeout(RETRY_MS * attempt);
    }
  }
}

async function goOn(connection: Connection, id: string | undefined): Promise<{ build: Build; fromSeq: number }> {
  await using open = connection;
  const chosen = await chooseBuild(open, id);
  // Before the build is looked at: if it parks after this, its follower reads why.
  const fromSeq = await lastSeq(open.db, chosen.id);
  const build = (await findBuild(open.db, chosen.id)) ?? chosen;
  if (["queued", "running", "paused"].includes(build.state)) refuseOtherVersion(build);
  if (build.state !== "paused") return { build, fromSeq };
  const at = new Date();
  await open.db.transaction().execute(async (trx) => {
    const now = await lockBuild(trx, build.id);
    if (now?.state !== "paused" || now.wish === "cancel") return;
    await setWish(trx, { id: build.id, wish: null, at });
    await setBuildState(trx, { id: build.id, state: "queued", at });
    await appendBuildEvents(trx, build.id, { events: [{ type: "build-resumed" }], at });
  });
  return { build, fromSeq };
}

function refuseOtherVersion(build: Build): void {
  const { workflowVersion } = z.object({ workflowVersion: z.string() }).parse(build.request);
  if (workflowVersion === WORKFLOW_VERSION) return;
  throw usageError(
    "cli/other-version",
    `build ${build.id} was begun by another version of ATOS (${workflowVersion}; this one is ${WORKFLOW_VERSION}). Go on with that version, or end it: atos cancel ${build.id}`,
  );
}

/** The build called `id`, or the latest unfinished one of this installation, but for those of `atos eval`. */
export async function chooseBuild({ db, workerId }: Connection, id: string | undefined): Promise<Build> {
  const build = id === undefined ? await newestBuild(db, { unfinishedOf: workerId }) : await findBuild(db, id);
  if (build === undefined) {
    const why = id === undefined ? "there is no unfinished build" : `there is no build ${id}`;
    throw usageError("cli/no-such-build", `${why}; see: atos list`);
  }
  if (build.worker === workerId) return build;
  throw usageError(
    "cli/other-installation",
    `build ${build.id} belongs to another installation that shares this database; ask there`,
  );
}
