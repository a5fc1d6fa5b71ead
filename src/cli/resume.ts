import { usageError } from "../base/errors.ts";
import { appendBuildEvents } from "../journal/build-events.ts";
import { type Build, findBuild, latestUnfinishedBuild, setBuildState, setWish } from "../store/builds.ts";
import type { Db } from "../store/database.ts";
import { lastSeq } from "../store/events.ts";
import { commandContext } from "./context.ts";
import { finish } from "./finish.ts";
import { followBuild } from "./follow.ts";
import type { Output } from "./output.ts";
import { connect, type Connection } from "./worker-client.ts";

/** `atos resume [ID]`: goes on with a build after a pause, a stop or a crash, and follows it. */
export async function runResumeCommand(id: string | undefined, output: Output): Promise<number> {
  const context = commandContext();
  const { build, fromSeq } = await goOn(await connect(context, output.note), id);
  if (["queued", "running", "paused"].includes(build.state))
    output.say(`build ${build.id}: ${build.goal.split("\n")[0] ?? ""}\n`);
  return finish(output, await followBuild(context, output, { buildId: build.id, fromSeq }), build.id);
}

async function goOn(connection: Connection, id: string | undefined): Promise<{ build: Build; fromSeq: number }> {
  await using open = connection;
  const build = await chooseBuild(open.db, id);
  const fromSeq = await lastSeq(open.db, build.id);
  if (!["queued", "running", "paused"].includes(build.state)) return { build, fromSeq };
  const at = new Date();
  if (build.state === "paused") {
    await open.db.transaction().execute(async (trx) => {
      await setWish(trx, { id: build.id, wish: null, at });
      await setBuildState(trx, { id: build.id, state: "queued", at });
      await appendBuildEvents(trx, build.id, { events: [{ type: "build-resumed" }], at });
    });
  }
  // Also for one that was queued or running: a crash may have come between its row and its place in the queue.
  const queue = await open.queue();
  await queue.goOn(build.id);
  return { build, fromSeq };
}

/** The build called `id`, or the latest unfinished one. */
export async function chooseBuild(db: Db, id: string | undefined): Promise<Build> {
  const build = id === undefined ? await latestUnfinishedBuild(db) : await findBuild(db, id);
  if (build !== undefined) return build;
  throw usageError(
    "cli/no-such-build",
    id === undefined ? "there is no unfinished build; see: atos list" : `there is no build ${id}; see: atos list`,
  );
}
