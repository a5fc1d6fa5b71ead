import { z } from "zod";
import { allBuildEvents } from "../journal/build-events.ts";
import type { Journal } from "../journal/effect.ts";
import { findRecorded, recordOnce } from "../journal/record-once.ts";
import type { BuildRequest } from "./build-request.ts";
import { type Limit, Limits, timeSpentMs } from "./limits.ts";

const STEP = "limit reached";
const limitSchema = z.object({ limit: z.enum(["minutes", "tokens"]), most: z.number() });

/** The limits of a build's run, going on from what earlier runs have spent. */
export async function openLimits(
  journal: Journal,
  { buildId, limits }: { readonly buildId: string; readonly limits: BuildRequest["limits"] },
): Promise<Limits> {
  const { minutes, tokens } = limits;
  const none = minutes === undefined && tokens === undefined;
  const reached = none ? undefined : await findRecorded(journal, { buildId, name: STEP }, limitSchema);
  const spentMs = minutes === undefined ? 0 : timeSpentMs(await allBuildEvents(journal.db, buildId), journal.now());
  const record = async (limit: Limit): Promise<void> => {
    await recordOnce(journal, { buildId, name: STEP }, async () => ({
      result: limit,
      events: [{ type: "limit-reached", ...limit }],
    }));
  };
  return new Limits({ minutes, tokens, spentMs, reached, record });
}
