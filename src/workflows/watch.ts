import { z } from "zod";

/** The application name of every client's connection: a worker with clients is not idle. */
export const CLIENT_NAME = "atos-client";

/** Postgres channel on which the worker tells how far a turn is. */
export const PROGRESS_CHANNEL = "atos_progress";

export const progressSchema = z.object({
  buildId: z.string(),
  task: z.string(),
  role: z.string(),
  model: z.string(),
  outputTokens: z.number(),
});
