import type { BuildEvent } from "../base/events.ts";
import { hasClaim } from "../store/builds.ts";
import type { Db } from "../store/database.ts";
import { appendBuildEvents } from "./build-events.ts";
import { type Claim, runOf } from "./run-ended.ts";

type Trail = { readonly db: Db; readonly now: () => Date; readonly claim?: Claim };

/** Tells the trail what happened beside the steps. False when the run has ended; then nothing is told. */
export function reportEvent({ db, now, claim }: Trail, buildId: string, event: BuildEvent): Promise<boolean> {
  const run = runOf(claim, buildId);
  return db.transaction().execute(async (trx) => {
    if (run !== undefined && !(await hasClaim(trx, { buildId, run }))) return false;
    await appendBuildEvents(trx, buildId, { events: [event], at: now() });
    return true;
  });
}
