import type { BuildEvent } from "../base/events.ts";
import type { PoolWorks } from "./pool-works.ts";

/** Records an event in these builds. One in which it can't be recorded must not go on: its waiting turns fail. */
export async function tellBuilds(works: PoolWorks, builds: Iterable<string>, event: BuildEvent): Promise<void> {
  for (const build of builds) {
    try {
      await works.reportOf(build)?.(event);
    } catch (error) {
      for (const turn of works.turns) if (turn.job.build === build && turn.state === "ready") turn.fail(error);
    }
  }
}
