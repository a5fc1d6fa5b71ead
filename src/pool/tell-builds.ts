import type { BuildEvent } from "../base/events.ts";
import type { PoolWorks } from "./pool-works.ts";

/** What happens to models. */
type PoolEvent = Extract<
  BuildEvent,
  {
    readonly type:
      | "model-loading"
      | "model-loaded"
      | "model-resized"
      | "model-unloaded"
      | "model-shrunk"
      | "model-crashed"
      | "turn-waiting";
  }
>;

/**
 * Records an event in these builds, with models as each of them calls them. One in which it can't be recorded must
 * not go on: its waiting turns fail.
 */
export async function tellBuilds(works: PoolWorks, builds: Iterable<string>, event: PoolEvent): Promise<void> {
  for (const build of builds) {
    try {
      await works.reportOf(build)?.(asCalled(event, (model) => works.idIn(build, model)));
    } catch (error) {
      for (const turn of works.turns) if (turn.job.build === build && turn.state === "ready") turn.fail(error);
    }
  }
}

function asCalled(event: PoolEvent, idOf: (model: string) => string): BuildEvent {
  const model = idOf(event.model);
  return event.type === "model-loading" ? { ...event, model, evict: event.evict.map(idOf) } : { ...event, model };
}
