import { z } from "zod";
import { EFFECT_BOUNDARIES } from "../../src/journal/effect.ts";

/** What the worker of a campaign is told: on its command line, as JSON. */
export const workerInputSchema = z.object({
  databaseUrl: z.string(),
  /** Keeps workspaces and repositories, for all builds. */
  state: z.string(),
  buildId: z.string(),
  hooks: z.string(),
  /** The worker kills itself when it comes to this boundary for the n-th time. */
  killAt: z.object({ boundary: z.enum(EFFECT_BOUNDARIES), nth: z.int() }).optional(),
});
export type WorkerInput = z.infer<typeof workerInputSchema>;

/** What a worker that came to the end tells: on its standard output, as one line of JSON. */
export const reportSchema = z.object({
  snapshot: z.string(),
  commits: z.string(),
  /** Path, kind, mode, and hash or target of everything in the workspace. */
  listing: z.array(z.string()),
  /** Tool, outcome and hash of the text of each call. */
  outcomes: z.array(z.string()),
});
export type Report = z.infer<typeof reportSchema>;
